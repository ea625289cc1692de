/**
 * The look before a stage: `min-healthy`, and who of the stage may still be touched.
 *
 * Owns the counting: who is there, may be a target, is under nobody's fault and is not the run's own. Must never take whoever
 * cannot be counted for well, nor anybody for a target who would not be one if the run began now.
 */
import type { Experiment } from '../domain/experiment.ts';
import { targetKey } from '../domain/target-key.ts';
import { candidatesOf, leftOut } from './candidates.ts';
import type { FaultDriver } from './faults/driver.ts';
import type { MinHealthyInput, StageAnswer } from './interface.ts';
import type { Candidates, TargetProvider } from './targets/provider.ts';

/** What it is asked of. */
export interface MinHealthySite {
  readonly driver: FaultDriver<unknown> | undefined;
  readonly targets: TargetProvider<unknown> | undefined;
}

/** Rejects where they cannot be counted, which refuses. */
export async function minHealthy(
  input: MinHealthyInput,
  { driver, targets: provider }: MinHealthySite,
  signal: AbortSignal,
): Promise<StageAnswer> {
  const { experiment, candidates, reached, stage, protect, minHealthyShare } = input;
  const needed = neededOf(experiment, minHealthyShare, candidates);
  const unasked = { guard: 'min-healthy', passed: true, found: 'not asked for' };
  if (needed === undefined && stage === undefined) return unasked;
  const doing = { driver, params: experiment.with, ...(stage && { chosen: new Set(stage) }) };
  const found = await candidatesOf(provider, experiment.targets.selector, protect, doing, signal);
  if ('invalid' in found) throw new Error(`the selector is not valid: ${found.invalid}`);
  if (!driver) throw new Error(`${experiment.fault} is not known at this site`);
  const keys = found.targets.map(targetKey);
  const spared = stage === undefined ? {} : { spared: sparedOf(stage, keys, found) };
  if (needed === undefined) return { ...unasked, ...spared };
  const own = new Set(reached);
  const others = found.targets.filter((_, i) => !own.has(keys[i] as string));
  const left = others.length - (await driver.occupied(others)).size;
  const words = `${left} candidates are left outside of the blast radius, there and under no fault`;
  const counted = `${words}; expected ${needed} of ${candidates}`;
  return { guard: 'min-healthy', passed: left >= needed, found: counted, ...spared };
}

function sparedOf(
  stage: readonly string[],
  keys: readonly string[],
  { excluded }: Candidates,
): NonNullable<StageAnswer['spared']> {
  const there = new Set(keys);
  const at = stage.flatMap((key, i) => (there.has(key) ? [] : [i]));
  return { at, found: leftOut(excluded) || 'nobody is left out' };
}

/**
 * How many of `candidates` must be left: what the experiment asks for, or the policy of every experiment, whichever is more.
 * Undefined where neither does. Rounds up.
 */
export function neededOf(
  { preconditions }: Experiment,
  policyShare: number | undefined,
  candidates: number,
): number | undefined {
  const least = preconditions?.minHealthy;
  if (!least && policyShare === undefined) return undefined;
  const shareOf = (share: number): number => Math.ceil(share * candidates - 1e-9);
  const asked = !least ? 0 : least.kind === 'count' ? least.count : shareOf(least.share);
  return Math.max(asked, shareOf(policyShare ?? 0));
}
