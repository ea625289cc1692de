/**
 * The audit as files: one entry a line, in `audit/000000.jsonl` and its successors.
 *
 * Owns the folder's layout. A full file is never written again; the last one is replaced as a whole (`replace.ts`), with one
 * lock for all of them. What cannot be read is refused with its place and left exactly as it is.
 */
import { join } from 'node:path';
import { chained } from '../../domain/audit.ts';
import type { AuditEntry, AuditRecord } from '../../domain/audit.ts';
import { auditEntrySchema, digestOf, gathering } from './audit-schema.ts';
import { readWhole } from './read-whole.ts';
import { namesIn, replaceFile } from './replace.ts';
import { JournalError } from './store.ts';
import type { AuditStore } from './store.ts';

/** Entries of a full file: each append writes its file anew. */
export const FILE_ENTRIES = 500;

/** The file that the next entry goes to. */
interface Last {
  readonly file: string;
  /** What stands in it, line by line as it is. */
  readonly text: string;
  readonly entries: readonly AuditEntry[];
  /** The entry that the next one follows. */
  readonly entry: AuditEntry | undefined;
  /** The files before it, which are full. */
  readonly full: readonly string[];
}

/** Opens the audit in `folder`, which is made at the first append. */
export function openFileAudit(folder: string): AuditStore {
  const writers = join(folder, '.writers');
  // Full files are not written again, so that their keys are read once.
  const keysOf = new Map<string, ReadonlySet<string>>();
  const known = async (last: Last): Promise<(key: string) => boolean> => {
    for (const file of last.full)
      if (!keysOf.has(file)) keysOf.set(file, new Set((await readEntries(file)).entries.map(({ key }) => key)));
    const sets = [...last.full.map((file) => keysOf.get(file)), new Set(last.entries.map(({ key }) => key))];
    return (key) => sets.some((keys) => keys?.has(key) === true);
  };
  /** Writes what fits into the last file; returns what is left to write. */
  const writeSome = async (records: readonly AuditRecord[]): Promise<readonly AuditRecord[]> => {
    const { file } = await lastIn(folder);
    let left = records;
    await replaceFile({ file, writers }, async () => {
      const last = await lastIn(folder);
      left = records;
      // Somebody has filled it meanwhile.
      if (last.file !== file) return undefined;
      const isKnown = await known(last);
      const fresh = records.filter(({ key }) => !isKnown(key));
      const room = FILE_ENTRIES - last.entries.length;
      left = fresh.slice(room);
      const entries = chained(last.entry, fresh.slice(0, room), digestOf);
      return entries.length === 0
        ? undefined
        : last.text + entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');
    });
    return left;
  };
  return {
    append: gathering(async (records) => {
      for (let left = records; left.length > 0;) left = await writeSome(left);
    }),
    async last(what) {
      for (const file of (await filesIn(folder)).toReversed()) {
        const found = (await readEntries(file)).entries.findLast((entry) => entry.what === what);
        if (found) return found;
      }
      return undefined;
    },
    async *entries() {
      for (const file of await filesIn(folder)) yield* entriesIn(file, (await readWhole(file)) ?? '');
    },
  };
}

async function lastIn(folder: string): Promise<Last> {
  const files = await filesIn(folder);
  const file = files.at(-1);
  if (file === undefined) return { file: join(folder, nameOf(0)), text: '', entries: [], entry: undefined, full: [] };
  const { text, entries } = await readEntries(file);
  const entry = entries.at(-1);
  if (entries.length < FILE_ENTRIES) return { file, text, entries, entry, full: files.slice(0, -1) };
  const next = join(folder, nameOf(Number(/(\d+)\.jsonl$/.exec(file)?.[1]) + 1));
  return { file: next, text: '', entries: [], entry, full: files };
}

function nameOf(index: number): string {
  return `${String(index).padStart(6, '0')}.jsonl`;
}

async function filesIn(folder: string): Promise<string[]> {
  const names = (await namesIn(folder)).filter((name) => /^\d{6,}\.jsonl$/.test(name));
  return names.sort((a, b) => parseInt(a) - parseInt(b)).map((name) => join(folder, name));
}

async function readEntries(file: string): Promise<{ readonly text: string; readonly entries: readonly AuditEntry[] }> {
  const text = (await readWhole(file)) ?? '';
  return { text, entries: [...entriesIn(file, text)] };
}

/** The entries up to the first that cannot be read, which is thrown. */
function* entriesIn(file: string, text: string): Generator<AuditEntry> {
  const lines = text.split('\n');
  // Each line is ended, the last one too; and a file with none was never written.
  const unended = lines.pop();
  for (const [index, line] of lines.entries()) yield readEntry(file, index + 1, line);
  if (unended !== '' || lines.length === 0) throw damaged(file, lines.length + 1, 'it was cut off');
}

function readEntry(file: string, line: number, text: string): AuditEntry {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw damaged(file, line, 'it is not JSON');
  }
  const parsed = auditEntrySchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw damaged(file, line, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'it is no entry'}`);
}

function damaged(file: string, line: number, why: string): JournalError {
  return new JournalError(
    `${file}, line ${line}, cannot be read as an entry of the audit (${why}). It was left as it is: nothing is audited, and no run begins, until the folder is restored or moved away`,
  );
}
