/**
 * Databases of RDS, as resources with a slot in their tags: clusters, and instances that are in none.
 *
 * Owns what is read of them. One whose name was given to another is gone: its resource id tells. Tags are written by its ARN, as it
 * was read.
 */
import type { DBCluster, DBInstance, RDS } from '@aws-sdk/client-rds';
import type { RegionClients } from '../../aws/cloud.ts';
import { endpointOf } from '../../aws/endpoint.ts';
import type { Endpoint } from '../../aws/endpoint.ts';
import { unlessMissing } from './passing.ts';
import { halves, readTogether, tagsOf } from './tagged.ts';
import type { TaggedKind, TaggedRegion } from './tagged.ts';
import type { TagPatch, Tags } from './tag-slot.ts';
import type { AwsTarget } from './target.ts';

/** The most of a page, and the most pages of one list. */
const PAGE = 100;
const PAGES_MAX = 100;

interface LiveAny {
  readonly id: string;
  readonly tags: Tags;
  readonly arn: string;
  readonly uid: string;
  /** `available`, `failing-over`, `rebooting`… */
  readonly status: string;
  /** Where its clients write. */
  readonly endpoint: Endpoint | undefined;
}

/** A cluster: Aurora's, or one with readable standbys. */
export interface LiveCluster extends LiveAny {
  readonly kind: 'cluster';
  readonly members: readonly string[];
  readonly writer: string | undefined;
}

/** An instance. */
export interface LiveDbInstance extends LiveAny {
  readonly kind: 'db';
  /** The cluster that it is a member of. */
  readonly cluster: string | undefined;
  readonly isMultiAz: boolean;
  readonly zone: string | undefined;
}

export type LiveDatabase = LiveCluster | LiveDbInstance;

export const databases: TaggedKind<LiveDatabase> = { kind: 'database', open: openDatabases };

function openDatabases({ region, rds }: RegionClients): TaggedRegion<LiveDatabase> {
  /** By the target's name, as of the last look at it. */
  const arns = new Map<string, string>();
  const byName = async <Live extends LiveDatabase>(found: AsyncIterable<Live>): Promise<Map<string, Live>> => {
    const named = new Map<string, Live>();
    for await (const live of found) {
      named.set(live.id, live);
      arns.set(nameOf(live), live.arn);
    }
    return named;
  };
  const readers = {
    cluster: readTogether<LiveDatabase>(async (ids) => byName(clustersIn(await rds(), ids))),
    db: readTogether<LiveDatabase>(async (ids) => byName(instancesIn(await rds(), 'db-instance-id', ids))),
  };
  const read = async ({ name, uid }: AwsTarget): Promise<LiveDatabase | undefined> => {
    const [, kind, id = ''] = /^(cluster|db):(.+)$/s.exec(name) ?? [];
    if (kind === undefined) throw new Error(`${name} is no database: expected cluster:NAME or db:NAME`);
    const live = await readers[kind as LiveDatabase['kind']](id);
    return live === undefined || (uid !== undefined && uid !== live.uid) ? undefined : live;
  };
  return {
    read,
    async write(target, patch) {
      const arn = arns.get(target.name) ?? (await read(target))?.arn;
      if (arn !== undefined) await written(await rds(), arn, patch).catch(unlessMissing);
    },
    async *marked() {
      for await (const live of allIn(await rds())) {
        if (!Object.keys(live.tags).some((key) => key.startsWith('squall:'))) continue;
        arns.set(nameOf(live), live.arn);
        yield { target: { region, kind: 'database', name: nameOf(live), uid: live.uid }, live };
      }
    },
  };
}

function nameOf({ kind, id }: LiveDatabase): string {
  return `${kind}:${id}`;
}

async function* allIn(rds: RDS): AsyncGenerator<LiveDatabase> {
  yield* clustersIn(rds);
  yield* instancesIn(rds, 'db-instance-id');
}

/** Clusters of these ids, or all. By a filter: of an id that is not there the request would fail. */
async function* clustersIn(rds: RDS, ids?: readonly string[]): AsyncGenerator<LiveCluster> {
  const Filters = ids && [{ Name: 'db-cluster-id', Values: [...ids] }];
  for await (const cluster of listed(async (Marker) => {
    const { DBClusters: items, Marker: next } = await rds.describeDBClusters({ Filters, MaxRecords: PAGE, Marker });
    return { items, next };
  })) {
    const live = parsedCluster(cluster);
    if (live !== undefined) yield live;
  }
}

/** Instances of these ids, or of these clusters, or all. */
export async function* instancesIn(
  rds: RDS,
  by: 'db-instance-id' | 'db-cluster-id',
  ids?: readonly string[],
): AsyncGenerator<LiveDbInstance> {
  const Filters = ids && [{ Name: by, Values: [...ids] }];
  for await (const instance of listed(async (Marker) => {
    const { DBInstances: items, Marker: next } = await rds.describeDBInstances({ Filters, MaxRecords: PAGE, Marker });
    return { items, next };
  })) {
    const live = parsedInstance(instance);
    if (live !== undefined) yield live;
  }
}

async function* listed<Item>(
  ask: (
    marker: string | undefined,
  ) => Promise<{ readonly items: readonly Item[] | undefined; readonly next: string | undefined }>,
): AsyncGenerator<Item> {
  let marker: string | undefined;
  for (let pages = 0; pages < PAGES_MAX; pages += 1) {
    const { items = [], next } = await ask(marker);
    yield* items;
    marker = next;
    if (!marker) return;
  }
  throw new Error(`RDS lists databases on more than ${PAGES_MAX} pages: nobody can say which of them Squall has used`);
}

function parsedCluster(cluster: DBCluster): LiveCluster | undefined {
  const {
    DBClusterIdentifier: id,
    DBClusterArn: arn,
    DbClusterResourceId: uid,
    DBClusterMembers: members = [],
  } = cluster;
  if (id === undefined || arn === undefined || uid === undefined) return undefined;
  return {
    kind: 'cluster',
    ...{ id, arn, uid, tags: tagsOf(cluster.TagList), status: cluster.Status ?? 'in no state' },
    endpoint: endpointOf(cluster.Endpoint, cluster.Port),
    members: members.flatMap(({ DBInstanceIdentifier }) => DBInstanceIdentifier ?? []),
    writer: members.find(({ IsClusterWriter }) => IsClusterWriter === true)?.DBInstanceIdentifier,
  };
}

function parsedInstance(instance: DBInstance): LiveDbInstance | undefined {
  const { DBInstanceIdentifier: id, DBInstanceArn: arn, DbiResourceId: uid, Endpoint: at = {} } = instance;
  if (id === undefined || arn === undefined || uid === undefined) return undefined;
  return {
    kind: 'db',
    ...{ id, arn, uid, tags: tagsOf(instance.TagList), status: instance.DBInstanceStatus ?? 'in no state' },
    endpoint: endpointOf(at.Address, at.Port),
    cluster: instance.DBClusterIdentifier || undefined,
    isMultiAz: instance.MultiAZ === true,
    zone: instance.AvailabilityZone,
  };
}

async function written(rds: RDS, ResourceName: string, patch: TagPatch): Promise<void> {
  const { set, removed } = halves(patch);
  if (set.length > 0) await rds.addTagsToResource({ ResourceName, Tags: [...set] });
  if (removed.length > 0) await rds.removeTagsFromResource({ ResourceName, TagKeys: [...removed] });
}
