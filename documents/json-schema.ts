/**
 * The JSON Schema of documents, for editors.
 *
 * Owns nothing but the translation: the same schemas that parse a document describe it.
 */
import { z } from 'zod';
import type { Catalogue } from './experiment.ts';
import { experimentSchema } from './experiment-schema.ts';
import { gameDaySchema } from './game-day-schema.ts';
import { programSchema } from './program-schema.ts';

/** A JSON Schema (draft 2020-12) of a program, a game day or an experiment, since a file may have all of them. */
export function documentJsonSchema(catalogue: Catalogue): Record<string, unknown> {
  return {
    title: 'Squall document',
    if: { required: ['program'] },
    then: toSchema(programSchema),
    else: {
      if: { required: ['gameDay'] },
      then: toSchema(gameDaySchema),
      else: experimentJsonSchema(catalogue),
    },
  };
}

/** `with` and `targets` depend on `fault`. */
function experimentJsonSchema(catalogue: Catalogue): Record<string, unknown> {
  const kinds = [...catalogue.kinds];
  const base = toSchema(experimentSchema(kinds.map(([kind]) => kind)));
  const allOf = kinds.map(([kind, { params, selector }]) => {
    const selected = toSchema(selector) as { properties?: object; required?: string[] };
    return {
      if: { properties: { fault: { const: kind } }, required: ['fault'] },
      then: {
        properties: {
          with: toSchema(params),
          targets: {
            ...selected,
            properties: { site: { type: 'string' }, ...selected.properties },
            required: ['site', ...(selected.required ?? [])],
          },
        },
      },
    };
  });
  return { ...base, allOf };
}

function toSchema(schema: z.ZodType): Record<string, unknown> {
  const { $schema: _dialect, ...described } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return described;
}
