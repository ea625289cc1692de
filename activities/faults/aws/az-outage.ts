/**
 * `aws/az-outage`: the subnets of a zone are cut off.
 *
 * Owns the swap of a subnet's network ACL for one that denies everything, and back. An association's id is another one after each
 * swap, and a swap names the one that it ends: the record has the id that may be named by a request still under way, and a revert
 * sees to it that there is no such id any more.
 */
import { z } from 'zod';
import type { Fault } from '../../../domain/fault.ts';
import { isMissing } from '../../aws/denied.ts';
import { AZ_OUTAGE, whyNotOut, whyUnfit } from './az-fitness.ts';
import { denyAcls, removeUnusedAcls, tidyAcls } from './deny-acl.ts';
import { describedAcls, subnets } from './subnets.ts';
import type { LiveAcl, LiveSubnet, SubnetAcl } from './subnets.ts';
import { taggedFault } from './tagged-fault.ts';
import type { Acting, Progress } from './tagged-fault.ts';
import type { Looking } from './tagged-site.ts';

const params = z.strictObject({
  outside: z
    .string()
    .regex(/^(?:100|\d{1,2}(?:\.\d{1,3})?)%$/, 'expected a share such as 50%')
    .default('50%')
    .describe(
      'What must be left outside of the zone at least: of the instances of each network, and of those in service of each Auto Scaling group and target group.',
    ),
  singleZone: z
    .enum(['refuse', 'allow'])
    .default('refuse')
    .describe('What is done where an Auto Scaling group, a target group or a database is in the zone alone.'),
});
type Params = z.infer<typeof params>;

const undoRecord = z.object({
  /** The network ACL that the subnet had. */
  acl: z.string(),
  /** The id of its association, which a swap that is under way may name. */
  association: z.string(),
  /** The one that denies everything, once the subnet is known to have it. */
  deny: z.string().optional(),
});
type Undo = z.infer<typeof undoRecord>;

export const driver = taggedFault<Params, LiveSubnet, Undo>({
  kind: AZ_OUTAGE,
  summary:
    'The subnets of a zone are cut off: nothing gets in or out of them, while what is within the same subnet still reaches each other.',
  params,
  resource: subnets,
  permissions: [
    {
      needs: 'to see subnets and their network ACLs, and to give a subnet another one',
      actions: [
        { actions: ['ec2:DescribeSubnets', 'ec2:DescribeNetworkAcls'] },
        { actions: ['ec2:CreateTags', 'ec2:DeleteTags'], resources: ['ec2:subnet/*'] },
        { actions: ['ec2:ReplaceNetworkAclAssociation'], resources: ['ec2:subnet/*'] },
        // The one that a subnet is given back is not ours.
        { actions: ['ec2:ReplaceNetworkAclAssociation'], resources: ['ec2:network-acl/*'], of: 'others' },
      ],
    },
    {
      needs: 'to make a network ACL that denies everything, and to delete it',
      actions: [
        {
          actions: ['ec2:CreateNetworkAcl', 'ec2:CreateTags'],
          resources: ['ec2:network-acl/*'],
          of: 'new',
          harms: true,
        },
        { actions: ['ec2:CreateNetworkAcl'], resources: ['ec2:vpc/*'], of: 'others', harms: true },
        { actions: ['ec2:DeleteNetworkAcl'], resources: ['ec2:network-acl/*'], of: 'ours' },
      ],
    },
    {
      needs: 'to see what is left without the zone',
      actions: [
        {
          actions: [
            'ec2:DescribeInstances',
            'ec2:DescribeNatGateways',
            'ec2:DescribeNetworkInterfaces',
            'ec2:DescribeRouteTables',
            'ec2:DescribeVpcEndpoints',
            'autoscaling:DescribeAutoScalingGroups',
            'elasticloadbalancing:DescribeTargetGroups',
            'elasticloadbalancing:DescribeTargetHealth',
            'rds:DescribeDBInstances',
          ],
          harms: true,
        },
      ],
    },
  ],
  undo: 'each subnet is given its own network ACL back, and the one that denies everything is deleted when no subnet has it any more',
  undoRecord,
  unfit: (targets, asked, looking) => whyUnfit(targets, spareOf(asked), looking),
  async record(subnet, { params: asked }, looking) {
    const { acl, zone, vpc } = subnet;
    if (acl === undefined) return 'AWS does not say which network ACL it has';
    const why = await whyNotOut({ acl, zone, vpc }, spareOf(asked), looking);
    return why ?? { undo: { acl: acl.id, association: acl.association } };
  },
  isOn: ({ acl }) => (acl === undefined ? 'AWS does not say which network ACL it has' : isCutOff(acl)),
  act,
  heal,
  whenGone: async (_fault, looking) => void (await removeUnusedAcls(looking)),
  tidy: tidyAcls,
});

function spareOf({ outside, singleZone }: Params): Parameters<typeof whyNotOut>[1] {
  return { outside: Number.parseFloat(outside), mayBeAlone: singleZone === 'allow' };
}

/** By whoever of Squall: a subnet has one fault at a time, whosever that is. */
function isCutOff({ madeBy, denies }: SubnetAcl): boolean {
  return madeBy !== undefined && denies;
}

async function act(
  { acl, zone, vpc = '' }: LiveSubnet,
  undo: Undo,
  _fault: Fault<Params>,
  acting: Acting<Undo>,
): Promise<void> {
  if (acl === undefined) return;
  if (acl.madeBy === undefined && acl.id !== undo.acl)
    throw new Error(`somebody else has given it the network ACL ${acl.id} meanwhile`);
  // Another look comes before it is named by a request.
  if (acl.association !== undo.association) return acting.keep({ ...undo, association: acl.association });
  // Of two zones that were begun at once each sees the other's records now.
  const why = await whyNotOut({ acl: undefined, zone, vpc }, { outside: 0, mayBeAlone: true }, acting);
  if (why !== undefined) throw new Error(why);
  const acls = denyAcls(acting);
  const deny = await acls.of(vpc);
  // Making one may have taken a while, and whoever sweeps deletes one that nobody has.
  if (!(await acting.holds())) return;
  const swapped = await swap(acl, deny, acting);
  if (swapped === 'no such ACL') acls.forget(deny);
  // By this it is told from one of somebody else that denies everything, whatever becomes of its tag.
  if (swapped === 'done' && (await acting.holds())) await acting.keep({ ...undo, deny });
}

async function heal(
  { acl, vpc = '' }: LiveSubnet,
  undo: Undo,
  _fault: Fault<Params>,
  looking: Looking,
): Promise<Progress> {
  if (acl === undefined) return { done: false, detail: 'AWS does not say which network ACL it has' };
  // Ours is ours too where somebody has taken its tag away.
  const isOurs = undo.deny === undefined ? acl.denies && acl.id !== undo.acl : acl.id === undo.deny;
  if (acl.madeBy !== undefined || isOurs) {
    if ((await swap(acl, undo.acl, looking)) === 'no such ACL') await giveDefault(acl, undo, looking);
    // What is read next shows whether it was done.
    return { done: false, detail: 'its network ACL is being given back' };
  }
  if (acl.association === undo.association && (await swap(acl, acl.id, looking)) !== 'done')
    return { done: false, detail: 'its network ACL is another one than was just read' };
  await denyAcls(looking).removeUnused(vpc);
  return { done: true, ...(acl.id === undo.acl ? {} : { detail: await whatBecame(acl, undo, looking) }) };
}

type Swapped = 'done' | 'no such association' | 'no such ACL';

/** Gives the subnet another network ACL, as long as the association is the one that was read. */
async function swap({ association }: SubnetAcl, acl: string, { once }: Looking): Promise<Swapped> {
  const ec2 = await once.ec2();
  try {
    await ec2.replaceNetworkAclAssociation({ AssociationId: association, NetworkAclId: acl });
    return 'done';
  } catch (error) {
    if (!isMissing(error)) throw error;
    return (error as Error).name.startsWith('InvalidNetworkAcl') ? 'no such ACL' : 'no such association';
  }
}

/** The subnet's own ACL is said not to be there: where it is not listed either, it gets the one that its network has for everybody. */
async function giveDefault(acl: SubnetAcl, undo: Undo, looking: Looking): Promise<void> {
  const all = await aclsBeside(acl, looking);
  if (all.some(({ id }) => id === undo.acl)) return;
  const general = all.find(({ isDefault }) => isDefault);
  if (general === undefined) throw new Error(`its network ACL ${undo.acl} is gone: give it another one`);
  await swap(acl, general.id, looking);
}

async function aclsBeside({ vpc = '' }: SubnetAcl, { clients }: Looking): Promise<LiveAcl[]> {
  return Array.fromAsync(describedAcls(await clients.ec2(), [{ Name: 'vpc-id', Values: [vpc] }]));
}

async function whatBecame(acl: SubnetAcl, undo: Undo, looking: Looking): Promise<string> {
  if (acl.isDefault && !(await aclsBeside(acl, looking)).some(({ id }) => id === undo.acl))
    return `its network ACL ${undo.acl} is gone: it has the default one of its network, ${acl.id}`;
  return `somebody else has given it the network ACL ${acl.id} meanwhile, which was left`;
}
