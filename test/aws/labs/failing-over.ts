/** What is failing over takes its time on AWS and none in moto: the shim tells it, until it is told that it is over. */
import type { Answer, Shim } from '../shim.ts';
import { mapItems, own } from '../shim/xml.ts';

/** How a service asks for it, and how it tells who is failing over. */
export interface Telling {
  /** `rds:FailoverDBCluster`, and the parameter that says who. */
  readonly asks: string;
  readonly who: string;
  /** `rds:DescribeDBClusters`: a list, its items, what names one, and what its state is while it fails over. */
  readonly tells: string;
  readonly list: string;
  readonly item: string;
  readonly id: string;
  readonly state: string;
}

const CLUSTER: Telling = {
  asks: 'rds:FailoverDBCluster',
  who: 'DBClusterIdentifier',
  tells: 'rds:DescribeDBClusters',
  list: 'DBClusters',
  item: 'DBCluster',
  id: 'DBClusterIdentifier',
  state: 'Status>failing-over',
};
const INSTANCE: Telling = {
  asks: 'rds:RebootDBInstance',
  who: 'DBInstanceIdentifier',
  tells: 'rds:DescribeDBInstances',
  list: 'DBInstances',
  item: 'DBInstance',
  id: 'DBInstanceIdentifier',
  state: 'DBInstanceStatus>rebooting',
};
const CACHE: Telling = {
  asks: 'elasticache:TestFailover',
  who: 'ReplicationGroupId',
  tells: 'elasticache:DescribeReplicationGroups',
  list: 'ReplicationGroups',
  item: 'ReplicationGroup',
  id: 'ReplicationGroupId',
  state: 'Status>modifying',
};
export const FAILS_OVER = { cluster: CLUSTER, db: INSTANCE, cache: CACHE };

/** Who is failing over now, by the ids that the service was asked for. A test takes those away that are done. */
export function tellFailovers(shim: Shim, { asks, who, tells, list, item, id, state }: Telling): Set<string> {
  const going = new Set<string>();
  shim.after(asks, ({ params }, { status }) => {
    if (status < 300) going.add(String(params[who]));
    return undefined;
  });
  shim.after(tells, (_call, answer): Answer | undefined => {
    if (going.size === 0 || answer.status >= 300) return undefined;
    const [name = ''] = state.split('>');
    const told = (one: string): string =>
      going.has(own(one, id) ?? '') ? one.replace(`<${name}>available<`, `<${state}<`) : one;
    return { ...answer, body: mapItems(answer.body, list, told, item) };
  });
  return going;
}

/** An answer that says yes, and nothing else. */
export function yes(action: string): Answer {
  return {
    status: 200,
    headers: { 'content-type': 'text/xml' },
    body: `<${action}Response><${action}Result/></${action}Response>`,
  };
}
