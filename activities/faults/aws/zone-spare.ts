/**
 * What is left of a network without one of its zones.
 *
 * Owns the counting, of what serves now: instances, members of Auto Scaling groups, targets of load balancers, databases. Must never
 * count as outside what nobody says where it is.
 */
import { z } from 'zod';
import type { RegionClients } from '../../aws/cloud.ts';
import { isMissing } from '../../aws/denied.ts';
import { asked, filter, listed, read } from '../../targets/aws-pages.ts';
import { perRegion } from './per-region.ts';
import { readTogether } from './tagged.ts';

/** Target groups whose targets are asked for at once. */
const AT_ONCE = 8;
/** Names in one sentence. */
const NAMED = 5;

/** Something that runs in a zone, and how much of it there is elsewhere. */
interface Carried {
  /** For people: `Auto Scaling group web`. */
  readonly name: string;
  readonly inside: number;
  readonly outside: number;
  /** What must be left of it: a share, however much that is; a share, and something; or something. */
  readonly of: 'network' | 'service' | 'database';
}

/** What must be left. */
export interface Spare {
  /** Percent. */
  readonly outside: number;
  /** Whether something may be in the zone alone. */
  readonly mayBeAlone: boolean;
}

/** Why `zone` of `vpc` must not be taken out; undefined where enough is left. Throws where it cannot be counted. */
export async function whyNotSpared(
  vpc: string,
  zone: string,
  { outside, mayBeAlone }: Spare,
  clients: RegionClients,
): Promise<string | undefined> {
  if (outside <= 0 && mayBeAlone) return undefined;
  const all = (await carriedBy(clients)(JSON.stringify([vpc, zone]))) ?? [];
  const alone = all.filter((one) => one.of !== 'network' && one.outside === 0);
  if (alone.length > 0 && !mayBeAlone)
    return `in zone ${zone} alone: ${names(alone)}; give it another zone, or say \`singleZone: allow\``;
  const short = all.find((one) => one.of !== 'database' && !alone.includes(one) && shareOf(one) + 1e-9 < outside);
  if (short === undefined) return undefined;
  return `only ${shareOf(short).toFixed(1)}% of ${short.name} would be left outside of zone ${zone}; ${outside}% are asked for`;
}

function shareOf({ inside, outside }: Carried): number {
  return (100 * outside) / (inside + outside);
}

function names(some: readonly Carried[]): string {
  const more = some.length - NAMED;
  return `${some
    .slice(0, NAMED)
    .map(({ name }) => name)
    .join(', ')}${more > 0 ? `, and ${more} more` : ''}`;
}

/** By network and zone, as JSON: what runs there. */
const carriedBy = perRegion((clients) =>
  readTogether(async (keys) => {
    const found = new Map<string, readonly Carried[]>();
    for (const key of keys) {
      const [vpc = '', zone = ''] = JSON.parse(key) as string[];
      found.set(key, await carriedIn(vpc, zone, clients));
    }
    return found;
  }),
);

async function carriedIn(vpc: string, zone: string, clients: RegionClients): Promise<Carried[]> {
  const zones = await zonesOfInstances(vpc, clients);
  const counted = (of: Carried['of'], name: string, where: Iterable<string | undefined>): Carried => {
    const all = [...where];
    const outside = all.filter((one) => one !== undefined && one !== zone).length;
    return { name, inside: all.length - outside, outside, of };
  };
  const [groups, targets, databases] = await Promise.all([
    groupsOf(zones, clients),
    targetGroupsIn(vpc, zones, clients),
    databasesIn(vpc, clients),
  ]);
  const carried = [
    counted('network', `the instances of ${vpc}`, zones.values()),
    ...groups.map(([name, where]) => counted('service', `Auto Scaling group ${name}`, where)),
    ...targets.map(([name, where]) => counted('service', `target group ${name}`, where)),
    ...databases.map(([name, where]) => counted('database', name, where)),
  ];
  return carried.filter(({ inside }) => inside > 0);
}

/** Something with a name, and the zone of each of its parts. */
type Placed = readonly [name: string, zones: readonly (string | undefined)[]];
type Zones = ReadonlyMap<string, string | undefined>;

const instanceSchema = z.object({
  InstanceId: z.string(),
  Placement: z.object({ AvailabilityZone: z.string().optional() }).prefault({}),
});

/** The zone of each instance of a network that runs. */
async function zonesOfInstances(vpc: string, { region, ec2 }: RegionClients): Promise<Zones> {
  const found = new Map<string, string | undefined>();
  const client = await ec2();
  const Filters = [filter('vpc-id', vpc), filter('instance-state-name', 'running')];
  const items = listed('ec2:DescribeInstances', region, async (NextToken) => {
    const page = await client.describeInstances({ Filters, MaxResults: 1_000, NextToken });
    return { items: page.Reservations?.flatMap(({ Instances = [] }) => Instances), next: page.NextToken };
  });
  for await (const item of items) {
    const { InstanceId, Placement } = known(read(instanceSchema, item, 'InstanceId'));
    found.set(InstanceId, Placement.AvailabilityZone);
  }
  return found;
}

const groupSchema = z.object({
  AutoScalingGroupName: z.string(),
  Instances: z
    .array(
      z.object({
        InstanceId: z.string(),
        AvailabilityZone: z.string().optional(),
        LifecycleState: z.string(),
        HealthStatus: z.string(),
      }),
    )
    .default([]),
});

/** The Auto Scaling groups that have one of `instances`, by who of them is in service. */
async function groupsOf(instances: Zones, { region, autoScaling }: RegionClients): Promise<Placed[]> {
  const found: Placed[] = [];
  const client = await autoScaling();
  const items = listed('autoscaling:DescribeAutoScalingGroups', region, async (NextToken) => {
    const page = await client.describeAutoScalingGroups({ MaxRecords: 100, NextToken });
    return { items: page.AutoScalingGroups, next: page.NextToken };
  });
  for await (const item of items) {
    const { AutoScalingGroupName: name, Instances } = known(read(groupSchema, item, 'AutoScalingGroupName'));
    const serving = Instances.filter(
      ({ LifecycleState, HealthStatus }) => LifecycleState === 'InService' && HealthStatus.toLowerCase() === 'healthy',
    );
    if (serving.some(({ InstanceId }) => instances.has(InstanceId)))
      found.push([name, serving.map(({ AvailabilityZone }) => AvailabilityZone)]);
  }
  return found;
}

const targetGroupSchema = z.object({
  TargetGroupArn: z.string(),
  TargetGroupName: z.string(),
  VpcId: z.string().optional(),
  TargetType: z.string().optional(),
});
type TargetGroup = z.output<typeof targetGroupSchema>;

/** The target groups of a network, by their targets that are healthy. */
async function targetGroupsIn(vpc: string, instances: Zones, clients: RegionClients): Promise<Placed[]> {
  const { region } = clients;
  const client = await clients.loadBalancing();
  const groups: TargetGroup[] = [];
  const items = listed('elasticloadbalancing:DescribeTargetGroups', region, async (Marker) => {
    const page = await client.describeTargetGroups({ PageSize: 400, Marker });
    return { items: page.TargetGroups, next: page.NextMarker };
  });
  for await (const item of items) {
    const group = known(read(targetGroupSchema, item, 'TargetGroupName'));
    // Functions and load balancers, which others may be, are in no zone.
    if (group.VpcId === vpc && ['instance', 'ip', undefined].includes(group.TargetType)) groups.push(group);
  }
  const found: Placed[] = [];
  for (let i = 0; i < groups.length; i += AT_ONCE)
    found.push(...(await Promise.all(groups.slice(i, i + AT_ONCE).map((group) => placed(group, instances, clients)))));
  return found;
}

const healthSchema = z.object({
  Target: z.object({ Id: z.string(), AvailabilityZone: z.string().optional() }),
  TargetHealth: z.object({ State: z.string() }),
});

async function placed(group: TargetGroup, instances: Zones, { region, loadBalancing }: RegionClients): Promise<Placed> {
  const client = await loadBalancing();
  const { TargetGroupArn, TargetGroupName: name } = group;
  const described = await asked('elasticloadbalancing:DescribeTargetHealth', region, () =>
    client.describeTargetHealth({ TargetGroupArn }).catch((error: unknown) => {
      // Deleted since it was listed.
      if (!isMissing(error)) throw error;
      return { TargetHealthDescriptions: [] };
    }),
  );
  const targets = (described.TargetHealthDescriptions ?? []).map((item) => known(read(healthSchema, item, 'Target')));
  const healthy = targets.filter(({ TargetHealth }) => TargetHealth.State === 'healthy');
  // An address that is outside of the network is told as being in `all` zones.
  return [name, healthy.map(({ Target }) => Target.AvailabilityZone ?? instances.get(Target.Id))];
}

const databaseSchema = z.object({
  DBInstanceIdentifier: z.string(),
  DBClusterIdentifier: z.string().optional(),
  AvailabilityZone: z.string().optional(),
  MultiAZ: z.boolean().default(false),
  DBSubnetGroup: z.object({ VpcId: z.string().optional() }).prefault({}),
});

/** The databases of a network that have no standby elsewhere: clusters, by their members, and instances that are in none. */
async function databasesIn(vpc: string, { region, rds }: RegionClients): Promise<Placed[]> {
  const found = new Map<string, (string | undefined)[]>();
  const client = await rds();
  const items = listed('rds:DescribeDBInstances', region, async (Marker) => {
    const page = await client.describeDBInstances({ MaxRecords: 100, Marker });
    return { items: page.DBInstances, next: page.Marker };
  });
  for await (const item of items) {
    const database = known(read(databaseSchema, item, 'DBInstanceIdentifier'));
    const { DBClusterIdentifier: cluster, DBInstanceIdentifier: id, DBSubnetGroup } = database;
    // One of which nobody says in which network it is may be in this one.
    if ((DBSubnetGroup.VpcId ?? vpc) !== vpc || (cluster === undefined && database.MultiAZ)) continue;
    const name = cluster === undefined ? `database ${id}` : `database cluster ${cluster}`;
    found.set(name, [...(found.get(name) ?? []), database.AvailabilityZone]);
  }
  return [...found];
}

function known<T extends object>(found: T | { readonly unreadable: string }): T {
  if (!('unreadable' in found)) return found;
  throw new Error(`what AWS says of ${found.unreadable} cannot be read, and nobody knows what is left without it`);
}
