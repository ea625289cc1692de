/** Databases and caches of a lab. */
import type { ElastiCache } from '@aws-sdk/client-elasticache';
import type { RDS } from '@aws-sdk/client-rds';
import { known, pairs, zonesOf } from './network.ts';
import type { Network } from './network.ts';

/** Nobody gets in with it: there is nothing behind. */
const WHOEVER = { MasterUsername: 'lab', MasterUserPassword: 'nothing-is-behind' };

type Tags = Readonly<Record<string, string>>;

/** A cluster of RDS. */
export interface Aurora {
  readonly id: string;
  readonly arn: string;
  /** The writer is the first. */
  readonly instances: readonly string[];
}

export async function makeAurora(rds: RDS, id: string, network: Network, tags: Tags): Promise<Aurora> {
  const engine = { DBClusterIdentifier: id, Engine: 'aurora-postgresql' };
  const { DBCluster } = await rds.createDBCluster({ ...engine, ...WHOEVER, Tags: pairs(tags) });
  const instances = [`${id}-1`, `${id}-2`];
  for (const [i, instance] of instances.entries())
    await rds.createDBInstance({
      ...engine,
      DBInstanceIdentifier: instance,
      DBInstanceClass: 'db.r6g.large',
      AvailabilityZone: zonesOf(network)[i],
    });
  return { id, arn: known(DBCluster?.DBClusterArn, 'a cluster'), instances };
}

/** An instance of RDS without a cluster. */
export interface Database {
  readonly id: string;
  readonly arn: string;
}

export async function makeDatabase(
  rds: RDS,
  id: string,
  network: Network,
  { multiAz, tags }: { readonly multiAz: boolean; readonly tags: Tags },
): Promise<Database> {
  const { DBInstance } = await rds.createDBInstance({
    DBInstanceIdentifier: id,
    DBInstanceClass: 'db.t3.micro',
    Engine: 'postgres',
    AllocatedStorage: 20,
    ...WHOEVER,
    ...(multiAz ? { MultiAZ: true } : { AvailabilityZone: zonesOf(network)[0] }),
    Tags: pairs(tags),
  });
  return { id, arn: known(DBInstance?.DBInstanceArn, 'a database') };
}

/** A replication group of ElastiCache, without cluster mode. */
export interface Cache {
  readonly id: string;
  readonly arn: string;
}

export async function makeCache(
  elastiCache: ElastiCache,
  id: string,
  network: Network,
  { replicas, tags }: { readonly replicas: number; readonly tags: Tags },
): Promise<Cache> {
  const zones = zonesOf(network);
  const { ReplicationGroup } = await elastiCache.createReplicationGroup({
    ReplicationGroupId: id,
    ReplicationGroupDescription: 'a lab',
    Engine: 'redis',
    CacheNodeType: 'cache.t3.micro',
    NumNodeGroups: 1,
    ReplicasPerNodeGroup: replicas,
    PreferredCacheClusterAZs: Array.from({ length: replicas + 1 }, (_, i) => zones[i % zones.length] ?? ''),
    AutomaticFailoverEnabled: replicas > 0,
    MultiAZEnabled: replicas > 0,
    Tags: pairs(tags),
  });
  return { id, arn: known(ReplicationGroup?.ARN, 'a replication group') };
}
