/**
 * What a tick asks of a site: which groups the targets of an experiment fall into.
 *
 * Owns the way to whoever knows them. Who cannot be read is no group, and a tick that cannot read them begins nothing.
 */
import type { Grouping, Groups } from '../domain/grouping.ts';
import type { Named } from './deployments.ts';
import type { TargetProvider } from './targets/provider.ts';

/** Rejects where targets of that kind have no groups, or nobody can read them. */
export async function groupsOf(
  { fault, selector }: Named,
  grouping: Grouping,
  providerOf: (kind: string) => TargetProvider<unknown> | undefined,
  signal: AbortSignal,
): Promise<Groups> {
  const provider = providerOf(fault);
  if (provider?.groups === undefined) throw new Error(`targets of ${fault} have no groups at this site`);
  const parsed = provider.selector.safeParse(selector);
  if (!parsed.success) throw new Error(`what ${fault} is to be done to is not known here`);
  return provider.groups(parsed.data, grouping, signal);
}
