/** `squall audit`: who did what, latest last, and always whether somebody changed it afterwards; needs no Temporal. */
import { digestOf } from '../activities/journal/audit-schema.ts';
import { JournalError } from '../activities/journal/store.ts';
import type { AuditStore } from '../activities/journal/store.ts';
import { ChainCheck } from '../domain/audit.ts';
import type { AuditEntry, ChainBreak } from '../domain/audit.ts';
import { describeJournal, openJournal } from '../workers/journal.ts';
import { EXIT } from './exit.ts';
import { UsageError } from './failure.ts';
import { output } from './output.ts';
import { configOf } from './verb-config.ts';
import type { Common } from './verbs.ts';

interface Options extends Common {
  readonly verify?: boolean;
  readonly head?: string;
}

export async function main(_args: readonly string[], options: Options): Promise<number> {
  const { verify = false, head } = options;
  if (head !== undefined && !/^[0-9a-f]{64}$/.test(head))
    throw new UsageError('found a --head that is no digest, expected the 64 hex digits that `squall audit` printed');
  const config = await configOf(options);
  const out = output(options.json === true);
  await using store = openJournal(config);
  const listed = !verify && head === undefined;
  const { check, broken } = await checked(store.audit, head, (entry) => {
    if (!listed) return;
    out.event('audited', { ...entry });
    out.line(lineOf(entry));
  });
  if (broken) {
    out.event('broken', { ...broken });
    out.line(`${out.style(['bold', 'red'], 'BROKEN')} at entry ${broken.seq}, ${broken.why}: ${broken.found}`);
    return EXIT.broken;
  }
  out.event('intact', { entries: check.length, digest: check.digest });
  if (listed && check.length === 0) out.line(`nothing is audited in ${describeJournal(config)}`);
  else out.line(`${out.style('green', 'intact')}: ${check.length} entries, last digest ${check.digest}`);
  if (listed && check.length > 0)
    out.line('keep the digest elsewhere: `squall audit --head` then finds what was cut off');
  return 0;
}

/** Looks at every entry, and shows it to `each`. Rejects where there is nothing that could be looked at. */
async function checked(
  audit: AuditStore,
  head: string | undefined,
  each: (entry: AuditEntry) => void,
): Promise<{ check: ChainCheck; broken: (Omit<ChainBreak, 'why'> & { why: string }) | undefined }> {
  const check = new ChainCheck(digestOf, head);
  let read = 0;
  try {
    for await (const entry of audit.entries()) {
      read += 1;
      check.take(entry);
      each(entry);
    }
    return { check, broken: check.end() };
  } catch (error) {
    if (!(error instanceof JournalError) || read === 0) throw error;
    return { check, broken: { seq: check.length, why: 'unreadable', found: error.message } };
  }
}

function lineOf({ seq, atMs, what, who, from, run, why, hash }: AuditEntry): string {
  const about = [run, why, hash === undefined ? undefined : `(${hash.slice(0, 12)})`];
  const words = about.filter((part) => part !== undefined).join('  ');
  const whence = from === undefined || who.includes(`@${from}`) ? who : `${who} from ${from}`;
  return `${String(seq).padStart(5)}  ${new Date(atMs).toISOString()}  ${what.padEnd(7)} ${whence}  ${words}`;
}
