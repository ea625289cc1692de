/**
 * Instances as candidates: those that run, and are not all that is left of their Auto Scaling group.
 *
 * Owns how many of a group may be touched at once. Who is in service is what the group says, whatever part of its instances is
 * selected.
 */
import { z } from 'zod';
import { FAULT } from '../faults/aws/tag-slot.ts';
import { groupsIn } from './aws-groups.ts';
import type { Group } from './aws-groups.ts';
import { filter, listed, read, tagFilters, maybeTags, VALUES_MAX } from './aws-pages.ts';
import { isHeld, isWanted, Nobody } from './aws-selector.ts';
import type { AwsPlace, AwsSelector, Found, Unreadable } from './aws-selector.ts';
import type { Limit } from './sieve.ts';

const GONE = ['shutting-down', 'terminated'];

const instanceSchema = z.object({
  /** Of its reservation: the account. */
  OwnerId: z.string().optional(),
  InstanceId: z.string(),
  State: z.object({ Name: z.string() }),
  Placement: z.object({ AvailabilityZone: z.string().optional() }).prefault({}),
  PrivateDnsName: z.string().optional(),
  Tags: maybeTags,
});
type Instance = z.output<typeof instanceSchema>;

type Member = Group['Instances'][number];

/** Whom `wanted` names among the instances of a region. */
export async function instanceCandidates(wanted: AwsSelector, place: AwsPlace): Promise<(Found | Unreadable)[]> {
  const groups: Group[] = [];
  for await (const group of groupsIn(wanted.group === undefined ? undefined : [wanted.group], place)) {
    if ('unreadable' in group) throw new Nobody(`what AWS says of the group ${group.unreadable} cannot be read`);
    groups.push(group);
  }
  const members = new Map(
    groups.flatMap((group) => group.Instances.map((member) => [member.InstanceId, { group, member }])),
  );
  const found: (Found | Unreadable)[] = [];
  const seen: Instance[] = [];
  for await (const instance of described(filtersOf(wanted), place)) {
    if ('unreadable' in instance) found.push(instance);
    else if (isSelected(instance, wanted) && (wanted.group === undefined || members.has(instance.InstanceId)))
      seen.push(instance);
  }
  const out = await unserving(groups.length > 0, seen, place);
  for (const instance of seen) {
    const { InstanceId: name, OwnerId: account, PrivateDnsName: host, Tags: labels } = instance;
    const { group, member } = members.get(name) ?? {};
    found.push({
      target: { region: place.clients.region, kind: 'instance', name },
      facts: { labels, ...(account ? { account } : {}), ...(host ? { host } : {}) },
      limits: group !== undefined && serves(member) && !out.has(name) ? [lastOf(group, out)] : [],
      reason: unfit(instance, member, place),
    });
  }
  return found;
}

function isSelected({ InstanceId, State, Placement, Tags }: Instance, wanted: AwsSelector): boolean {
  const { zone } = wanted;
  const isThere = !GONE.includes(State.Name) && (zone === undefined || Placement.AvailabilityZone === zone);
  return isThere && isWanted(wanted, [InstanceId], Tags);
}

function unfit(
  { InstanceId, State, Tags }: Instance,
  member: Member | undefined,
  { own }: AwsPlace,
): string | undefined {
  if (own.instances.has(InstanceId)) return 'this worker runs there';
  if (member?.LifecycleState.startsWith('Terminating')) return 'being deleted';
  return State.Name === 'running' || isHeld(Tags) ? undefined : 'not running';
}

/** Instances that do not serve, whatever their groups say: a fault of ours is on them, or they were seen not to run. */
async function unserving(isAsked: boolean, seen: readonly Instance[], place: AwsPlace): Promise<ReadonlySet<string>> {
  const out = new Set(seen.filter(({ State }) => State.Name !== 'running').map(({ InstanceId }) => InstanceId));
  if (!isAsked) return out;
  for await (const instance of described([filter('tag-key', FAULT)], place))
    if ('InstanceId' in instance) out.add(instance.InstanceId);
  return out;
}

function serves(member: Member | undefined): boolean {
  return member?.LifecycleState === 'InService' && member.HealthStatus.toLowerCase() === 'healthy';
}

/** Who is under a fault of ours is a target still, and none of those that are left. */
function lastOf({ AutoScalingGroupARN, DesiredCapacity, Instances }: Group, out: ReadonlySet<string>): Limit {
  const serving = Instances.filter((member) => serves(member) && !out.has(member.InstanceId)).length;
  return {
    key: AutoScalingGroupARN,
    allows: Math.min(serving, DesiredCapacity) - 1,
    reason: 'the last running instance of its Auto Scaling group',
  };
}

function filtersOf({ ids, tags, zone, group }: AwsSelector): ReturnType<typeof filter>[] {
  return [
    filter('instance-state-name', 'pending', 'running', 'stopping', 'stopped'),
    ...tagFilters(tags),
    ...(ids !== undefined && ids.length <= VALUES_MAX ? [filter('instance-id', ...ids)] : []),
    ...(zone === undefined ? [] : [filter('availability-zone', zone)]),
    ...(group === undefined ? [] : [filter('tag:aws:autoscaling:groupName', group)]),
  ];
}

async function* described(
  Filters: ReturnType<typeof filter>[],
  { clients, signal: abortSignal }: AwsPlace,
): AsyncGenerator<Instance | Unreadable> {
  const ec2 = await clients.ec2();
  const items = listed('ec2:DescribeInstances', clients.region, async (NextToken) => {
    const page = await ec2.describeInstances({ Filters, MaxResults: 1_000, NextToken }, { abortSignal });
    const owned = ({ OwnerId, Instances = [] }: NonNullable<typeof page.Reservations>[number]) =>
      Instances.map((instance) => ({ OwnerId, ...instance }));
    return { items: page.Reservations?.flatMap(owned), next: page.NextToken };
  });
  for await (const item of items) yield read(instanceSchema, item, 'InstanceId');
}
