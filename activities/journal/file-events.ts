/**
 * Events as files: one JSON file each for a journal, or a day's record, in a folder.
 *
 * Owns the folder's layout and its bounds. A file is replaced as a whole, atomically and durably (`replace.ts`); one that cannot be read is
 * refused with its name and left exactly as it is. Must never touch a path outside its folder.
 */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { eventKey } from '../../domain/journal.ts';
import type { Kind, Listed, Stamped } from './kind.ts';
import { nameOf, runOf } from './names.ts';
import { readWhole } from './read-whole.ts';
import { isCode, namesIn, replaceFile } from './replace.ts';
import type { Place } from './replace.ts';
import { byTime, JOURNAL_MAX_BYTES, JournalError } from './store.ts';
import type { Appended, EventStore } from './store.ts';
import { END_BYTES, HEAD_BYTES, looseSchema, parseHead, wholeText } from './text.ts';
import type { LooseEvent } from './text.ts';

/** Files that a list opens at once. */
const LIST_WIDTH = 16;
/** The folder of those who write, beside the files. */
const WRITERS = '.writers';

/** Opens the files of this kind in `folder`, which is made at the first append. */
export function openFileEvents<
  Event extends Stamped,
  Whole extends { readonly events: readonly Event[] },
  Head extends object,
>(folder: string, kind: Kind<Event, Whole, Head>): EventStore<Event, Whole, Head> {
  // Appends of this process to one file wait for each other here, so that they do not have to find each other on disk.
  const queues = new Map<string, Promise<unknown>>();
  return {
    async append(name, events) {
      const place = placeOf(folder, name);
      const turn = (queues.get(place.file) ?? Promise.resolve())
        .catch(() => undefined)
        .then(() => append(kind, place, name, events));
      queues.set(place.file, turn);
      try {
        return await turn;
      } finally {
        if (queues.get(place.file) === turn) queues.delete(place.file);
      }
    },
    async read(name) {
      const { file } = placeOf(folder, name);
      const text = await readWhole(file);
      if (text === undefined) return undefined;
      const whole = sameName(kind, file, name, parse(kind, file, text, kind.whole));
      return { ...whole, events: [...whole.events].sort(byTime) };
    },
    list: () => list(folder, kind),
  };
}

async function append<Event extends Stamped, Whole, Head extends object>(
  kind: Kind<Event, Whole, Head>,
  place: Place,
  name: string,
  events: readonly Event[],
): Promise<Appended<Event>> {
  const offered = z.array(kind.event).parse(events);
  let added: readonly Event[] = [];
  if (offered.length === 0) return { added };
  await replaceFile(place, async () => {
    const present = await readWhole(place.file);
    const loose = looseSchema.and(z.object({ schema: z.literal(kind.schema), [kind.key]: z.string().min(1) }));
    const known: readonly LooseEvent[] =
      present === undefined ? [] : sameName(kind, place.file, name, parse(kind, place.file, present, loose)).events;
    const keys = new Set(known.map(eventKey));
    added = offered.filter((event) => !keys.has(eventKey(event)) && keys.add(eventKey(event)));
    if (added.length === 0) return undefined;
    const text = wholeText(kind, name, [...known, ...(added as readonly (Event & LooseEvent)[])].sort(byTime));
    if (Buffer.byteLength(text) > JOURNAL_MAX_BYTES) {
      throw new JournalError(`${place.file} would grow beyond ${JOURNAL_MAX_BYTES} bytes; the events were not added`);
    }
    return text;
  });
  return { added: [...added].sort(byTime) };
}

async function list<Head extends object>(folder: string, kind: Listed<Head>): Promise<readonly Head[]> {
  const names = (await namesIn(folder)).filter((name) => name.endsWith('.json') && !name.startsWith('.'));
  const heads: { readonly head: Head; readonly name: string }[] = [];
  const next = names.values();
  const work = async (): Promise<void> => {
    for (const name of next) heads.push(...(await headOf(folder, kind, name)).map((head) => ({ head, name })));
  };
  await Promise.all(Array.from({ length: LIST_WIDTH }, work));
  return heads
    .sort((a, b) => kind.startedAtMs(a.head) - kind.startedAtMs(b.head) || (a.name < b.name ? -1 : 1))
    .map(({ head }) => head);
}

/** The head of one; none where the file went away meanwhile. */
async function headOf<Head extends object>(folder: string, kind: Listed<Head>, name: string): Promise<Head[]> {
  const file = join(folder, name);
  try {
    const handle = await open(file, 'r');
    try {
      const { size, mtimeMs } = await handle.stat();
      const part = async (length: number, position: number): Promise<string> => {
        const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, position);
        return buffer.subarray(0, bytesRead).toString('utf8');
      };
      const end = await part(END_BYTES, Math.max(0, size - END_BYTES));
      return [headIn(kind, file, name, await part(HEAD_BYTES, 0), end, mtimeMs)];
    } finally {
      await handle.close();
    }
  } catch (failure) {
    if (isCode(failure, 'ENOENT')) return [];
    throw failure;
  }
}

function headIn<Head extends object>(
  kind: Listed<Head>,
  file: string,
  name: string,
  prefix: string,
  end: string,
  mtimeMs: number,
): Head {
  try {
    return parseHead(kind, prefix, end);
  } catch {
    const problem = `${file} is not ${kind.noun}, or it is damaged`;
    return kind.unreadable(runOf(name.slice(0, -'.json'.length)), mtimeMs, problem);
  }
}

/** Where the one of this name is. */
function placeOf(folder: string, name: string): Place {
  const file = nameOf(name);
  return { file: join(folder, `${file}.json`), writers: join(folder, WRITERS, file) };
}

function parse<T>({ noun }: { readonly noun: string }, file: string, text: string, schema: z.ZodType<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (failure) {
    throw damaged(noun, file, failure instanceof Error ? failure.message : String(failure));
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw damaged(noun, file, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? `it is not ${noun}`}`);
}

function damaged(noun: string, file: string, why: string): JournalError {
  return new JournalError(
    `${file} cannot be read as ${noun} (${why}). It was left as it is: move it away, or read it with a newer version of Squall`,
  );
}

/** On file systems that ignore case, two may share a file name. */
function sameName<T extends object>(
  { noun, key }: { readonly noun: string; readonly key: string },
  file: string,
  name: string,
  whole: T,
): T {
  const found = (whole as Record<string, unknown>)[key];
  if (found === name) return whole;
  throw new JournalError(`${file} is ${noun} of ${String(found)}, not of ${name}. It was left as it is`);
}
