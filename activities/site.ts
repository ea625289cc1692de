/**
 * The site's activities, as Temporal calls them.
 *
 * Owns the wiring of drivers, targets and probes of one site to the signatures workflows know. Each function is thin:
 * the work is in the modules it calls.
 */
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { Experiment } from '../domain/experiment.ts';
import { boundSeries } from '../domain/samples.ts';
import { beating, currentAttempt, patientBeatMs, throwIfInterrupted } from './attempt.ts';
import { deploymentsOf } from './deployments.ts';
import { groupsOf } from './groups.ts';
import type { FaultDriver } from './faults/driver.ts';
import type { SiteActivities, RecoverInput, RecoverReport, WatchInput, WatchReport } from './interface.ts';
import { hold, inject, revert } from './lease.ts';
import type { Owners } from './owner.ts';
import { minHealthy } from './min-healthy.ts';
import { preflight } from './preflight.ts';
import type { PreflightSite } from './preflight.ts';
import type { OpenProbes } from './probes/registry.ts';
import { awaitSteadyState, takeBaseline } from './steady-state.ts';
import { sweep } from './sweep.ts';
import type { TargetProvider } from './targets/provider.ts';
import { watch } from './watch.ts';
import type { Tick, TickReading } from './watch.ts';

/** What of the samples travels in every heartbeat, for the journal of a run whose watch is lost: points a probe, and bytes. */
const BEAT_POINTS = 40;
const BEAT_BYTES = 4 * 1024;
/** Time between two heartbeats of a watch that samples often, in milliseconds: the end of a run waits for its last samples. */
const WATCH_BEAT_MS = 2_000;

/** What a site worker serves. */
export interface OpenSite {
  readonly installation: string;
  readonly drivers: ReadonlyMap<string, FaultDriver<unknown>>;
  readonly targets: ReadonlyMap<string, TargetProvider<unknown>>;
  readonly probes: OpenProbes;
}

/** Told of the samples of a run with a fault of `kind` as they are taken; null when this activity takes no more. */
export type Sampled = (run: string, kind: string, readings: Readonly<Record<string, TickReading>> | null) => void;

/** The activities of one site; the same set serves its three queues. */
export function siteActivities(site: OpenSite, name: string, owners: Owners, sampled: Sampled): SiteActivities {
  const driverOf = (kind: string): FaultDriver<unknown> => {
    const driver = site.drivers.get(kind);
    if (driver === undefined) throw ApplicationFailure.retryable(`no driver ${kind} at this site`, 'UnknownFault');
    return driver;
  };
  const targetsOf = (kind: string) => site.targets.get(kind.split('/')[0] ?? '');
  const partsFor = ({ fault, targets }: Experiment): PreflightSite => {
    // A queue of this site's may be called like another site, to which no rule for this one would apply.
    if (targets.site !== name)
      throw ApplicationFailure.nonRetryable(`this is site ${name}, not ${targets.site}`, 'AnotherSite');
    return { driver: site.drivers.get(fault), targets: targetsOf(fault), probes: site.probes };
  };
  return {
    preflight: (input) => {
      let waits: string | undefined;
      const say = (found: string): void => void (waits = found);
      return beating(
        () => preflight(input, partsFor(input.experiment), Context.current().cancellationSignal, say),
        () => waits,
      );
    },
    minHealthy: (input) =>
      beating(() => minHealthy(input, partsFor(input.experiment), Context.current().cancellationSignal)),
    inject: (batch) => inject(batch, driverOf(batch.kind), site.installation, targetsOf(batch.kind)),
    hold: (batch, owner) => hold(batch, owner, driverOf(batch.kind), site.installation, owners),
    revert: (batch, owner, lastLook) =>
      revert(batch, owner, driverOf(batch.kind), site.installation, owners, lastLook === true),
    watch: (input) => watchRun(input, site.probes, sampled),
    recover: (input) => recover(input, site.probes, sampled),
    readProbes: ({ probes, samples, everyMs }) => {
      const signal = Context.current().cancellationSignal;
      return beating(async () => {
        const read = await takeBaseline(site.probes, probes, { samples, everyMs, signal });
        throwIfInterrupted();
        return { ...read, atMs: Date.now() };
      });
    },
    deployed: (named) => deploymentsOf(named, targetsOf, Context.current().cancellationSignal),
    groups: (named, grouping) =>
      beating(() => groupsOf(named, grouping, targetsOf, Context.current().cancellationSignal)),
    sweep: () => beating(() => sweep(site.drivers.values(), currentAttempt())),
  };
}

async function watchRun(input: WatchInput, probes: OpenProbes, sampled: Sampled): Promise<WatchReport> {
  const { info, cancellationSignal } = Context.current();
  if (info.workflowExecution?.runId !== input.execution) return { ended: 'reset', edges: [], resume: null, series: {} };
  let beat: Tick | undefined;
  const { experiment, baseline, resume, also = [], keepMs = Infinity } = input;
  using samples = sampling(experiment, sampled);
  const result = await beating(
    () =>
      watch({
        probes,
        experiment,
        baseline,
        everyMs: experiment.sampleEveryMs,
        also,
        keepMs,
        ...(resume ? { resume } : {}),
        onReadings: samples.take,
        onTick: (tick) => {
          beat = tick;
        },
        signal: cancellationSignal,
      }),
    // What is kept for a while is for somebody who takes all of it from here.
    () =>
      beat && {
        ...beat,
        series: keepMs < Infinity ? boundSeries(beat.series) : boundSeries(beat.series, BEAT_POINTS, BEAT_BYTES),
      },
    // Which it hands over when a heartbeat tells it to stop.
    Math.min(Math.max(WATCH_BEAT_MS, experiment.sampleEveryMs / 3), patientBeatMs()),
  );
  return {
    ended: result.stopped ? 'stopped' : 'edge',
    edges: result.edges,
    resume: result.state,
    series: result.series,
    sinceSampleMs: result.sinceSampleMs,
  };
}

/** What a recovery says in every heartbeat. `passedMs`: spent by its attempts so far, so that the next goes on from there. */
interface RecoverBeat extends Pick<Tick, 'atMs' | 'readings'> {
  readonly passedMs: number;
}

async function recover(input: RecoverInput, probes: OpenProbes, sampled: Sampled): Promise<RecoverReport> {
  const { experiment, baseline, withinMs } = input;
  const { info, cancellationSignal } = Context.current();
  const earlier = (info.heartbeatDetails as RecoverBeat | undefined)?.passedMs ?? 0;
  const startMs = performance.now() - earlier;
  let beat: RecoverBeat | undefined;
  using samples = sampling(experiment, sampled);
  const report = await beating(
    () =>
      awaitSteadyState({
        probes,
        experiment,
        baseline,
        everyMs: experiment.sampleEveryMs,
        withinMs: Math.max(0, withinMs - earlier),
        onTick: ({ atMs, readings }) => {
          beat = { atMs, readings, passedMs: performance.now() - startMs };
          samples.take(readings);
        },
        signal: cancellationSignal,
      }),
    () => beat,
  );
  if (!report.recovered) throwIfInterrupted();
  return { ...report, tookMs: Math.round(report.tookMs + earlier) };
}

/** Samples of the run that this activity belongs to, until it ends. */
function sampling(
  experiment: Pick<Experiment, 'fault'>,
  sampled: Sampled,
): Disposable & { readonly take: (readings: Tick['readings']) => void } {
  const run = Context.current().info.workflowExecution?.workflowId ?? '';
  return {
    take: (readings) => sampled(run, experiment.fault, readings),
    [Symbol.dispose]: () => sampled(run, experiment.fault, null),
  };
}
