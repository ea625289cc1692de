/**
 * Incidents as any HTTP endpoint with a JSON answer knows them.
 *
 * Owns the predicate. What the pointer does not find is no answer, and never "no incident".
 */
import { z } from 'zod';
import { pointAt } from '../probes/json-pointer.ts';
import { httpSettings } from '../probes/secret.ts';
import { askJson } from './ask-json.ts';
import type { IncidentSource } from './incidents.ts';

export const httpIncidentSettings = z
  .strictObject({
    ...httpSettings,
    jsonPointer: z
      .string()
      .regex(/^(\/.*)?$/, 'expected a JSON pointer: /incidents/open')
      .describe('What of the answer is looked at (RFC 6901).'),
    calmWhen: z
      .union([z.strictObject({ equals: z.union([z.string(), z.number(), z.boolean(), z.null()]) }), z.literal('empty')])
      .describe('What it is when there is no incident: `empty` (a list or text), or `{ equals: 0 }`.'),
  })
  .describe('An endpoint of your own.');

/** Asks the endpoint. */
export function httpIncidents(settings: z.infer<typeof httpIncidentSettings>): IncidentSource {
  const { url, jsonPointer, calmWhen, ...credentials } = settings;
  const asked = new URL(url);
  return {
    name: asked.host,
    async active(signal) {
      const value = pointAt(await askJson(asked, credentials, {}, z.unknown(), signal), jsonPointer);
      if (value === undefined)
        throw new Error(`its answer has nothing at ${jsonPointer === '' ? 'its root' : jsonPointer}`);
      if (calmWhen !== 'empty') return value === calmWhen.equals ? [] : [`${jsonPointer} is ${shown(value)}`];
      if (!Array.isArray(value) && typeof value !== 'string')
        throw new Error(`${jsonPointer} is ${shown(value)}, expected a list or a text`);
      return value.length === 0 ? [] : [`${jsonPointer} is ${shown(value)}`];
    },
  };
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? 'nothing').slice(0, 80);
}
