/**
 * `aws/instance-terminate`: an instance is terminated, and its Auto Scaling group is to start another.
 *
 * Nothing brings it back: it is verified healed once the group has as many instances in service, and its target groups as many that are
 * healthy, as before. Owns who must not be terminated, of whom there is always somebody: the last instance of a group, and of each of
 * its zones. Who may be is looked at again right before, together with all others of the group that are to go.
 */
import { z } from 'zod';
import type { Fault } from '../../../domain/fault.ts';
import { targetKey } from '../../../domain/target-key.ts';
import type { Permission } from '../driver.ts';
import { isProtectedFrom, whyNotTo } from './instance-rehearsal.ts';
import { Unseen } from './passing.ts';
import { refusals } from './refusals.ts';
import { isServing } from './scaling.ts';
import type { ScalingGroup } from './scaling.ts';
import { healthIn } from './serving.ts';
import { FAULT, readTagSlot } from './tag-slot.ts';
import { taggedFault } from './tagged-fault.ts';
import { parseAwsTarget } from './target.ts';
import { idsOn, slotOf, terminations } from './terminations.ts';
import type { Termination } from './terminations.ts';
import type { Looking } from './tagged-site.ts';

const KIND = 'aws/instance-terminate';

const params = z.strictObject({
  lastOfZone: z
    .enum(['refuse', 'allow'])
    .default('refuse')
    .describe(
      'What is done where it would be the last one in service of its Auto Scaling group in its zone, and others of the group are in other zones.',
    ),
});
type Params = z.infer<typeof params>;

const undoRecord = z.object({
  /** How many instances its group should have had, all of which were in service. */
  desired: z.number().int(),
  /** How many targets were healthy in each target group of the group, by a key of its ARN: all must fit into the tag of a fence. */
  healthy: z.record(z.string(), z.number().int()),
});
type Undo = z.infer<typeof undoRecord>;

/** The processes by which a group finds out that an instance has gone, and starts another. */
const NEEDED = ['HealthCheck', 'ReplaceUnhealthy', 'Terminate', 'Launch'];
/** The most target groups of a group that a fence has room for. */
const TARGET_GROUPS_MAX = 8;

const PERMISSIONS: readonly Permission[] = [
  {
    needs: 'to look at instances, their Auto Scaling groups and their target groups',
    actions: [
      {
        actions: [
          'ec2:DescribeInstances',
          'ec2:DescribeInstanceAttribute',
          'autoscaling:DescribeAutoScalingGroups',
          'elasticloadbalancing:DescribeTargetHealth',
        ],
      },
    ],
  },
  {
    needs: 'to tag their Auto Scaling groups',
    actions: [
      {
        actions: ['autoscaling:CreateOrUpdateTags', 'autoscaling:DeleteTags'],
        resources: ['autoscaling:autoScalingGroup:*:autoScalingGroupName/*'],
        of: 'others',
      },
    ],
  },
  {
    needs: 'to terminate instances',
    actions: [{ actions: ['ec2:TerminateInstances'], resources: ['ec2:instance/*'], harms: true }],
  },
];

/** Its group notices, starts another one, and waits until it is healthy, in milliseconds. */
const REVERT_MS = 900_000;

export const driver = taggedFault<Params, Termination, Undo>({
  kind: KIND,
  summary: 'An instance is terminated; its Auto Scaling group is to start another, which is verified.',
  params,
  revertMs: REVERT_MS,
  resource: terminations,
  permissions: PERMISSIONS,
  undo: 'nothing is undone, and what was on its volumes may be lost: its Auto Scaling group starts another, and Squall verifies that as many are in service, and healthy in its target groups, as before',
  reversal: 'heals',
  // A policy has to let it, though its group starts another one.
  irreversible: () => true,
  undoRecord,
  unfit: (targets, wanted, anywhere) =>
    refusals(terminations, targets, anywhere, async (live, { clients }) => {
      const why = refusal(live, wanted);
      if (why !== undefined || live.instance === undefined) return why;
      const { id } = live.instance;
      return (await isProtectedFrom('terminate', id, clients)) ? PROTECTED : whyNotTo('terminate', id, clients);
    }),
  async record(live, { params: wanted }, looking) {
    const { instance, group } = live;
    if (instance === undefined) return undefined;
    const why = refusal(live, wanted);
    if (why !== undefined || group === undefined) return why ?? NO_GROUP;
    if (await isProtectedFrom('terminate', instance.id, looking.clients)) return PROTECTED;
    return { undo: await whole(group, looking) };
  },
  isOn: ({ instance }) => instance === undefined,
  async act({ instance, group, tags }, _undo, { params: wanted }, acting) {
    if (instance === undefined) return;
    const why = refusal({ instance, group, tags }, wanted);
    // It was in service when it was written down: its group may have heard before we do that it is gone.
    if (why !== undefined) throw isServing(group?.members.get(instance.id)) ? new Error(why) : new Unseen(why);
    if (!(await acting.holds())) return;
    await (await acting.once.ec2()).terminateInstances({ InstanceIds: [instance.id] });
  },
  async heal(live, undo, fault, looking) {
    const left = await unhealed(live, undo, fault, looking);
    return { done: true, ...(left === undefined ? {} : { detail: left }) };
  },
  unhealed,
});

const PROTECTED = 'it is protected from being terminated';
const NO_GROUP = 'nobody would replace it: it is in no Auto Scaling group';

/** Why an instance must not be terminated now, by what it is, and by its group and all who are to go with it. */
function refusal({ instance, group }: Termination, { lastOfZone }: Params): string | undefined {
  if (instance === undefined) return undefined;
  const { id, state, tags } = instance;
  if (state !== 'running') return `it is ${state}, and not running`;
  if (Object.hasOwn(tags, FAULT)) return `a fault ${tags[FAULT] ?? ''} is on it`;
  if (group === undefined) return NO_GROUP;
  const { name, desired, members, suspended, targetGroups } = group;
  const member = members.get(id);
  if (!isServing(member)) return `it is not in service in its Auto Scaling group ${name}`;
  if (member?.isProtected) return 'it is protected from scale-in: its Auto Scaling group is not to take it either';
  const process = NEEDED.find((one) => suspended.includes(one));
  if (process !== undefined)
    return `its Auto Scaling group ${name} would not replace it: its process ${process} is suspended`;
  if (desired < 2) return `its Auto Scaling group ${name} wants ${desired} instance, and would be left without any`;
  if (targetGroups.length > TARGET_GROUPS_MAX)
    return `its Auto Scaling group ${name} has ${targetGroups.length} target groups: whether more than ${TARGET_GROUPS_MAX} are healthy again cannot be verified`;
  const serving = servingOf(group);
  const held = heldOn(group);
  const going = [...held].filter((one) => !serving.includes(one)).length;
  if (serving.length + going < desired)
    return `only ${serving.length} of ${desired} instances of its Auto Scaling group ${name} are in service`;
  // Where more have been written down than may go, the first by their ids do: whoever looks comes to the same.
  const left = serving.filter((one) => one !== id && !(held.has(one) && (one < id || !held.has(id))));
  if (left.length === 0) return `it would be the last one in service in its Auto Scaling group ${name}`;
  return lastOfZone === 'allow' ? undefined : lastOfItsZone(id, group, left);
}

/** Why it must not go where only `left` stay in service. A group that is in one zone alone has none to lose. */
function lastOfItsZone(id: string, group: ScalingGroup, left: readonly string[]): string | undefined {
  const zoneOf = (one: string): string | undefined => group.members.get(one)?.zone;
  const zone = zoneOf(id);
  if (zone === undefined) return `AWS does not say in which zone of its Auto Scaling group ${group.name} it is`;
  if (left.some((one) => zoneOf(one) === zone) || servingOf(group).every((one) => zoneOf(one) === zone))
    return undefined;
  return `it would be the last one in service in zone ${zone} of its Auto Scaling group ${group.name}: say \`lastOfZone: allow\` if that may be`;
}

/** The instances that a group counts on, but for `gone`. */
function servingOf({ members }: ScalingGroup, gone?: string): string[] {
  return [...members].flatMap(([id, member]) => (isServing(member) && id !== gone ? [id] : []));
}

/** Who is to be terminated, or was by a fault that is on. */
function heldOn(group: ScalingGroup): ReadonlySet<string> {
  return new Set(idsOn(group).filter((id) => Object.hasOwn(slotOf(id, group), FAULT)));
}

/** How the group is, or was before the first of those who are on their way went. */
async function whole(group: ScalingGroup, { clients }: Looking): Promise<Undo> {
  const counts = await Promise.all(
    group.targetGroups.map(async (arn): Promise<[string, number]> => {
      const health = await healthIn(arn, clients);
      return [keyOf(arn), [...(health?.values() ?? [])].filter(({ state }) => state === 'healthy').length];
    }),
  );
  const undo = { desired: group.desired, healthy: Object.fromEntries(counts) };
  for (const id of heldOn(group)) {
    const { record } = readTagSlot(slotOf(id, group), id);
    const earlier = undoRecord.safeParse(record?.undo).data;
    for (const [key, count] of Object.entries(earlier?.healthy ?? {}))
      undo.healthy[key] = Math.max(count, undo.healthy[key] ?? 0);
  }
  return undo;
}

function keyOf(arn: string): string {
  return targetKey(arn).slice(0, 8);
}

/** What a group is still without. A group that is gone is waited for by nobody, nor is one that should have fewer by now. */
async function unhealed(
  { instance, group }: Termination,
  undo: Undo,
  { target: at }: Pick<Fault<Params>, 'target'>,
  { clients }: Looking,
): Promise<string | undefined> {
  if (group === undefined) return undefined;
  const { name, desired, targetGroups } = group;
  // For a while its group and its target groups take it for what it was.
  const id = instance === undefined ? parseAwsTarget(at, ['instance']).name : undefined;
  const serving = servingOf(group, id).length;
  const wanted = Math.min(undo.desired, desired);
  if (serving < wanted) return `Auto Scaling group ${name} has ${serving} of ${wanted} instances in service`;
  const fewer = undo.desired - wanted;
  for (const arn of targetGroups) {
    const before = undo.healthy[keyOf(arn)] ?? 0;
    const health = await healthIn(arn, clients);
    if (health === undefined || before === 0) continue;
    const healthy = [...health].filter(([target, { state }]) => state === 'healthy' && target !== id).length;
    if (healthy < before - fewer)
      return `target group ${arn.split('/').at(-2) ?? arn} has ${healthy} of ${before - fewer} targets healthy`;
  }
  return undefined;
}
