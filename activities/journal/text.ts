/**
 * A journal, or a day's record, as text: JSON with one event a line, after a first line that says what a list needs.
 *
 * Owns the spelling of the file. The first line's `about` is derived from the events and never read back into them; must
 * never write text that {@link parseHead} or a plain JSON parser cannot read.
 */
import { z } from 'zod';
import type { Kind, Stamped } from './kind.ts';
import { count, ms } from './experiment-schema.ts';

/** The first line is at most this long, in bytes; a longer experiment name is cut in it. */
export const HEAD_BYTES = 4_096;
/** What a whole one ends with is within this many bytes, with white space that an editor may have added. */
export const END_BYTES = 16;
const END = '\n]}';

/** An event as appending sees it. */
export type LooseEvent = Stamped & Readonly<Record<string, unknown>>;

/** The parts of a kind that its text is made of. */
type Spelling<Head extends object> = Pick<Kind<Stamped, unknown, Head>, 'schema' | 'key' | 'about' | 'aboutSchema'>;

/**
 * What appending needs to know, and no more: events that a newer version wrote, and fields that this one does not know, go through
 * an append unchanged.
 */
export const looseSchema = z.object({
  schema: z.string(),
  events: z.array(z.looseObject({ seq: count, atMs: ms, type: z.string() })),
});

/** The file's text: valid JSON, and readable with `less` and `grep`. */
export function wholeText<Head extends object>(
  { schema, key, about }: Spelling<Head>,
  name: string,
  events: readonly LooseEvent[],
): string {
  const head = JSON.stringify({ schema, [key]: name, about: about(events) });
  const lines = events.map((event) => JSON.stringify(event)).join(',\n');
  return `${head.slice(0, -1)},"events":[\n${lines}${END}\n`;
}

/** What the first bytes say. Throws where they, or the last ones, are not those of a whole one. */
export function parseHead<Head extends object>(
  { schema, key, aboutSchema }: Spelling<Head>,
  prefix: string,
  last: string,
): Head {
  const end = prefix.indexOf(',"events":[\n');
  if (end < 0) throw new Error('it does not begin like one');
  if (!last.trimEnd().endsWith(END)) throw new Error('it does not end like one');
  const head = z
    .object({ schema: z.literal(schema), [key]: z.string().min(1), about: aboutSchema })
    .parse(JSON.parse(`${prefix.slice(0, end)}}`)) as { readonly about: object } & Record<string, unknown>;
  return { [key]: head[key], ...head.about } as Head;
}
