/**
 * Candidates: who could be a target now.
 *
 * Owns what a selector finds at a site less whom the policy protects. Lists and leaves out; must never choose.
 */
import type { JsonObject } from '../domain/experiment.ts';
import type { TargetId } from '../domain/fault.ts';
import { protectionOf } from '../domain/policy.ts';
import type { Protection } from '../domain/policy.ts';
import type { Candidates, TargetProvider } from './targets/provider.ts';

/** Who could be a target, or why the selector cannot say. */
export type Found = Candidates | { readonly invalid: string };

/** Asks `provider` for whom `selector` names. */
export async function candidatesOf(
  provider: TargetProvider<unknown> | undefined,
  selector: JsonObject,
  protect: Protection | undefined,
  signal: AbortSignal,
): Promise<Found> {
  const parsed = provider?.selector.safeParse(selector);
  if (!provider || !parsed) return { targets: [], facts: new Map(), excluded: [] };
  if (!parsed.success) return { invalid: parsed.error.message };
  const found = await provider.resolve(parsed.data, signal);
  return protect === undefined ? found : unprotected(found, protect);
}

/** Without those whom the policy protects; why is told of them as of everybody else who is left out. */
function unprotected({ targets, facts, excluded }: Candidates, protect: Protection): Candidates {
  const left = new Map<string, TargetId[]>();
  for (const target of targets) {
    const reason = protectionOf(protect, facts.get(target)) ?? '';
    const group = left.get(reason);
    if (group) group.push(target);
    else left.set(reason, [target]);
  }
  const kept = left.get('') ?? [];
  left.delete('');
  const added = [...left].map(([reason, names]) => ({ reason, count: names.length, examples: names.slice(0, 3) }));
  return { targets: kept, facts, excluded: [...excluded, ...added] };
}
