/** Clusters whose writer moves, and Multi-AZ databases that go to their standby, for the conformance of `aws/rds-failover`. */
import type { Lab } from '../../../activities/faults/conformance.ts';
import type { Account } from '../account.ts';
import { CLUSTER, DATABASE, failoverLab } from './failovers.ts';

export function openClusterFailoverLab(account: Account): Promise<Lab> {
  return failoverLab(account, CLUSTER);
}

export function openInstanceFailoverLab(account: Account): Promise<Lab> {
  return failoverLab(account, DATABASE);
}
