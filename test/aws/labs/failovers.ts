/** What may fail over in an account, and a lab of it. */
import type { Lab } from '../../../activities/faults/conformance.ts';
import { awsTargetId } from '../../../activities/faults/aws/target.ts';
import type { Account } from '../account.ts';
import type { Shim } from '../shim.ts';
import { FAILS_OVER, tellFailovers } from './failing-over.ts';
import type { Telling } from './failing-over.ts';

/** What may fail over, and how it is seen past the shim. */
export interface Kind {
  readonly name: string;
  /** The driver's file, without its ending. */
  readonly fault: string;
  readonly telling: Telling;
  readonly make: (account: Account) => Promise<One>;
}

interface One {
  readonly target: string;
  readonly id: string;
  readonly writer: () => Promise<string | undefined>;
  readonly remove: () => Promise<void>;
}

export const CLUSTER: Kind = {
  name: 'a cluster',
  fault: 'rds-failover',
  telling: FAILS_OVER.cluster,
  async make(account) {
    const rds = await account.observe.rds();
    const { id, instances } = await account.aurora();
    const read = async () => (await rds.describeDBClusters({ DBClusterIdentifier: id })).DBClusters?.[0];
    return {
      target: databaseId(account, `cluster:${id}`, (await read())?.DbClusterResourceId),
      id,
      writer: async () =>
        (await read())?.DBClusterMembers?.find(({ IsClusterWriter }) => IsClusterWriter)?.DBInstanceIdentifier,
      async remove() {
        for (const name of instances) await rds.deleteDBInstance({ DBInstanceIdentifier: name });
        await rds.deleteDBCluster({ DBClusterIdentifier: id, SkipFinalSnapshot: true });
      },
    };
  },
};

export const DATABASE: Kind = {
  name: 'a database',
  fault: 'rds-failover',
  telling: FAILS_OVER.db,
  async make(account) {
    const rds = await account.observe.rds();
    const { id } = await account.database();
    const read = async () => (await rds.describeDBInstances({ DBInstanceIdentifier: id })).DBInstances?.[0];
    return {
      target: databaseId(account, `db:${id}`, (await read())?.DbiResourceId),
      id,
      writer: async () => (await read())?.AvailabilityZone,
      remove: async () => void (await rds.deleteDBInstance({ DBInstanceIdentifier: id, SkipFinalSnapshot: true })),
    };
  },
};

export const CACHE: Kind = {
  name: 'a cache',
  fault: 'elasticache-failover',
  telling: FAILS_OVER.cache,
  async make(account) {
    const elastiCache = await account.observe.elastiCache();
    const { id } = await account.cache();
    const read = async () =>
      (await elastiCache.describeReplicationGroups({ ReplicationGroupId: id })).ReplicationGroups?.[0];
    return {
      target: cacheId(account, id, (await read())?.ReplicationGroupCreateTime),
      id,
      writer: async () =>
        (await read())?.NodeGroups?.[0]?.NodeGroupMembers?.find(({ CurrentRole }) => CurrentRole === 'primary')
          ?.CacheClusterId,
      remove: async () => void (await elastiCache.deleteReplicationGroup({ ReplicationGroupId: id })),
    };
  },
};

/** The target that is a database, by its name and resource id. */
export function databaseId({ region }: Account, name: string, uid = ''): string {
  return awsTargetId({ region, kind: 'database', name, uid });
}

/** The target that is a replication group, by its name and when it was made. */
export function cacheId({ region }: Account, name: string, made: Date | undefined): string {
  return awsTargetId({ region, kind: 'cache', name, uid: made?.toISOString() ?? '' });
}

/** A lab of it: it goes on failing over until it is healed. */
export async function failoverLab(account: Account, { fault, telling, make }: Kind): Promise<Lab> {
  const going = tellFailovers(account.shim, telling);
  return {
    driver: new URL(`../../../activities/faults/aws/${fault}.ts`, import.meta.url),
    params: {},
    settings: { aws: account.settings },
    async target() {
      const { target, id, writer, remove } = await make(account);
      const before = await writer();
      return {
        id: target,
        harmed: async () => (await writer()) !== before && going.has(id),
        heal: async () => void going.delete(id),
        remove,
      };
    },
  };
}

/** Replaces text in what an action answers. What takes that back. */
export function tell(shim: Shim, action: string, from: RegExp, to: string): () => void {
  return shim.after(action, (_call, answer) => ({ ...answer, body: answer.body.replaceAll(from, to) }));
}
