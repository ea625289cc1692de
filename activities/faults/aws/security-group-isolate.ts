/**
 * `aws/security-group-isolate`: nothing reaches an instance, nor does it reach anything.
 *
 * The groups of its network interfaces are swapped for one that allows nothing, which is made for it where a network has none yet, and
 * deleted by whoever is the last to need it. Connections that a security group tracks may outlive the swap.
 */
import { z } from 'zod';
import type { Fault } from '../../../domain/fault.ts';
import { isMissing } from '../../aws/denied.ts';
import { instances } from './instances.ts';
import type { LiveInstance, LiveInterface } from './instances.ts';
import { emptyGroup } from './empty-group.ts';
import { taggedFault } from './tagged-fault.ts';
import type { Progress } from './tagged-fault.ts';
import type { Looking } from './tagged-site.ts';

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
        { actions: ['ec2:DescribeInstances', 'ec2:DescribeSecurityGroups'] },
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
  async act({ interfaces, vpc = '' }, { groups }, _fault, looking) {
    const empty = await emptyGroup.make(vpc, looking);
    for (const one of interfaces)
      if (Object.hasOwn(groups, one.id) && !isIsolated(one, looking)) await setGroups(one.id, [empty], looking);
  },
  heal,
});

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
      if (new Set(now).symmetricDifference(new Set(original)).size > 0)
        told.push('somebody else has changed its security groups meanwhile, which was left');
      continue;
    }
    const kept = await living(original, looking);
    if (kept.length === 0) return { done: false, detail: 'all of its former security groups are gone: give it one' };
    await setGroups(one.id, [...new Set([...kept, ...othersOf(one, looking)])], looking);
    // What is read next shows whether it was done.
    isLeft = true;
  }
  if (isLeft) return { done: false, detail: 'its security groups are being swapped back' };
  await emptyGroup.removeUnused(vpc, looking);
  return { done: true, ...(told[0] === undefined ? {} : { detail: told[0] }) };
}

async function living(ids: readonly string[], { clients }: Looking): Promise<string[]> {
  const ec2 = await clients.ec2();
  const { SecurityGroups = [] } = await ec2.describeSecurityGroups({
    Filters: [{ Name: 'group-id', Values: [...ids] }],
  });
  const found = new Set(SecurityGroups.map(({ GroupId }) => GroupId));
  return ids.filter((id) => found.has(id));
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
