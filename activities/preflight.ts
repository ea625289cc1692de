/**
 * Pre-flight: what must be true before anything is touched.
 *
 * Owns the ordered checks at the site; the first that fails refuses the run, and its name and finding are the answer.
 * A refusal is a value. Must never touch a target.
 */
import { comparable } from '../domain/quantity.ts';
import type { Dimension } from '../domain/quantity.ts';
import type { Experiment, StopCondition, Tolerance } from '../domain/experiment.ts';
import type { CheckedReading, PreflightCheck } from '../domain/journal.ts';
import { planStages, shuffle, topOf } from '../domain/ladder.ts';
import type { PlannedStage } from '../domain/ladder.ts';
import { checkSteadyState } from '../domain/steady-state.ts';
import type { FaultDriver } from './faults/driver.ts';
import type { PreflightInput, PreflightResult } from './interface.ts';
import type { OpenProbes } from './probes/registry.ts';
import { takeBaseline } from './steady-state.ts';
import type { Candidates, TargetProvider } from './targets/provider.ts';
import { dimensionsOf } from './watch.ts';

/** Samples that a baseline is the median of. */
const BASELINE_SAMPLES = 5;

/** What pre-flight works with. */
export interface PreflightSite {
  readonly installation: string;
  readonly driver: FaultDriver<unknown> | undefined;
  readonly targets: TargetProvider<unknown> | undefined;
  readonly probes: OpenProbes;
}

/** Raised by a failed check to end the pass; its check is already listed. */
class Refused extends Error {}

/** Runs every check in order until one fails. */
export async function preflight(
  input: PreflightInput,
  site: PreflightSite,
  signal: AbortSignal,
): Promise<PreflightResult> {
  const pass = new Pass(input, site, signal);
  try {
    await pass.run();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
  }
  return pass.result();
}

class Pass {
  readonly #input: PreflightInput;
  readonly #site: PreflightSite;
  readonly #signal: AbortSignal;
  readonly #checks: PreflightCheck[] = [];
  #candidates: Candidates = { targets: [], excluded: [] };
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
    const held = await driver.occupied(this.#chosen);
    const first = [...held][0];
    this.#check(
      'free',
      held.size === 0,
      first ? `${held.size} targets are under another fault: ${first[0]} by ${first[1]}` : 'no target is under a fault',
    );
    await this.#steadyState(experiment);
  }

  result(): PreflightResult {
    const { driver, installation } = this.#site;
    return {
      installation,
      checks: this.#checks,
      candidates: this.#candidates.targets.length,
      excluded: this.#candidates.excluded.map(({ reason, count }) => ({ reason, count })),
      targets: this.#chosen,
      stages: this.#stages,
      baseline: this.#baseline,
      readings: this.#readings,
      undo: driver?.undo ?? '',
      expiry: driver?.expiry ?? 'none',
      reversal: driver?.reversal ?? 'irreversible',
      permissions: driver?.permissions.map(({ needs }) => needs) ?? [],
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
      ...experiment.steadyState.map((check) => ({ probe: check.probe, limits: toleranceDimensions(check.tolerance) })),
      ...experiment.stopConditions.map((condition) => ({
        probe: condition.probe,
        limits: breachDimensions(condition),
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
      const wrong = limits.find((limit) => !comparable(limit, known.dimension));
      if (wrong) return [false, `probe ${probe} measures ${known.dimension}, and is compared with ${wrong}`];
    }
    return [true, 'every probe is configured, and its limits have its dimension'];
  }

  async #targets(experiment: Experiment): Promise<void> {
    const provider = this.#site.targets;
    const selector = provider?.selector.safeParse(experiment.targets.selector);
    if (provider && selector?.success) this.#candidates = await provider.resolve(selector.data, this.#signal);
    const { targets } = this.#candidates;
    this.#stages = planStages(experiment.blastRadius, targets.length);
    const top = topOf(this.#stages);
    this.#chosen = shuffle(targets, this.#input.seed).slice(0, top);
    this.#check('targets', top > 0, this.#targetsFound(selector?.error?.message, top));
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
    this.#baseline = baseline;
    const silent = names.flatMap((name) => {
      const reading = readings[name];
      return reading?.ok ? [] : [`${name}: ${reading?.why ?? 'no data'}`];
    });
    this.#readings = checkSteadyState(experiment.steadyState, readings, baseline, dimensionsOf(this.#site.probes));
    this.#check('data', silent.length === 0, silent.join('; ') || 'every probe answers');
    const off = this.#readings.filter((reading) => !reading.held);
    const words = off.map(({ probe, value, expected }) => `${probe} is ${value ?? 'unknown'}, expected ${expected}`);
    this.#check('steady-state', off.length === 0, words.join('; ') || 'the steady state holds');
  }
}

function toleranceDimensions(tolerance: Tolerance): Dimension[] {
  if (tolerance.kind === 'baseline') return [];
  return [tolerance.min, tolerance.max].flatMap((limit) => (limit ? [limit.dimension] : []));
}

function breachDimensions({ breach }: StopCondition): Dimension[] {
  if (breach.kind === 'above' || breach.kind === 'below') return [breach.limit.dimension];
  return breach.kind === 'outside' ? [breach.min.dimension, breach.max.dimension] : [];
}
