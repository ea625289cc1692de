/** `squall history`: every run in the journal, latest last; needs no Temporal. */
import { openFileStore } from '../activities/journal/file.ts';
import { output } from './output.ts';
import { configOf } from './verb-config.ts';
import type { Common } from './verbs.ts';

export async function main(_args: readonly string[], options: Common): Promise<number> {
  const config = await configOf(options);
  const out = output(options.json === true);
  const runs = await openFileStore(config.journal).list();
  for (const { run, startedAtMs, status, deviated } of runs) {
    const startedAt = new Date(startedAtMs).toISOString();
    out.event('run', { run, startedAt, status, deviated });
    const verdict = deviated === null ? '' : deviated ? 'deviated' : 'held';
    out.line(`${startedAt}  ${run.padEnd(48)} ${(status ?? 'open').padEnd(12)} ${verdict}`);
  }
  if (runs.length === 0) out.line(`no runs in ${config.journal}`);
  return 0;
}
