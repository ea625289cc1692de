/**
 * `aws/elasticache-failover`: the primary of a shard fails over to a replica.
 *
 * Owns what of ElastiCache says that it may, that it has begun, and that it is over. AWS tells roles only without cluster mode; in
 * cluster mode its events tell. It lets 15 shards of an account fail over in 24 hours, and says so to whoever asks for more.
 */
import { z } from 'zod';
import { caches } from './caches.ts';
import type { LiveCache, Shard } from './caches.ts';
import { failover } from './failover.ts';
import type { FailoverRecord } from './failover.ts';
import type { Looking } from './tagged-site.ts';

const params = z.strictObject({
  shard: z
    .string()
    .regex(/^\d{1,4}$/, 'expected the id of a shard, such as 0001')
    .optional()
    .describe('Which shard fails over, as AWS calls it: 0001. Default: the only one.'),
});
type Params = z.infer<typeof params>;

/** States in which a group serves. */
const SERVES = new Set(['available', 'snapshotting']);
/** What events are asked for from so long before it was asked for, in milliseconds: they tell whole seconds. */
const EARLIER_MS = 2_000;
const EVENT_PAGES_MAX = 10;

export const driver = failover<Params, LiveCache>({
  kind: 'aws/elasticache-failover',
  summary: 'The primary of a shard of a cache fails over to a replica.',
  params,
  resource: caches,
  permissions: [
    {
      needs: 'to look at replication groups and their events, and to tag them',
      actions: [
        // The tags of all are looked at by a sweep, whoever's they are.
        {
          actions: [
            'elasticache:DescribeEvents',
            'elasticache:DescribeReplicationGroups',
            'elasticache:ListTagsForResource',
          ],
        },
        {
          actions: ['elasticache:AddTagsToResource', 'elasticache:RemoveTagsFromResource'],
          resources: ['elasticache:replicationgroup:*'],
        },
      ],
    },
    {
      needs: 'to have a shard of a replication group fail over',
      actions: [{ actions: ['elasticache:TestFailover'], resources: ['elasticache:replicationgroup:*'], harms: true }],
    },
  ],
  undo: 'nothing is undone: ElastiCache replaces the former primary, and Squall verifies that another one has taken over, that all is available, and that its endpoint answers where it did before',
  async from(live, { shard: wanted }) {
    const { id, status, failsOver, shards } = live;
    if (status !== 'available') return `it is ${status}, and not available`;
    if (!failsOver) return 'its automatic failover is not enabled';
    const shard = wanted === undefined && shards.length === 1 ? shards[0] : shards.find((one) => one.id === wanted);
    if (shard === undefined)
      return wanted === undefined
        ? `it has ${shards.length} shards: say which \`shard\` is to fail over`
        : `it has no shard ${wanted}`;
    if (shard.status !== 'available') return `its shard ${shard.id} is ${shard.status}, and not available`;
    if (shard.nodes.length < 2) return `shard ${shard.id} of ${id} has no replica: there is nothing to fail over to`;
    if (shard.zones.length === shard.nodes.length && new Set(shard.zones).size < 2)
      return `all nodes of its shard ${shard.id} are in one zone`;
    return { shard: shard.id, ...(shard.primary === undefined ? {} : { from: shard.primary }) };
  },
  async ask({ id }, { shard }, _params, { once }) {
    await (await once.elastiCache()).testFailover({ ReplicationGroupId: id, NodeGroupId: shard });
  },
  // Nothing was to be changed when it was asked for.
  isBegun: async (live, record, looking) => live.status === 'modifying' || hasMoved(live, record, looking),
  isMoved: hasMoved,
  async unavailable(live, record) {
    const shard = shardOf(live, record);
    if (!SERVES.has(live.status)) return `it is ${live.status}`;
    return shard && !SERVES.has(shard.status) ? `its shard ${shard.id} is ${shard.status}` : undefined;
  },
  endpoint: (live, record) => live.configuration ?? shardOf(live, record)?.endpoint,
});

function shardOf({ shards }: LiveCache, { shard }: Pick<FailoverRecord, 'shard'>): Shard | undefined {
  return shards.find(({ id }) => id === shard);
}

async function hasMoved(live: LiveCache, record: FailoverRecord, looking: Looking): Promise<boolean> {
  const shard = shardOf(live, record);
  // A shard that somebody has taken away fails over no more.
  if (shard === undefined) return true;
  if (record.from !== undefined) return shard.primary !== undefined && shard.primary !== record.from;
  const { asked } = record;
  return asked !== undefined && (await failedOver(live, shard, asked, looking));
}

/** Whether AWS has told since `sinceMs` that a node of the shard has taken over from another one. */
async function failedOver({ id }: LiveCache, shard: Shard, sinceMs: number, { clients }: Looking): Promise<boolean> {
  const client = await clients.elastiCache();
  const asked = {
    SourceType: 'replication-group',
    SourceIdentifier: id,
    StartTime: new Date(sinceMs - EARLIER_MS),
    MaxRecords: 100,
  } as const;
  let marker: string | undefined;
  for (let pages = 0; pages < EVENT_PAGES_MAX; pages += 1) {
    const page = await client.describeEvents({ ...asked, Marker: marker });
    // https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_TestFailover.html
    for (const { Message = '' } of page.Events ?? []) {
      const [, from = ''] =
        /^Failover from (?:primary|master) node (\S+) to replica node \S+ completed/.exec(Message) ?? [];
      if (shard.nodes.includes(from)) return true;
    }
    marker = page.Marker;
    if (!marker) return false;
  }
  return false;
}
