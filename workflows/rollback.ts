/**
 * Rollback and recovery: undoing all that a run did, and waiting for the steady state to return.
 *
 * Owns the order of release: all at once, or for a graceful abort last in first out with a look at the steady state
 * between. Returns only when every lease has verified the absence of its faults, however long that takes.
 */
import type { RecoverReport } from '../activities/interface.ts';
import type { SteadyStateCheck } from '../domain/experiment.ts';
import type { SeriesByProbe } from '../domain/probe.ts';
import { checkSteadyState, describeLeft, worstOf } from '../domain/steady-state.ts';
import { lastOf, SIGHT_MIN, watchedShare } from '../domain/sight.ts';
import type { Sights } from '../domain/sight.ts';
import { lookMs } from '../domain/timing.ts';
import { why } from './blindness.ts';
import type { Run } from './run.ts';
import { recoverAt } from './proxies.ts';
import type { Watching } from './watching.ts';

/** Releases every lease, waits for the verified absence of every fault, and for the steady state's return. */
export async function rollBack(run: Run, watching: Watching): Promise<void> {
  run.apply({ type: 'rolls-back' });
  if (run.state.abort?.mode === 'graceful') await unwind(run);
  const stopping = watching.stop().then(() => Date.now());
  const reason = run.state.abort?.evidence ?? 'the last stage has been held';
  const leases = run.leases.unreverted();
  // Whoever is to say that the system held must know that the fault was on.
  for (const lease of leases) run.leases.release(lease, reason, !run.aborting);
  await Promise.all(leases.map((lease) => run.leases.reverted(lease)));
  run.apply({ type: 'reverted' });
  run.log.writeSoon();
  const watchedUntilMs = await stopping;
  if (run.openedAtMs !== undefined) noteDuring(run, lastOf(watching.series, watchedUntilMs - run.openedAtMs));
  judgeSight(run, watching.sights);
  await recover(run);
}

/** Stages revert last in first out; an immediate abort that arrives meanwhile has released the rest at once. */
async function unwind(run: Run): Promise<void> {
  for (const lease of run.leases.unreverted()) {
    if (run.state.abort?.mode !== 'graceful') return;
    run.leases.release(lease, run.state.abort.evidence);
    await run.leases.reverted(lease);
    if (run.leases.unreverted().length > 0) await recovery(run, lookMs(run.input.experiment));
  }
}

async function recover(run: Run): Promise<void> {
  const report = await recovery(run, run.input.experiment.recoverWithinMs);
  if (!report) return;
  run.note({ type: 'steady-state', when: 'after', held: report.recovered, readings: report.readings });
  run.note({ type: 'recovered', recovered: report.recovered, tookMs: report.tookMs });
  if (report.recovered) run.recoveredMs = report.tookMs;
  run.apply({ type: 'recovery-over', recovered: report.recovered });
}

/** Undefined where there was nobody to say whether the steady state is back: then nothing can be said of the system. */
async function recovery(run: Run, withinMs: number): Promise<RecoverReport | undefined> {
  const { experiment } = run.input;
  try {
    const report = await recoverAt(experiment, withinMs).recover.executeWithOptions(
      { summary: `wait up to ${withinMs / 1000} s for the steady state` },
      [{ experiment, baseline: run.baseline, withinMs }],
    );
    run.note({ type: 'samples', series: report.series });
    return report;
  } catch (failure) {
    run.note({ type: 'blind', what: 'watch', why: why(failure) });
    return undefined;
  }
}

/** A stage that was hardly watched proves nothing. */
function judgeSight(run: Run, sights: readonly Sights[]): void {
  for (const held of run.held) {
    const share = watchedShare(sights, held);
    if (share >= SIGHT_MIN) continue;
    const evidence = `stage ${held.stage + 1} was watched for only ${Math.round(share * 100)}% of its hold`;
    return run.abort({ cause: 'blind', mode: 'immediate', evidence });
  }
}

/** The steady state under the fault: the worst reading of each probe before the rollback. */
function noteDuring(run: Run, series: SeriesByProbe): void {
  const checks: readonly SteadyStateCheck[] = run.input.experiment.steadyState;
  const readings = Object.fromEntries(
    checks.map(({ probe, tolerance }) => {
      const values = (series[probe]?.points ?? []).flatMap(([, value]) => (value === null ? [] : [value]));
      const value = worstOf(tolerance, values, run.baseline[probe]);
      return [
        probe,
        value === undefined ? { ok: false as const, why: 'no data under the fault' } : { ok: true as const, value },
      ];
    }),
  );
  const checked = checkSteadyState(checks, readings, run.baseline);
  const held = checked.every((reading) => reading.held);
  run.note({ type: 'steady-state', when: 'during', held, readings: checked });
  if (!held) run.apply({ type: 'steady-state-left', how: describeLeft(checked, 'was') });
}
