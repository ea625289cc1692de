/** `squall audit`: who did what, latest last, and whether somebody changed it afterwards; needs no Temporal. */
import { digestOf } from '../activities/journal/audit-schema.ts';
import { JournalError } from '../activities/journal/store.ts';
import type { AuditStore } from '../activities/journal/store.ts';
import { ChainCheck } from '../domain/audit.ts';
import type { AuditEntry } from '../domain/audit.ts';
import { describeJournal, openJournal } from '../workers/journal.ts';
import { EXIT } from './exit.ts';
import { UsageError } from './failure.ts';
import { output } from './output.ts';
import type { Output } from './output.ts';
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
  if (verify || head !== undefined) return await verified(store.audit, head, out);
  let last: AuditEntry | undefined;
  for await (const entry of store.audit.entries()) {
    last = entry;
    out.event('audited', { ...entry });
    out.line(lineOf(entry));
  }
  if (last)
    out.line(`last digest: ${last.digest} (keep it elsewhere: \`squall audit --head\` then finds what was cut off)`);
  else out.line(`nothing is audited in ${describeJournal(config)}`);
  return 0;
}

async function verified(audit: AuditStore, head: string | undefined, out: Output): Promise<number> {
  const check = new ChainCheck(digestOf, head);
  let broken;
  try {
    for await (const entry of audit.entries()) check.take(entry);
    broken = check.end();
  } catch (error) {
    if (!(error instanceof JournalError)) throw error;
    broken = { seq: check.length, why: 'unreadable', found: error.message };
  }
  if (broken) {
    out.event('broken', { ...broken });
    out.line(`${out.style(['bold', 'red'], 'BROKEN')} at entry ${broken.seq}, ${broken.why}: ${broken.found}`);
    return EXIT.broken;
  }
  out.event('intact', { entries: check.length, digest: check.digest });
  out.line(`${out.style('green', 'intact')}: ${check.length} entries, last digest ${check.digest}`);
  return 0;
}

/** One line, whatever somebody has written into it. */
function lineOf({ seq, atMs, what, who, run, why, hash }: AuditEntry): string {
  const about = [run, why, hash === undefined ? undefined : `(${hash.slice(0, 12)})`];
  const words = about.filter((part) => part !== undefined).join('  ');
  const line = `${String(seq).padStart(5)}  ${new Date(atMs).toISOString()}  ${what.padEnd(7)} ${who}  ${words}`;
  return line.replace(/\p{Cc}/gu, ' ');
}
