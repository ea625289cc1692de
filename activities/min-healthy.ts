/**
 * `min-healthy`: how many candidates are left outside of the blast radius.
 *
 * Owns the counting before a stage: who is there, may be a target, is under nobody's fault and is not the run's own. Must
 * never take whoever cannot be counted for well.
 */
import type { GuardAnswer } from '../domain/admission.ts';
import type { StageSize } from '../domain/experiment.ts';
import { targetKey } from '../domain/target-key.ts';
import { candidatesOf } from './candidates.ts';
import type { FaultDriver } from './faults/driver.ts';
import type { MinHealthyInput } from './interface.ts';
import type { TargetProvider } from './targets/provider.ts';

/** What it is asked of. */
export interface MinHealthySite {
  readonly driver: FaultDriver<unknown> | undefined;
  readonly targets: TargetProvider<unknown> | undefined;
}

/** Rejects where they cannot be counted, which refuses. */
export async function minHealthy(
  { experiment, candidates, reached, protect }: MinHealthyInput,
  { driver, targets: provider }: MinHealthySite,
  signal: AbortSignal,
): Promise<GuardAnswer> {
  const least = experiment.preconditions?.minHealthy;
  if (!least) return { guard: 'min-healthy', passed: true, found: 'not asked for' };
  const found = await candidatesOf(provider, experiment.targets.selector, protect, signal);
  if ('invalid' in found) throw new Error(`the selector is not valid: ${found.invalid}`);
  if (!driver) throw new Error(`${experiment.fault} is not known at this site`);
  const own = new Set(reached);
  const others = found.targets.filter((target) => !own.has(targetKey(target)));
  const left = others.length - (await driver.occupied(others)).size;
  const needed = neededOf(least, candidates);
  const words = `${left} candidates are left outside of the blast radius, there and under no fault`;
  return { guard: 'min-healthy', passed: left >= needed, found: `${words}; expected ${needed} of ${candidates}` };
}

/** How many of `candidates` must be left. Rounds up. */
export function neededOf(least: StageSize, candidates: number): number {
  return least.kind === 'count' ? least.count : Math.ceil(least.share * candidates - 1e-9);
}
