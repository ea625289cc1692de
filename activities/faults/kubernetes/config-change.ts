/**
 * `kubernetes/config-change`: a key of a config map or a secret has another value, or is not there.
 *
 * The value is put back byte for byte. One that others have written meanwhile is theirs, and is left. A secret's value is written
 * down where the secret is: on itself, for whoever may read it anyway.
 */
import { z } from 'zod';
import { permission } from '../../kubernetes/access.ts';
import { keyedSchema } from '../../kubernetes/objects.ts';
import { objectFault } from './object-fault.ts';

/** The longest value that is changed, or written, in characters: what there was is written down beside it. */
const VALUE_MAX = 12_000;

const params = z.strictObject({
  key: z
    .string()
    .regex(/^(?!__proto__$)[\w.-]{1,253}$/, 'expected a key of letters, digits, dots, dashes and underscores')
    .describe('Which key.'),
  value: z.string().max(VALUE_MAX).nullable().describe('Its value while the fault is on; null takes the key away.'),
});

/** Values as the object has them: those of a secret are in base64. */
const undoRecord = z.object({ key: z.string(), from: z.string().nullable(), to: z.string().nullable() });

export const driver = objectFault({
  kind: 'kubernetes/config-change',
  summary: 'A key of a config map or a secret has another value, or is not there.',
  params,
  resource: 'config',
  objects: ['configmap', 'secret'],
  permissions: [permission('', ['configmaps', 'secrets'], ['get', 'list', 'patch'])],
  undo: 'the key has its value again, byte for byte, unless somebody else has written another meanwhile',
  object: keyedSchema,
  undoRecord,
  harm: async ({ data, binaryData, immutable }, { target, params: { key, value } }) => {
    if (immutable) return 'it is immutable';
    if (Object.hasOwn(binaryData, key)) return `${key} holds binary data`;
    const from = valueOf(data, key);
    const to = value !== null && target.startsWith('secret/') ? Buffer.from(value).toString('base64') : value;
    if (from === to) return `${key} is like that already`;
    if ((from?.length ?? 0) > VALUE_MAX) return `what ${key} holds is longer than ${VALUE_MAX} characters`;
    return { undo: { key, from, to }, change: { data: { [key]: to } } };
  },
  isOn: ({ data }, { key, to }) => valueOf(data, key) === to,
  heal: ({ data }, { key, from, to }) => (valueOf(data, key) === to ? { data: { [key]: from } } : {}),
});

/** Null: there is none. What every object has is no key of this one. */
function valueOf(data: Readonly<Record<string, string>>, key: string): string | null {
  return Object.hasOwn(data, key) ? (data[key] ?? null) : null;
}
