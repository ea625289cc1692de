/**
 * `min-healthy`: how many candidates are left outside of the blast radius.
 *
 * Owns the counting before a stage: who is there, may be a target, is under nobody's fault and is not the run's own. Must
 * never take whoever cannot be counted for well.
 */
import type { GuardAnswer } from '../domain/admission.ts';
import type { Experiment } from '../domain/experiment.ts';
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
  { experiment, candidates, reached, protect, minHealthyShare }: MinHealthyInput,
  { driver, targets: provider }: MinHealthySite,
  signal: AbortSignal,
): Promise<GuardAnswer> {
  const needed = neededOf(experiment, minHealthyShare, candidates);
  if (needed === undefined) return { guard: 'min-healthy', passed: true, found: 'not asked for' };
  const doing = { driver, params: experiment.with };
  const found = await candidatesOf(provider, experiment.targets.selector, protect, doing, signal);
  if ('invalid' in found) throw new Error(`the selector is not valid: ${found.invalid}`);
  if (!driver) throw new Error(`${experiment.fault} is not known at this site`);
  const own = new Set(reached);
  const others = found.targets.filter((target) => !own.has(targetKey(target)));
  const left = others.length - (await driver.occupied(others)).size;
  const words = `${left} candidates are left outside of the blast radius, there and under no fault`;
  return { guard: 'min-healthy', passed: left >= needed, found: `${words}; expected ${needed} of ${candidates}` };
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
