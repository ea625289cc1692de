/**
 * What an instance has answered: one line of JSON, the last one of what a command printed.
 *
 * Owns its shape and its bounds. Whoever wrote it may have been another version, or not us at all: what cannot be read is an error, and
 * must never be taken for an end.
 */
import { z } from 'zod';

/** The most that SSM passes on of what a command printed, in characters. */
const PRINTED_MAX = 24_000;
const TEXT_MAX = 8_000;

/** What a command may answer. */
const RESULTS = [
  'injected',
  'fenced',
  'occupied',
  'lapsed',
  'failed',
  'renewed',
  'reverted',
  'absent',
  'active',
  'listed',
] as const;

const milliseconds = z.number().int().min(0);
const text = z.string().max(TEXT_MAX);
const written = text.transform((base64) => Buffer.from(base64, 'base64').toString('utf8'));

const slotSchema = z.object({
  /** Of the fault, and of whose installation it is. */
  key: text,
  installation: text,
  resource: text,
  /** As they were put on. */
  id: written,
  record: written,
  /** Whether a process there is to end it. */
  held: z.boolean(),
  /** Whether it is being taken off. */
  fenced: z.boolean(),
  leftMs: milliseconds,
  atMostMs: milliseconds,
});

const saidSchema = z.object({
  squall: z.literal(1),
  result: z.enum(RESULTS),
  /** For people; the key of whoever holds it where it is occupied. */
  detail: text.optional(),
  /** What it has done so far, by the instance's own measure. */
  measured: z.record(z.string().max(40), z.number()).optional(),
  leftMs: milliseconds.optional(),
  atMostMs: milliseconds.optional(),
  slots: z.array(slotSchema).max(64).optional(),
  /** Whether there is more than could be said. */
  more: z.boolean().optional(),
});

/** An answer. */
export type Said = z.output<typeof saidSchema>;

/** The answer in what a command printed. Throws where there is none, with what there was. */
export function saidIn(printed: string): Said {
  const line = printed.slice(-PRINTED_MAX).trimEnd().split('\n').at(-1) ?? '';
  let found: unknown;
  try {
    found = JSON.parse(line);
  } catch {
    throw new Error(`expected a line of JSON from the instance, found ${shown(line)}`);
  }
  const parsed = saidSchema.safeParse(found);
  if (parsed.success) return parsed.data;
  throw new Error(`the instance answered what is not expected (${z.prettifyError(parsed.error)}): ${shown(line)}`);
}

function shown(line: string): string {
  return line === '' ? 'nothing' : JSON.stringify(line.slice(0, 200));
}
