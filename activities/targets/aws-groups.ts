/**
 * Auto Scaling groups and subnets as candidates.
 *
 * Owns what is read of a group, and which of both must never be a target: those that this worker runs in.
 */
import { z } from 'zod';
import { accountIn, filter, listed, read, tagFilters, maybeTags, VALUES_MAX } from './aws-pages.ts';
import { isHeld, isWanted } from './aws-selector.ts';
import type { AwsPlace, AwsSelector, Found, Unreadable } from './aws-selector.ts';

/** The most names of groups that may be asked for at once, and groups on a page. */
const NAMES_MAX = 50;
const PAGE = 100;

const groupSchema = z.object({
  AutoScalingGroupName: z.string(),
  AutoScalingGroupARN: z.string().regex(/:autoScalingGroup:[^:]+:/),
  DesiredCapacity: z.number(),
  /** There only while the group is being deleted. */
  Status: z.string().optional(),
  Instances: z
    .array(z.object({ InstanceId: z.string(), LifecycleState: z.string(), HealthStatus: z.string() }))
    .default([]),
  Tags: maybeTags,
});

/** An Auto Scaling group. */
export type Group = z.output<typeof groupSchema>;

const subnetSchema = z.object({
  SubnetId: z.string(),
  State: z.string(),
  AvailabilityZone: z.string().optional(),
  OwnerId: z.string().optional(),
  Tags: maybeTags,
});

/** The groups of a region, or those of these names. */
export async function* groupsIn(
  names: readonly string[] | undefined,
  { clients, signal: abortSignal }: AwsPlace,
): AsyncGenerator<Group | Unreadable> {
  const autoScaling = await clients.autoScaling();
  const named = names !== undefined && names.length <= NAMES_MAX ? { AutoScalingGroupNames: [...names] } : {};
  const items = listed('autoscaling:DescribeAutoScalingGroups', clients.region, async (NextToken) => {
    const asking = { ...named, MaxRecords: PAGE, NextToken };
    const page = await autoScaling.describeAutoScalingGroups(asking, { abortSignal });
    return { items: page.AutoScalingGroups, next: page.NextToken };
  });
  for await (const item of items) yield read(groupSchema, item, 'AutoScalingGroupName');
}

/** Whom `wanted` names among the groups of a region. */
export async function groupCandidates(wanted: AwsSelector, place: AwsPlace): Promise<(Found | Unreadable)[]> {
  const found: (Found | Unreadable)[] = [];
  for await (const group of groupsIn(wanted.ids, place)) {
    if ('unreadable' in group) {
      found.push(group);
      continue;
    }
    const { AutoScalingGroupName: name, AutoScalingGroupARN: arn, Instances, Status, Tags: labels } = group;
    if (Status !== undefined || !isWanted(wanted, [name], labels)) continue;
    // Its name may be given again to another one, the UUID in its ARN never.
    const uid = /:autoScalingGroup:([^:]+):/.exec(arn)?.[1] ?? '';
    const isOwn = Instances.some(({ InstanceId }) => place.own.instances.has(InstanceId));
    found.push({
      target: { region: place.clients.region, kind: 'group', name, uid },
      facts: { labels, ...accountIn(arn) },
      reason: isOwn ? 'this worker runs there' : undefined,
    });
  }
  return found;
}

/** Whom `wanted` names among the subnets of a region. */
export async function subnetCandidates(wanted: AwsSelector, place: AwsPlace): Promise<(Found | Unreadable)[]> {
  const { ids, tags, zone } = wanted;
  const { clients, own, signal: abortSignal } = place;
  const Filters = [
    ...tagFilters(tags),
    ...(ids !== undefined && ids.length <= VALUES_MAX ? [filter('subnet-id', ...ids)] : []),
    ...(zone === undefined ? [] : [filter('availability-zone', zone)]),
  ];
  const ec2 = await clients.ec2();
  const items = listed('ec2:DescribeSubnets', clients.region, async (NextToken) => {
    const page = await ec2.describeSubnets({ Filters, MaxResults: 1_000, NextToken }, { abortSignal });
    return { items: page.Subnets, next: page.NextToken };
  });
  const found: (Found | Unreadable)[] = [];
  for await (const item of items) {
    const subnet = read(subnetSchema, item, 'SubnetId');
    if ('unreadable' in subnet) {
      found.push(subnet);
      continue;
    }
    const { SubnetId: name, State, AvailabilityZone, OwnerId: account, Tags: labels } = subnet;
    if (!isWanted(wanted, [name], labels) || (zone !== undefined && AvailabilityZone !== zone)) continue;
    const isUsable = State === 'available' || isHeld(labels);
    found.push({
      target: { region: clients.region, kind: 'subnet', name },
      facts: { labels, ...(account ? { account } : {}) },
      reason: own.subnets.has(name) ? 'this worker runs there' : isUsable ? undefined : 'not available',
    });
  }
  return found;
}
