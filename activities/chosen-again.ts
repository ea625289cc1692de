/**
 * Targets that were chosen some time ago: who of them would not be chosen any more.
 *
 * Owns the look before a later stage. Must never take whoever cannot be read for a target still.
 */
import type { TargetId } from '../domain/fault.ts';
import { candidatesOf } from './candidates.ts';
import type { FaultDriver } from './faults/driver.ts';
import type { FaultBatch } from './interface.ts';
import type { TargetProvider } from './targets/provider.ts';

/** Of a batch, with the reason; nobody where its targets were just chosen. Rejects where they cannot be read. */
export async function notChosenAgain(
  { again, targets, params }: FaultBatch,
  driver: FaultDriver<unknown>,
  provider: TargetProvider<unknown> | undefined,
  signal: AbortSignal,
): Promise<ReadonlyMap<TargetId, string>> {
  if (again === undefined) return new Map();
  const { selector, protect } = again;
  const found = await candidatesOf(provider, selector, protect, { driver, params, chosen: new Set(targets) }, signal);
  if ('invalid' in found) throw new Error(`the selector is not valid: ${found.invalid}`);
  const still = new Set(found.targets);
  const left = targets.filter((target) => !still.has(target));
  return new Map(left.map((target) => [target, found.whyNot?.get(target) ?? 'it is gone, or not selected any more']));
}
