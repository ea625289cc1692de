/**
 * Replication groups of ElastiCache, as resources with a slot in their tags.
 *
 * Owns what is read of them. One whose name was given to another is gone: the time at which it was made tells. Its tags are asked for
 * after it, by its ARN; of a group that is being changed AWS may not tell them, which is no sign that it is gone.
 */
import type { ElastiCache, NodeGroup, ReplicationGroup } from '@aws-sdk/client-elasticache';
import type { RegionClients } from '../../aws/cloud.ts';
import { isMissing } from '../../aws/denied.ts';
import { endpointOf } from '../../aws/endpoint.ts';
import type { Endpoint } from '../../aws/endpoint.ts';
import { unlessMissing, Unseen } from './passing.ts';
import { halves, tagsOf } from './tagged.ts';
import type { TaggedKind, TaggedRegion } from './tagged.ts';
import type { TagPatch, Tags } from './tag-slot.ts';

/** The most of a page, and the most pages of one list. */
const PAGE = 100;
const PAGES_MAX = 100;

/** A replication group as it was read. */
export interface LiveCache {
  readonly id: string;
  readonly tags: Tags;
  /** `available`, `modifying`, `snapshotting`… */
  readonly status: string;
  readonly failsOver: boolean;
  readonly shards: readonly Shard[];
  /** Where clients of one in cluster mode begin. */
  readonly configuration: Endpoint | undefined;
}

/** A node group, in AWS's words. */
export interface Shard {
  readonly id: string;
  readonly status: string;
  readonly nodes: readonly string[];
  readonly zones: readonly string[];
  /** Undefined where AWS does not tell roles, as in cluster mode. */
  readonly primary: string | undefined;
  readonly endpoint: Endpoint | undefined;
}

export const caches: TaggedKind<LiveCache> = { kind: 'cache', open: openCaches };

/** A group without its tags. */
interface Untagged {
  readonly live: Omit<LiveCache, 'tags'>;
  readonly arn: string;
  readonly uid: string;
}

function openCaches({ region, elastiCache }: RegionClients): TaggedRegion<LiveCache> {
  /** By the target's name, as of the last look at it. */
  const arns = new Map<string, string>();
  const tagged = async ({ live, arn }: Untagged): Promise<LiveCache> => {
    arns.set(live.id, arn);
    return { ...live, tags: await tagsAt(await elastiCache(), arn, live) };
  };
  return {
    async read({ name, uid }) {
      const found = await describe(await elastiCache(), name);
      return found === undefined || (uid !== undefined && uid !== found.uid) ? undefined : tagged(found);
    },
    async write({ name }, patch) {
      const arn = arns.get(name) ?? (await describe(await elastiCache(), name))?.arn;
      if (arn !== undefined) await written(await elastiCache(), arn, patch).catch(unlessMissing);
    },
    async *marked() {
      let problem: Error | undefined;
      for await (const found of listed(await elastiCache())) {
        try {
          const live = await tagged(found);
          if (Object.keys(live.tags).some((key) => key.startsWith('squall:')))
            yield { target: { region, kind: 'cache', name: live.id, uid: found.uid }, live };
        } catch (error) {
          // Nothing holds it, and it heals by itself: whoever looks the next time finds what is on it.
          if (error instanceof Unseen && found.live.status !== 'available') continue;
          // Whose tags cannot be read does not hide the others.
          problem ??= error instanceof Error ? error : new Error(String(error));
        }
      }
      if (problem !== undefined) throw problem;
    },
  };
}

async function describe(client: ElastiCache, ReplicationGroupId: string): Promise<Untagged | undefined> {
  try {
    const { ReplicationGroups = [] } = await client.describeReplicationGroups({ ReplicationGroupId });
    return ReplicationGroups.map(parsed)[0];
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function* listed(client: ElastiCache): AsyncGenerator<Untagged> {
  let marker: string | undefined;
  for (let pages = 0; pages < PAGES_MAX; pages += 1) {
    const page = await client.describeReplicationGroups({ MaxRecords: PAGE, Marker: marker });
    for (const group of page.ReplicationGroups ?? []) {
      const found = parsed(group);
      if (found !== undefined) yield found;
    }
    marker = page.Marker;
    if (!marker) return;
  }
  throw new Error(`ElastiCache lists more than ${PAGES_MAX} pages: nobody can say which groups Squall has used`);
}

function parsed(group: ReplicationGroup): Untagged | undefined {
  const { ReplicationGroupId: id, ARN: arn, ReplicationGroupCreateTime: made, ConfigurationEndpoint: at = {} } = group;
  if (id === undefined || arn === undefined || made === undefined || group.Status === 'deleting') return undefined;
  const live = {
    id,
    status: group.Status ?? 'in no state',
    failsOver: group.AutomaticFailover === 'enabled',
    shards: (group.NodeGroups ?? []).flatMap((one) => parsedShard(one) ?? []),
    configuration: endpointOf(at.Address, at.Port),
  };
  return { live, arn, uid: made.toISOString() };
}

function parsedShard(shard: NodeGroup): Shard | undefined {
  const { NodeGroupId: id, NodeGroupMembers: members = [], PrimaryEndpoint: at = {} } = shard;
  if (id === undefined) return undefined;
  return {
    id,
    status: shard.Status ?? 'in no state',
    nodes: members.flatMap(({ CacheClusterId }) => CacheClusterId ?? []),
    zones: members.flatMap(({ PreferredAvailabilityZone }) => PreferredAvailabilityZone ?? []),
    primary: members.find(({ CurrentRole }) => CurrentRole === 'primary')?.CacheClusterId,
    endpoint: endpointOf(at.Address, at.Port),
  };
}

async function tagsAt(client: ElastiCache, arn: string, { id, status }: Untagged['live']): Promise<Tags> {
  try {
    return tagsOf((await client.listTagsForResource({ ResourceName: arn })).TagList);
  } catch (error) {
    // It was there a moment ago.
    if (!isMissing(error) && !isBusy(error)) throw error;
    throw new Unseen(`the tags of ${id} cannot be read while it is ${status}`);
  }
}

/** Of one that is being made or changed ElastiCache tells no tags: `Cluster not in available state to perform tagging operations`. */
function isBusy(error: unknown): boolean {
  return error instanceof Error && /^Invalid(?:ReplicationGroup|CacheCluster)State/.test(error.name);
}

async function written(client: ElastiCache, ResourceName: string, patch: TagPatch): Promise<void> {
  const { set, removed } = halves(patch);
  if (set.length > 0) await client.addTagsToResource({ ResourceName, Tags: [...set] });
  if (removed.length > 0) await client.removeTagsFromResource({ ResourceName, TagKeys: [...removed] });
}
