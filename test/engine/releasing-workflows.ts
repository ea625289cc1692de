/** A run that releases its lease in the very task in which it asks for it, before there is one. The lease is the real one. */
import { setHandler } from '@temporalio/workflow';
import { Leases } from '../../workflows/leases.ts';
import { leaseNewsSignal, wantedQuery } from '../../workflows/messages.ts';
import type { LeaseInput, LeaseResult } from '../../workflows/messages.ts';

export async function releasing(input: LeaseInput): Promise<LeaseResult> {
  const silent = (): void => undefined;
  const leases = new Leases({ endedEarly: silent, stuck: silent, reverted: silent, foreign: silent });
  setHandler(leaseNewsSignal, (news) => leases.hear(news));
  setHandler(wantedQuery, (lease) => leases.wanted(lease));
  const opening = leases.open(input);
  for (const lease of leases.unreverted()) leases.release(lease, 'at once');
  const lease = await opening;
  await leases.reverted(lease);
  if (lease.ended && 'result' in lease.ended) return lease.ended.result;
  throw new Error(lease.ended?.lost ?? 'it has not ended');
}
export { lease } from '../../workflows/lease.ts';
