/** `squall history`: every run in the journal, latest last, and what cannot be read there; needs no Temporal. */
import { describeJournal, openJournal } from '../workers/journal.ts';
import { output } from './output.ts';
import { configOf } from './verb-config.ts';
import type { Common } from './verbs.ts';

export async function main(_args: readonly string[], options: Common): Promise<number> {
  const config = await configOf(options);
  const out = output(options.json === true);
  await using store = openJournal(config);
  const runs = await store.list();
  for (const { run, experiment, startedAtMs, phase, status, deviated, problem } of runs) {
    const startedAt = new Date(startedAtMs).toISOString();
    const what = problem === undefined ? { experiment, phase, status, deviated } : { problem };
    out.event('run', { run, startedAt, ...what });
    const state = problem === undefined ? (status ?? 'open') : 'damaged';
    const verdict = deviated === null ? '' : deviated ? 'deviated' : 'held';
    const more = problem ?? (status === null ? phase : verdict);
    out.line(`${startedAt}  ${run.padEnd(48)} ${state.padEnd(12)} ${more}`);
  }
  if (runs.length === 0) out.line(`no runs in ${describeJournal(config)}`);
  return 0;
}
