/**
 * Candidates: who could be a target now.
 *
 * Owns what a selector finds at a site less whom the policy protects and whom the fault cannot be done to. Lists and leaves
 * out; must never choose.
 */
import type { JsonObject } from '../domain/experiment.ts';
import type { TargetId } from '../domain/fault.ts';
import { protectionOf } from '../domain/policy.ts';
import type { Protection } from '../domain/policy.ts';
import type { FaultDriver } from './faults/driver.ts';
import type { Candidates, TargetProvider } from './targets/provider.ts';

/** Who could be a target, or why the selector cannot say. */
export type Found = Candidates | { readonly invalid: string };

/** What is to be done to the candidates. */
export interface Doing {
  readonly driver: FaultDriver<unknown> | undefined;
  /** As an author writes them. */
  readonly params: JsonObject;
  /** Targets that were chosen before. */
  readonly chosen?: ReadonlySet<TargetId>;
}

/** Asks `provider` for whom `selector` names. */
export async function candidatesOf(
  provider: TargetProvider<unknown> | undefined,
  selector: JsonObject,
  protect: Protection | undefined,
  { driver, params, chosen }: Doing,
  signal: AbortSignal,
): Promise<Found> {
  const parsed = provider?.selector.safeParse(selector);
  if (!provider || !parsed) return { targets: [], facts: new Map(), excluded: [] };
  if (!parsed.success) return { invalid: parsed.error.message };
  const asksBudgets = driver?.asksBudgets?.(driver.params.parse(params)) === true;
  const found = await provider.resolve(parsed.data, signal, chosen && { targets: chosen, asksBudgets });
  const spared =
    protect === undefined ? found : without(found, (target) => protectionOf(protect, found.facts.get(target)));
  const unfit = await driver?.unfit?.(spared.targets, driver.params.parse(params));
  return unfit === undefined ? spared : without(spared, (target) => unfit.get(target));
}

/** Without those who have a reason to be left out; it is told of them as of everybody else who is. */
function without(
  { targets, facts, excluded, whyNot = new Map() }: Candidates,
  reasonOf: (target: TargetId) => string | undefined,
): Candidates {
  const left = new Map<string, TargetId[]>();
  for (const target of targets) {
    const reason = reasonOf(target) ?? '';
    const group = left.get(reason);
    if (group) group.push(target);
    else left.set(reason, [target]);
  }
  const kept = left.get('') ?? [];
  left.delete('');
  const added = [...left].map(([reason, names]) => ({ reason, count: names.length, examples: names.slice(0, 3) }));
  const reasons = [...left].flatMap(([reason, names]) => names.map((name) => [name, reason] as const));
  return { targets: kept, facts, excluded: [...excluded, ...added], whyNot: new Map([...whyNot, ...reasons]) };
}
