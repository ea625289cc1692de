/** Caches whose primary moves, for the conformance of `aws/elasticache-failover`. */
import type { Lab } from '../../../activities/faults/conformance.ts';
import type { Account } from '../account.ts';
import { CACHE, failoverLab } from './failovers.ts';

export function openCacheFailoverLab(account: Account): Promise<Lab> {
  return failoverLab(account, CACHE);
}
