/**
 * `aws/security-group-isolate`: nothing reaches an instance, nor does it reach anything.
 *
 * The groups of its network interfaces are swapped for one that allows nothing, which is made for it where a network has none yet, and
 * deleted by whoever is the last to need it. Connections that a security group tracks may outlive the swap.
 */
import { z } from 'zod';
import type { Fault } from '../../../domain/fault.ts';
import { isDenied, isDryRunPassed, isMissing, wordsOf } from '../../aws/denied.ts';
import { goneOf } from './absences.ts';
import { pause } from '../../pause.ts';
import { slownessMs } from '../../targets/aws-settings.ts';
import { instances } from './instances.ts';
import type { LiveInstance, LiveInterface } from './instances.ts';
import { emptyGroup } from './empty-group.ts';
import { perRegion } from './per-region.ts';
import { refusals } from './refusals.ts';
import { FAULT } from './tag-slot.ts';
import { readTogether } from './tagged.ts';
import { taggedFault } from './tagged-fault.ts';
import type { Progress } from './tagged-fault.ts';
import type { Looking } from './tagged-site.ts';

/** An instance is said to be left isolated only after so many looks. */
const LOOKS = 4;
const PAGES_MAX = 50;
const PAGE = 1_000;

const params = z.strictObject({});
type Params = z.infer<typeof params>;

const undoRecord = z.object({
  /** The groups of each interface as they were. */
  groups: z.record(z.string(), z.array(z.string()).min(1)),
});
type Undo = z.infer<typeof undoRecord>;

export const driver = taggedFault<Params, LiveInstance, Undo>({
  kind: 'aws/security-group-isolate',
  summary: 'Nothing reaches an instance, nor does it reach anything: its security groups are swapped for an empty one.',
  params,
  resource: instances,
  permissions: [
    {
      needs: 'to look at instances and security groups, and to tag instances',
      actions: [
        { actions: ['ec2:DescribeInstances', 'ec2:DescribeNetworkInterfaces', 'ec2:DescribeSecurityGroups'] },
        { actions: ['ec2:CreateTags', 'ec2:DeleteTags'], resources: ['ec2:instance/*'] },
      ],
    },
    {
      needs: 'to swap the security groups of network interfaces',
      // Which instance an interface belongs to, IAM does not know here.
      actions: [
        {
          actions: ['ec2:ModifyNetworkInterfaceAttribute'],
          resources: ['ec2:network-interface/*', 'ec2:security-group/*'],
          of: 'others',
        },
      ],
    },
    {
      needs: 'to make a security group that allows nothing, and to delete it',
      actions: [
        { actions: ['ec2:CreateSecurityGroup'], resources: ['ec2:security-group/*'], of: 'new', harms: true },
        { actions: ['ec2:CreateSecurityGroup'], resources: ['ec2:vpc/*'], of: 'others', harms: true },
        { actions: ['ec2:CreateTags'], resources: ['ec2:security-group/*'], of: 'new', harms: true },
        {
          actions: ['ec2:DeleteSecurityGroup', 'ec2:RevokeSecurityGroupEgress', 'ec2:RevokeSecurityGroupIngress'],
          resources: ['ec2:security-group/*'],
          of: 'ours',
        },
      ],
    },
  ],
  undo: 'the groups of each interface are swapped back, and the empty group is deleted when nobody needs it any more',
  undoRecord,
  unfit: (targets, _params, anywhere) => refusals(instances, targets, anywhere, whyNot),
  async record({ interfaces, vpc }) {
    if (vpc === undefined || interfaces.length === 0) return 'it has no network interface in a VPC';
    if (interfaces.some(({ groups }) => groups.length === 0)) return 'a network interface of it has no security group';
    const idsOf = ({ id, groups }: LiveInterface): [string, string[]] => [id, groups.map((group) => group.id)];
    return { undo: { groups: Object.fromEntries(interfaces.map(idsOf)) } };
  },
  isOn({ interfaces }, { groups }, _fault, looking) {
    const ours = interfaces.filter(({ id }) => Object.hasOwn(groups, id));
    if (!ours.every((one) => isIsolated(one, looking))) return false;
    return (
      ours.every((one) => othersOf(one, looking).length === 0) || 'somebody else has given it another security group'
    );
  },
  async act({ interfaces, vpc = '' }, { groups }, _fault, acting) {
    const empty = await emptyGroup.make(vpc, acting);
    for (const one of interfaces) {
      if (!Object.hasOwn(groups, one.id) || isIsolated(one, acting)) continue;
      // Making the group may have taken a while, and so may each interface.
      if (!(await acting.holds())) return;
      await setGroups(one.id, [empty], acting);
    }
  },
  heal,
  tidy,
});

/** What this worker may not do, as of a moment ago: by network, since which instance it is IAM does not know here. */
const rehearsing = perRegion(() => new Map<string, Promise<string | undefined>>());

async function whyNot(live: LiveInstance, looking: Looking): Promise<string | undefined> {
  const { vpc = '' } = live;
  const here = rehearsing(looking.clients);
  const rehearsal = here.get(vpc) ?? forbidden(live, looking).finally(() => here.delete(vpc));
  here.set(vpc, rehearsal);
  return rehearsal;
}

async function forbidden({ interfaces, vpc }: LiveInstance, looking: Looking): Promise<string | undefined> {
  const [first] = interfaces;
  // Why it cannot be isolated is told with its record.
  if (first === undefined || vpc === undefined) return undefined;
  const ec2 = await looking.clients.ec2();
  const swap = { NetworkInterfaceId: first.id, Groups: first.groups.map(({ id }) => id), DryRun: true };
  const may: readonly (readonly [what: string, rehearse: () => Promise<unknown>])[] = [
    ['make a security group', () => ec2.createSecurityGroup({ ...emptyGroup.asked(vpc, looking), DryRun: true })],
    ['swap the security groups of its network interfaces', () => ec2.modifyNetworkInterfaceAttribute(swap)],
  ];
  for (const [what, rehearse] of may)
    try {
      await rehearse();
    } catch (error) {
      if (isDenied(error)) return `this worker may not ${what}: ${wordsOf(error)}`;
      if (!isDryRunPassed(error) && !isMissing(error)) throw error;
    }
  return undefined;
}

function isIsolated({ groups }: LiveInterface, looking: Looking): boolean {
  return groups.some(({ name }) => name === emptyGroup.nameOf(looking));
}

/** What an interface has been given besides. */
function othersOf({ groups }: LiveInterface, looking: Looking): string[] {
  return groups.filter(({ name }) => name !== emptyGroup.nameOf(looking)).map(({ id }) => id);
}

async function heal(
  { interfaces, vpc = '' }: LiveInstance,
  { groups }: Undo,
  _fault: Fault<Params>,
  looking: Looking,
): Promise<Progress> {
  const told: string[] = [];
  let isLeft = false;
  for (const one of interfaces) {
    const original = groups[one.id];
    if (original === undefined) continue;
    if (!isIsolated(one, looking)) {
      const now = one.groups.map(({ id }) => id);
      const without = original.filter((id) => !now.includes(id));
      const gone = new Set(without).difference(await living(without, looking));
      if (gone.size < without.length || now.some((id) => !original.includes(id)))
        told.push('somebody else has changed its security groups meanwhile, which was left');
      else if (gone.size > 0)
        told.push(`${[...gone].join(', ')} cannot be given back to it: there is no such group any more`);
      continue;
    }
    const gone = goneOf(original, await living(original, looking), looking);
    if (gone === undefined) return { done: false, detail: 'not all of its former security groups are to be seen' };
    const kept = original.filter((group) => !gone.has(group));
    if (kept.length === 0) return { done: false, detail: 'all of its former security groups are gone: give it one' };
    await setGroups(one.id, [...new Set([...kept, ...othersOf(one, looking)])], looking);
    // What is read next shows whether it was done.
    isLeft = true;
  }
  if (isLeft) return { done: false, detail: 'its security groups are being swapped back' };
  await emptyGroup.removeUnused(vpc, looking);
  return { done: true, ...(told[0] === undefined ? {} : { detail: told[0] }) };
}

const livingGroups = perRegion(({ ec2 }) =>
  readTogether<true>(async (ids) => {
    const Filters = [{ Name: 'group-id', Values: [...ids] }];
    const { SecurityGroups = [] } = await (await ec2()).describeSecurityGroups({ Filters });
    return new Map(SecurityGroups.map(({ GroupId = '' }) => [GroupId, true]));
  }),
);

async function living(ids: readonly string[], { clients }: Looking): Promise<ReadonlySet<string>> {
  const are = await Promise.all(ids.map((id) => livingGroups(clients)(id)));
  return new Set(ids.filter((_, i) => are[i] === true));
}

/** Deletes what nobody needs, and throws where an instance is isolated and no record says which groups it had before. */
async function tidy(looking: Looking): Promise<void> {
  for (const { id, vpc } of await emptyGroup.all(looking)) {
    const isolated = await instancesIn(id, looking);
    if (isolated.size === 0) await emptyGroup.removeUnused(vpc, looking);
    for (const instance of isolated)
      if (await isLeft(instance, id, looking))
        throw new Error(
          `${instance} has the security group ${id}, with which Squall isolates instances, and no record of how it was: give it its own`,
        );
  }
}

/** By their ids, those with an interface that has this group. */
async function instancesIn(group: string, { clients }: Looking): Promise<ReadonlySet<string>> {
  const Filters = [{ Name: 'group-id', Values: [group] }];
  const found = new Set<string>();
  let token: string | undefined;
  for (let pages = 0; pages < PAGES_MAX; pages += 1) {
    const page = await (await clients.ec2()).describeNetworkInterfaces({ Filters, MaxResults: PAGE, NextToken: token });
    for (const { Attachment } of page.NetworkInterfaces ?? [])
      if (Attachment?.InstanceId !== undefined) found.add(Attachment.InstanceId);
    token = page.NextToken;
    if (!token) return found;
  }
  throw new Error(`EC2 lists network interfaces of ${group} on more than ${PAGES_MAX} pages`);
}

/** Whether it stays so over a time in which what is read becomes what is. */
async function isLeft(name: string, group: string, { clients, settings }: Looking): Promise<boolean> {
  const read = instances.open(clients);
  for (let looks = 1; ; looks += 1) {
    const live = await read.read({ region: clients.region, kind: 'instance', name });
    const has = live?.interfaces.some(({ groups }) => groups.some(({ id }) => id === group)) ?? false;
    if (!has || live?.tags[FAULT] !== undefined) return false;
    if (looks === LOOKS) return true;
    await pause(slownessMs(settings) / 2, new AbortController().signal);
  }
}

async function setGroups(id: string, groups: readonly string[], { once }: Looking): Promise<void> {
  const ec2 = await once.ec2();
  try {
    await ec2.modifyNetworkInterfaceAttribute({ NetworkInterfaceId: id, Groups: [...groups] });
  } catch (error) {
    // An interface that was taken off meanwhile has nothing of ours.
    if (!isMissing(error)) throw error;
  }
}
