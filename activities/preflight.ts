/**
 * Pre-flight: what must be true before anything is touched.
 *
 * Owns the ordered checks at the site; the first that fails refuses the run, and its name and finding are the answer.
 * A refusal is a value. Must never touch a target.
 */
import { judge } from '../domain/breach.ts';
import { misfit } from '../domain/quantity.ts';
import type { Quantity } from '../domain/quantity.ts';
import type { Experiment, StopCondition, Tolerance } from '../domain/experiment.ts';
import type { TargetId } from '../domain/fault.ts';
import type { CheckedReading, PreflightCheck } from '../domain/journal.ts';
import { planStages, shuffle, topOf } from '../domain/ladder.ts';
import { BASELINE_SAMPLES } from '../domain/timing.ts';
import type { PlannedStage } from '../domain/ladder.ts';
import { checkSteadyState, describeLeft } from '../domain/steady-state.ts';
import type { Readings } from '../domain/steady-state.ts';
import { candidatesOf } from './candidates.ts';
import type { FaultDriver } from './faults/driver.ts';
import { reversalOf } from './faults/reversal.ts';
import type { PreflightInput, PreflightResult, TargetServices } from './interface.ts';
import { neededOf } from './min-healthy.ts';
import { bytesOf } from './packing.ts';
import { pause } from './pause.ts';
import { planHashOf } from './plan-hash.ts';
import type { OpenProbes } from './probes/registry.ts';
import { reasonOf } from './probes/reading.ts';
import { takeBaseline } from './steady-state.ts';
import type { Candidates, TargetProvider } from './targets/provider.ts';
import { dimensionsOf } from './watch.ts';

/**
 * The most that the targets which the ladder reaches take with the fault's parameters, in bytes, as they travel: in one payload,
 * which is to stay under 256 KiB. That leaves room for a watch's samples, and for words.
 */
export const FROZEN_MAX_BYTES = 216 * 1024;
/** And the most that they take where they are not packed: in a workflow's memory, the journal and a report. */
export const WRITTEN_MAX_BYTES = 1 << 20;

/** What pre-flight works with. */
export interface PreflightSite {
  readonly driver: FaultDriver<unknown> | undefined;
  readonly targets: TargetProvider<unknown> | undefined;
  readonly probes: OpenProbes;
}

/** Raised by a failed check to end the pass; its check is already listed. */
class Refused extends Error {}

/** Time between two passes while candidates are under another run's fault, in milliseconds. */
const FREE_LOOK_MS = 2_000;

/**
 * Runs every check in order until one fails. While that is `free`, and for as long as the run may wait, all is looked at anew:
 * what was found of a system under another fault is nothing to go by. `say` hears what is waited for.
 */
export async function preflight(
  input: PreflightInput,
  site: PreflightSite,
  signal: AbortSignal,
  say: (found: string) => void = () => undefined,
): Promise<PreflightResult> {
  const { waitMs = 0 } = input;
  const endsAtMs = performance.now() + waitMs;
  for (;;) {
    const result = await pass(input, site, signal);
    const failed = result.checks.find((check) => !check.passed);
    if (failed?.check !== 'free' || performance.now() >= endsAtMs) return result;
    say(failed.found);
    await pause(FREE_LOOK_MS, signal);
    signal.throwIfAborted();
  }
}

async function pass(input: PreflightInput, site: PreflightSite, signal: AbortSignal): Promise<PreflightResult> {
  const checks = new Pass(input, site, signal);
  try {
    await checks.run();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
  }
  return checks.result();
}

class Pass {
  readonly #input: PreflightInput;
  readonly #site: PreflightSite;
  readonly #signal: AbortSignal;
  readonly #checks: PreflightCheck[] = [];
  #candidates: Candidates = { targets: [], facts: new Map(), excluded: [] };
  #services: TargetServices = { names: [], members: [], of: [] };
  #stages: PlannedStage[] = [];
  #chosen: string[] = [];
  #baseline: Readonly<Record<string, number>> = {};
  #readings: CheckedReading[] = [];

  constructor(input: PreflightInput, site: PreflightSite, signal: AbortSignal) {
    this.#input = input;
    this.#site = site;
    this.#signal = signal;
  }

  async run(): Promise<void> {
    const { experiment } = this.#input;
    const driver = this.#fault(experiment);
    const params = driver.params.parse(experiment.with);
    const missing = await driver.check(params);
    this.#check('driver', missing.length === 0, missing.join('; ') || `${driver.kind} can work here`);
    this.#check('probes', ...this.#knownProbes(experiment));
    await this.#targets(experiment);
    this.#check('free', ...(await this.#free(driver)));
    await this.#steadyState(experiment);
    // A baseline takes a while, in which another run may have come.
    const [free, found] = await this.#free(driver);
    if (!free) this.#check('free', free, found);
  }

  /** Whether no candidate is held: another run's targets and this one's would add up to more than either asked for. */
  async #free(driver: FaultDriver<unknown>): Promise<[boolean, string]> {
    const { targets } = this.#candidates;
    let held: Awaited<ReturnType<typeof driver.occupied>>;
    try {
      held = await driver.occupied(targets);
    } catch (error) {
      // Targets of another kind than the fault's, say: what cannot be told is no leave.
      return [false, `${driver.kind} cannot say whether its targets are free: ${reasonOf(error)}`];
    }
    const [first] = held;
    if (first === undefined) return [true, 'no candidate is under a fault'];
    return [false, `${held.size} of ${targets.length} candidates are under another fault: ${first[0]} by ${first[1]}`];
  }

  result(): PreflightResult {
    const { driver } = this.#site;
    const { experiment, seed } = this.#input;
    const plan = { targets: this.#chosen, stages: this.#stages, reversal: reversalOf(driver, experiment.with) };
    return {
      checks: this.#checks,
      candidates: this.#candidates.targets.length,
      excluded: this.#candidates.excluded.map(({ reason, count }) => ({ reason, count })),
      ...plan,
      baseline: this.#baseline,
      readings: this.#readings,
      undo: driver?.undo ?? '',
      expiry: driver?.expiry ?? 'none',
      ...(driver?.renewalsPerSecond === undefined ? {} : { renewalsPerSecond: driver.renewalsPerSecond }),
      ...(driver?.targetMs === undefined ? {} : { targetMs: driver.targetMs }),
      ...(driver?.revertMs === undefined ? {} : { revertMs: driver.revertMs }),
      permissions: driver?.permissions.map(({ needs }) => needs) ?? [],
      planHash: planHashOf(experiment, seed, plan),
      services: this.#services,
    };
  }

  #check(check: string, passed: boolean, found: string): void {
    this.#checks.push({ check, passed, found });
    if (!passed) throw new Refused(found);
  }

  #fault(experiment: Experiment): FaultDriver<unknown> {
    const { driver } = this.#site;
    this.#check(
      'fault',
      driver !== undefined,
      driver ? `${experiment.fault} is known here` : `${experiment.fault} is not known at this site`,
    );
    const params = driver?.params.safeParse(experiment.with);
    const wrong = params?.error?.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
    this.#check('parameters', params?.success === true, wrong ?? 'every parameter is valid');
    return driver as FaultDriver<unknown>;
  }

  #knownProbes(experiment: Experiment): [passed: boolean, found: string] {
    const wanted = [
      ...experiment.steadyState.map((check) => ({ probe: check.probe, limits: limitsOf(check.tolerance) })),
      ...experiment.stopConditions.map((condition) => ({
        probe: condition.probe,
        limits: limitsIn(condition),
      })),
    ];
    for (const { probe, limits } of wanted) {
      const known = this.#site.probes.get(probe);
      if (!known)
        return [
          false,
          `probe ${probe} is not configured at this site; there are: ${[...this.#site.probes.keys()].join(', ')}`,
        ];
      const [missing] = known.check();
      if (missing) return [false, `probe ${probe}: ${missing}`];
      const [wrong] = limits.flatMap((limit) => misfit(limit, known.dimension) ?? []);
      if (wrong) return [false, `probe ${probe} ${wrong}`];
    }
    for (const { probe, breach } of experiment.stopConditions) {
      const dimension = this.#site.probes.get(probe)?.dimension;
      if (breach.kind === 'count' && dimension !== 'count')
        return [false, `probe ${probe} measures ${dimension}, and \`count\` counts the rise of a running total`];
    }
    return [true, 'every probe is configured, and its limits have its dimension'];
  }

  async #targets(experiment: Experiment): Promise<void> {
    const { selector } = experiment.targets;
    const doing = { driver: this.#site.driver, params: experiment.with };
    const found = await candidatesOf(this.#site.targets, selector, this.#input.protect, doing, this.#signal);
    if (!('invalid' in found)) this.#candidates = found;
    const { facts } = this.#candidates;
    const { targets } = this.#candidates;
    this.#stages = planStages(experiment.blastRadius, targets.length);
    const top = topOf(this.#stages);
    const chosen = shuffle(targets, this.#input.seed).slice(0, top);
    const services = servicesOf(targets, chosen, facts, this.#input.serviceLabel);
    this.#check('targets', top > 0, this.#targetsFound('invalid' in found ? found.invalid : undefined, top));
    // What is refused for its size must not travel either.
    const wrong = tooLarge(top, bytesOf([chosen, services, experiment.with]));
    if (wrong !== undefined) this.#check('size', false, wrong);
    this.#chosen = chosen;
    this.#services = services;
    const needed = neededOf(experiment, this.#input.minHealthyShare, targets.length);
    const left = targets.length - top;
    const outside = `${left} of ${targets.length} candidates are left outside of the blast radius`;
    const words =
      needed === undefined
        ? `not asked, by the experiment nor by the policy; ${outside}`
        : `${outside}, expected ${needed}`;
    this.#check('min-healthy', needed === undefined || left >= needed, words);
  }

  #targetsFound(invalid: string | undefined, top: number): string {
    if (invalid) return `the selector is not valid: ${invalid}`;
    const { targets, excluded } = this.#candidates;
    const left = excluded.map(({ reason, count, examples }) => `${count} ${reason} (${examples.join(', ')})`);
    const found = `${targets.length} candidates${left.length > 0 ? `, left out: ${left.join('; ')}` : ''}`;
    return top > 0 ? `${found}; the ladder reaches ${top}` : `${found}; the ladder reaches nobody`;
  }

  async #steadyState(experiment: Experiment): Promise<void> {
    const names = [...new Set([...experiment.steadyState, ...experiment.stopConditions].map(({ probe }) => probe))];
    const { baseline, readings } = await takeBaseline(this.#site.probes, names, {
      samples: BASELINE_SAMPLES,
      everyMs: experiment.sampleEveryMs,
      signal: this.#signal,
    });
    // What a worker that shuts down has not read says nothing of the system.
    this.#signal.throwIfAborted();
    this.#baseline = baseline;
    const silent = names.flatMap((name) => {
      const reading = readings[name];
      return reading?.ok ? [] : [`${name}: ${reading?.why ?? 'no data'}`];
    });
    this.#readings = checkSteadyState(experiment.steadyState, readings, baseline, dimensionsOf(this.#site.probes));
    this.#check('data', silent.length === 0, silent.join('; ') || 'every probe answers');
    const off = describeLeft(this.#readings, 'is');
    this.#check('steady-state', off === '', off || 'the steady state holds');
    this.#check('stop-conditions', ...this.#calm(experiment, readings));
  }

  /** A condition that is in breach before anything is touched would end the run for what it did not do, or hide what it does. */
  #calm({ stopConditions }: Experiment, readings: Readings): [passed: boolean, found: string] {
    const dimensions = dimensionsOf(this.#site.probes);
    for (const condition of stopConditions) {
      const { probe, breach } = condition;
      const reading = readings[probe];
      if (breach.kind === 'count' || !reading?.ok) continue;
      const context = { baseline: this.#baseline[probe], dimension: dimensions[probe], rise: 0 };
      const { breaches, words } = judge(condition, reading.value, context);
      if (breaches) return [false, `${words} already`];
      if (breach.kind === 'drops' && this.#baseline[probe] === 0)
        return [false, `the baseline of ${probe} is 0, from which nothing drops`];
    }
    return [true, 'no stop condition is in breach'];
  }
}

function tooLarge(top: number, { written, travelling }: ReturnType<typeof bytesOf>): string | undefined {
  const how = 'reach fewer at once, with smaller stages or `max`';
  if (written > WRITTEN_MAX_BYTES)
    return `the ladder reaches ${top} targets, which take ${written} bytes to write down, expected at most ${WRITTEN_MAX_BYTES}: ${how}`;
  if (travelling > FROZEN_MAX_BYTES)
    return `the ladder reaches ${top} targets, which travel as ${travelling} bytes, expected at most ${FROZEN_MAX_BYTES}: ${how}`;
  return undefined;
}

function servicesOf(
  candidates: readonly TargetId[],
  chosen: readonly TargetId[],
  facts: Candidates['facts'],
  label = '',
): TargetServices {
  const serviceOf = (target: TargetId): string => facts.get(target)?.labels[label] ?? '';
  const members = new Map<string, number>();
  for (const target of candidates) members.set(serviceOf(target), (members.get(serviceOf(target)) ?? 0) + 1);
  const names = [...members.keys()];
  return { names, members: [...members.values()], of: chosen.map((target) => names.indexOf(serviceOf(target))) };
}

function limitsOf(tolerance: Tolerance): Quantity[] {
  if (tolerance.kind === 'baseline') return [];
  return [tolerance.min, tolerance.max].filter((limit) => limit !== undefined);
}

function limitsIn({ breach }: StopCondition): Quantity[] {
  if (breach.kind === 'above' || breach.kind === 'below') return [breach.limit];
  return breach.kind === 'outside' ? [breach.min, breach.max] : [];
}
