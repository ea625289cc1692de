/**
 * The file store: one JSON file a run, `<folder>/<run>.json`, and the audit in a folder beside them.
 *
 * Owns the folder's layout and its bounds. A journal is replaced as a whole, atomically and durably (`replace.ts`); one that
 * cannot be read is refused with its name and left exactly as it is. Must never touch a path outside its folder.
 */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { eventKey } from '../../domain/journal.ts';
import type { Journal, JournalEvent } from '../../domain/journal.ts';
import { openFileAudit } from './file-audit.ts';
import { nameOf, runOf } from './names.ts';
import { readWhole } from './read-whole.ts';
import { isCode, namesIn, replaceFile } from './replace.ts';
import type { Place } from './replace.ts';
import { journalEventSchema, journalSchema, looseJournalSchema } from './schema.ts';
import type { LooseEvent } from './schema.ts';
import { byTime, JOURNAL_MAX_BYTES, JournalError } from './store.ts';
import type { Appended, JournalHead, JournalStore } from './store.ts';
import { END_BYTES, HEAD_BYTES, journalText, parseHead } from './text.ts';

/** Files that a list opens at once. */
const LIST_WIDTH = 16;
/** The folder of those who write, beside the journals. */
const WRITERS = '.writers';

/** Opens the store in `folder`, which is made at the first append. */
export function openFileStore(folder: string): JournalStore {
  // Appends of this process to one run wait for each other here, so that they do not have to find each other on disk.
  const queues = new Map<string, Promise<unknown>>();
  return {
    async append(run, events) {
      const place = placeOf(folder, run);
      const turn = (queues.get(place.file) ?? Promise.resolve())
        .catch(() => undefined)
        .then(() => append(place, run, events));
      queues.set(place.file, turn);
      try {
        return await turn;
      } finally {
        if (queues.get(place.file) === turn) queues.delete(place.file);
      }
    },
    async read(run) {
      const { file } = placeOf(folder, run);
      const text = await readWhole(file);
      return text === undefined ? undefined : inOrder(sameRun(file, run, parse(file, text, journalSchema)));
    },
    list: () => list(folder),
    // Nothing stays open, and a folder that is not there yet is made.
    ready: async () => undefined,
    audit: openFileAudit(join(folder, 'audit')),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

async function append(place: Place, run: string, events: readonly JournalEvent[]): Promise<Appended> {
  const offered = z.array(journalEventSchema).parse(events) satisfies readonly JournalEvent[];
  let added: readonly JournalEvent[] = [];
  if (offered.length === 0) return { added };
  await replaceFile(place, async () => {
    const present = await readWhole(place.file);
    const known: LooseEvent[] =
      present === undefined ? [] : sameRun(place.file, run, parse(place.file, present, looseJournalSchema)).events;
    const keys = new Set(known.map(eventKey));
    added = offered.filter((event) => !keys.has(eventKey(event)) && keys.add(eventKey(event)));
    if (added.length === 0) return undefined;
    const text = journalText(run, [...known, ...added].sort(byTime));
    if (Buffer.byteLength(text) > JOURNAL_MAX_BYTES) {
      throw new JournalError(`${place.file} would grow beyond ${JOURNAL_MAX_BYTES} bytes; the events were not added`);
    }
    return text;
  });
  return { added: [...added].sort(byTime) };
}

async function list(folder: string): Promise<readonly JournalHead[]> {
  const names = (await namesIn(folder)).filter((name) => name.endsWith('.json') && !name.startsWith('.'));
  const heads: JournalHead[] = [];
  const next = names.values();
  const work = async (): Promise<void> => {
    for (const name of next) heads.push(...(await headOf(folder, name)));
  };
  await Promise.all(Array.from({ length: LIST_WIDTH }, work));
  return heads.sort((a, b) => a.startedAtMs - b.startedAtMs || (a.run < b.run ? -1 : 1));
}

/** The head of one journal; none where the file went away meanwhile. */
async function headOf(folder: string, name: string): Promise<JournalHead[]> {
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
      return [headIn(file, name, await part(HEAD_BYTES, 0), end, mtimeMs)];
    } finally {
      await handle.close();
    }
  } catch (failure) {
    if (isCode(failure, 'ENOENT')) return [];
    throw failure;
  }
}

function headIn(file: string, name: string, prefix: string, end: string, mtimeMs: number): JournalHead {
  try {
    return parseHead(prefix, end);
  } catch {
    const problem = `${file} is not a journal, or it is damaged`;
    const run = runOf(name.slice(0, -'.json'.length));
    return { run, experiment: '', startedAtMs: mtimeMs, phase: 'pre-flight', status: null, deviated: null, problem };
  }
}

/** Where the journal of `run` is. */
function placeOf(folder: string, run: string): Place {
  const name = nameOf(run);
  return { file: join(folder, `${name}.json`), writers: join(folder, WRITERS, name) };
}

function parse<T>(file: string, text: string, schema: z.ZodType<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (failure) {
    throw damaged(file, failure instanceof Error ? failure.message : String(failure));
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw damaged(file, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'it is not a journal'}`);
}

function damaged(file: string, why: string): JournalError {
  return new JournalError(
    `${file} cannot be read as a journal (${why}). It was left as it is: move it away, or read it with a newer version of Squall`,
  );
}

/** On file systems that ignore case, two runs may share a file name. */
function sameRun<T extends { readonly run: string }>(file: string, run: string, journal: T): T {
  if (journal.run === run) return journal;
  throw new JournalError(`${file} is the journal of ${journal.run}, not of ${run}. It was left as it is`);
}

function inOrder(journal: Journal): Journal {
  return { ...journal, events: [...journal.events].sort(byTime) };
}
