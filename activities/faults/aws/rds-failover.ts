/**
 * `aws/rds-failover`: the writer of a cluster fails over to a reader, or a Multi-AZ instance to its standby.
 *
 * Owns what of RDS says that it may, that it has begun, and that it is over.
 */
import { z } from 'zod';
import { databases, instancesIn } from './databases.ts';
import type { LiveCluster, LiveDatabase, LiveDbInstance } from './databases.ts';
import { failover } from './failover.ts';
import type { Looking } from './tagged-site.ts';

const params = z.strictObject({
  to: z
    .string()
    .min(1)
    .max(63)
    .optional()
    .describe('The instance of a cluster that becomes the writer. Default: AWS decides, by their promotion tiers.'),
});
type Params = z.infer<typeof params>;

/** States in which a database serves: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html */
const SERVES = /^(?:available|backing-up|storage-optimization|configuring-[a-z-]+)$/;
const BEGUN = new Set(['failing-over', 'rebooting']);

export const driver = failover<Params, LiveDatabase>({
  kind: 'aws/rds-failover',
  summary: 'The writer of a database cluster fails over to a reader, or a Multi-AZ database to its standby.',
  params,
  resource: databases,
  permissions: [
    {
      needs: 'to look at databases, and to tag them',
      actions: [
        { actions: ['rds:DescribeDBClusters', 'rds:DescribeDBInstances'] },
        {
          actions: ['rds:AddTagsToResource', 'rds:RemoveTagsFromResource'],
          resources: ['rds:cluster:*', 'rds:db:*'],
        },
      ],
    },
    {
      needs: 'to have databases fail over',
      actions: [
        { actions: ['rds:FailoverDBCluster'], resources: ['rds:cluster:*'], harms: true },
        { actions: ['rds:RebootDBInstance'], resources: ['rds:db:*'], harms: true },
      ],
    },
  ],
  undo: 'nothing is undone: RDS brings the former writer back as a reader or a standby, and Squall verifies that the writer has moved, that all is available, and that its endpoint answers where it did before',
  async from(live, { to }, looking) {
    if (live.status !== 'available') return `it is ${live.status}, and not available`;
    if (live.kind === 'cluster') return (await whyNotCluster(live, to, looking)) ?? fromOf(live.writer);
    return whyNotInstance(live, to) ?? fromOf(live.zone);
  },
  async ask(live, _record, { to }, { once }) {
    const rds = await once.rds();
    await (live.kind === 'cluster'
      ? rds.failoverDBCluster({ DBClusterIdentifier: live.id, TargetDBInstanceIdentifier: to })
      : rds.rebootDBInstance({ DBInstanceIdentifier: live.id, ForceFailover: true }));
  },
  isBegun: async (live, { from }) => BEGUN.has(live.status) || hasMoved(live, from),
  isMoved: async (live, { from }) => hasMoved(live, from),
  async unavailable(live, _record, looking) {
    if (!SERVES.test(live.status)) return `it is ${live.status}`;
    const members = live.kind === 'cluster' ? await membersOf(live, looking) : [];
    const down = members.find(({ status }) => !SERVES.test(status));
    return down && `its member ${down.id} is ${down.status}`;
  },
  endpoint: ({ endpoint }) => endpoint,
});

function fromOf(from: string | undefined): { from?: string } {
  return from === undefined ? {} : { from };
}

/** What it is not told of has not moved, as far as anybody can say. */
function hasMoved(live: LiveDatabase, from: string | undefined): boolean {
  const now = live.kind === 'cluster' ? live.writer : live.zone;
  return now !== undefined && now !== from;
}

function membersOf({ id }: LiveCluster, { clients }: Looking): Promise<LiveDbInstance[]> {
  return clients.rds().then((rds) => Array.fromAsync(instancesIn(rds, 'db-cluster-id', [id])));
}

async function whyNotCluster(live: LiveCluster, to: string | undefined, looking: Looking): Promise<string | undefined> {
  const { writer, members } = live;
  if (writer === undefined) return 'it has no writer';
  if (members.length < 2) return 'the writer is its only instance: there is nothing to fail over to';
  if (to === writer) return `${to} is its writer already`;
  if (to !== undefined && !members.includes(to)) return `${to} is no instance of it`;
  const all = await membersOf(live, looking);
  if (new Set(all.flatMap(({ zone }) => zone ?? [])).size < 2) return 'all of its instances are in one zone';
  const ready = all.filter(({ id, status }) => id !== writer && status === 'available').map(({ id }) => id);
  if (to !== undefined && !ready.includes(to)) return `its instance ${to} is not available`;
  return ready.length === 0 ? 'none of its readers is available' : undefined;
}

function whyNotInstance({ cluster, isMultiAz, zone }: LiveDbInstance, to: string | undefined): string | undefined {
  if (cluster !== undefined) return `it is an instance of a cluster: let cluster:${cluster} fail over`;
  if (!isMultiAz) return 'it is not Multi-AZ: there is nothing to fail over to';
  if (to !== undefined) return 'its standby has no name: `to` is for clusters';
  return zone === undefined ? 'AWS does not say in which zone it is' : undefined;
}
