/**
 * The way of a run through its stages, one lease each.
 *
 * Owns the order in which the radius grows: who is admitted, when the run is first watched, a lease, a hold. An error in
 * it is an abort like any other. Must never undo by itself: that is the rollback's.
 */
import { condition, patched } from '@temporalio/workflow';
import type { Again, PreflightResult } from '../activities/interface.ts';
import type { PlannedStage } from '../domain/ladder.ts';
import { protectionAt } from '../domain/policy.ts';
import { leaseTiming, notAfterMs, watchTiming } from '../domain/timing.ts';
import { admittedTo, attended } from './admission.ts';
import { why } from './blindness.ts';
import { rollBack } from './rollback.ts';
import type { Run } from './run.ts';
import { Watching } from './watching.ts';

/** What accompanies the stages. */
interface Company {
  readonly watching: Watching;
  /** No guard is asked any more. */
  readonly leave: () => void;
}

/** Whether any target was harmed, or else why not. */
type Harm = { readonly skipped?: string };

/** Opens the stages one after the other, and rolls back what was opened. */
export async function widen(run: Run, preflight: PreflightResult): Promise<void> {
  const { experiment } = run.input;
  const lease = leaseTiming(preflight.targets.length, experiment.timeToLiveMs, preflight);
  const often = watchTiming(lease, 0);
  const seldom = watchTiming(lease, experiment.sampleEveryMs);
  // Only where it makes a difference, since it costs history.
  const timing = seldom.heartbeatTimeoutMs === often.heartbeatTimeoutMs || patched('seldom-watched') ? seldom : often;
  const admits = patched('admission');
  let company: Company | undefined;
  /** Looks at the system, and has the guards asked, from now on. */
  const begin = (): Company => {
    const watching = new Watching(experiment, run.baseline, timing, run.log, (abort) => run.abort(abort));
    watching.start();
    return { watching, leave: admits ? attended(run) : () => undefined };
  };
  // Before anything is on there is nothing to be seen, and whoever waits for targets waits for another's fault to end.
  if (!patched('watched-once-admitted')) company = begin();
  const harms: Harm[] = [];
  try {
    for (const planned of preflight.stages) {
      if (run.aborting) break;
      if (planned.skipped === undefined) {
        if (admits && (!(await admittedTo(run, planned, preflight)) || run.aborting)) break;
        company ??= begin();
        const harm = await open(run, planned, preflight);
        if (harm) harms.push(harm);
      } else run.note({ type: 'stage-skipped', stage: planned.stage, size: planned.size, why: planned.skipped });
    }
    // Nobody was harmed, so that nothing can be said of the system.
    const [first] = harms;
    if (!run.aborting && first?.skipped !== undefined && harms.every(({ skipped }) => skipped !== undefined))
      run.abort({ cause: 'skipped', mode: 'immediate', evidence: first.skipped });
  } catch (failure) {
    run.abort({ cause: 'error', mode: 'immediate', evidence: why(failure) });
  }
  // Where no stage was opened there is nothing to undo.
  if (!company) return;
  company.leave();
  await rollBack(run, company.watching);
}

/** Puts the fault on a stage's targets and holds it there; undefined where it never held. */
async function open(run: Run, planned: PlannedStage, preflight: PreflightResult): Promise<Harm | undefined> {
  const { experiment } = run.input;
  const { stage, size, from, to: reached, radius } = planned;
  const targets = preflight.targets.slice(from, reached);
  const timing = leaseTiming(preflight.targets.length, experiment.timeToLiveMs, preflight);
  const lease = `${run.id}/stage-${stage + 1}`;
  const again = run.openedAtMs === undefined ? {} : { again: chosenBy(run) };
  run.apply({ type: 'stage-opens', stage });
  run.openedAtMs ??= Date.now();
  run.note({ type: 'stage-opened', stage, size, lease, targets, reached, radius, ttlMs: timing.ttlMs });
  const opened = await run.leases.open({
    mode: 'hold',
    run: run.id,
    lease,
    stage,
    site: experiment.targets.site,
    kind: experiment.fault,
    params: experiment.with,
    targets,
    ...again,
    timing,
    notAfterMs: notAfterMs(experiment, preflight.stages, stage, preflight),
    ...(run.admitted === undefined ? {} : { admitted: run.admitted }),
  });
  // A graceful abort lets the injection in flight finish; any other has already released the lease.
  await condition(() => opened.held !== undefined || opened.ended !== undefined || opened.released);
  if (opened.held === undefined || opened.released) return undefined;
  run.apply({ type: 'stage-holds' });
  run.note({ type: 'stage-held', stage, ...opened.held });
  run.log.writeSoon();
  if (opened.held.injected === 0) return { skipped: opened.held.problems.join('; ') };
  const fromMs = Date.now();
  await condition(() => run.aborting, experiment.blastRadius.holdMs, { summary: `hold stage ${size}` });
  run.held.push({ stage, fromMs, toMs: Date.now() });
  return {};
}

/** How the targets were chosen in pre-flight. */
function chosenBy({ input: { experiment }, policy }: Run): Again {
  const { selector, site } = experiment.targets;
  return { selector, ...(policy === undefined ? {} : { protect: protectionAt(policy, site) }) };
}
