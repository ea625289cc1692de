/**
 * A security group that allows nothing, one for each network and installation.
 *
 * Owns its name and its tags. Whoever needs it makes it where it is not there; AWS itself keeps it from being deleted while somebody
 * uses it.
 */
import type { CreateSecurityGroupCommandInput } from '@aws-sdk/client-ec2';
import { isMissing } from '../../aws/denied.ts';
import { targetKey } from '../../../domain/target-key.ts';
import { isPassing, Unseen } from './passing.ts';
import { OWNED_BY, ownTags } from './own-tags.ts';
import { perRegion } from './per-region.ts';
import { readTogether } from './tagged.ts';
import type { Looking } from './tagged-site.ts';

/** One is in each network: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSecurityGroups.html */
const PAGES_MAX = 50;
const PAGE = 1_000;

/** Makes, finds and deletes it. */
export const emptyGroup = {
  /** An installation's own. */
  nameOf: ({ installation }: Pick<Looking, 'installation'>): string => `squall-empty-${targetKey(installation)}`,
  asked,
  make,
  removeUnused,
  all,
};

/** Those that are there, by network and name. */
const finders = perRegion(({ ec2 }) =>
  readTogether<string>(async (places) => {
    const all = places.map((place) => place.split(' '));
    const found = new Map<string, string>();
    const { SecurityGroups = [] } = await (
      await ec2()
    ).describeSecurityGroups({
      Filters: [
        { Name: 'vpc-id', Values: [...new Set(all.map(([vpc = '']) => vpc))] },
        { Name: 'group-name', Values: [...new Set(all.map(([, name = '']) => name))] },
      ],
    });
    for (const { GroupId = '', GroupName, VpcId } of SecurityGroups) found.set(`${VpcId} ${GroupName}`, GroupId);
    return found;
  }),
);

/** Its id in a network; undefined where it is not there. */
function find(vpc: string, looking: Looking): Promise<string | undefined> {
  return finders(looking.clients)(placeOf(vpc, looking));
}

function placeOf(vpc: string, looking: Looking): string {
  return `${vpc} ${emptyGroup.nameOf(looking)}`;
}

/** Those that are being made, by network and name. */
const making = perRegion(() => new Map<string, Promise<string>>());

/** Its id; it is made where it is not there, once for all who ask in the same moment. Rejects where it allows anything. */
function make(vpc: string, looking: Looking): Promise<string> {
  const here = making(looking.clients);
  const place = placeOf(vpc, looking);
  const made = here.get(place) ?? emptied(vpc, looking).finally(() => here.delete(place));
  here.set(place, made);
  return made;
}

async function emptied(vpc: string, looking: Looking): Promise<string> {
  const ec2 = await looking.once.ec2();
  const id = (await find(vpc, looking)) ?? (await created(vpc, looking));
  try {
    const { SecurityGroups = [] } = await (
      await looking.clients.ec2()
    ).describeSecurityGroups({ Filters: [{ Name: 'group-id', Values: [id] }] });
    const [made] = SecurityGroups;
    if (made === undefined) throw new Unseen('the empty security group is not to be seen yet');
    const { IpPermissions = [], IpPermissionsEgress = [] } = made;
    // AWS makes it with one rule, which lets everything out.
    if (IpPermissionsEgress.length > 0)
      await ec2.revokeSecurityGroupEgress({ GroupId: id, IpPermissions: IpPermissionsEgress });
    if (IpPermissions.length > 0) await ec2.revokeSecurityGroupIngress({ GroupId: id, IpPermissions });
  } catch (error) {
    // It, or its rules, were read a moment too early or too late.
    throw isMissing(error) ? new Unseen('the empty security group is not to be seen as it is yet') : error;
  }
  return id;
}

/** The request that makes it, with the tags that say whose it is. */
function asked(vpc: string, looking: Looking): CreateSecurityGroupCommandInput {
  return {
    GroupName: emptyGroup.nameOf(looking),
    Description: 'Allows nothing. Squall isolates instances with it, and deletes it afterwards.',
    VpcId: vpc,
    TagSpecifications: [{ ResourceType: 'security-group', Tags: ownTags(looking.installation) }],
  };
}

async function created(vpc: string, looking: Looking): Promise<string> {
  const ec2 = await looking.once.ec2();
  try {
    return (await ec2.createSecurityGroup(asked(vpc, looking))).GroupId ?? '';
  } catch (error) {
    // Somebody was faster: it is found at the next look.
    if (!(error instanceof Error && error.name === 'InvalidGroup.Duplicate')) throw error;
    return (await find(vpc, looking)) ?? '';
  }
}

/** Deletes it where nobody uses it. */
async function removeUnused(vpc: string, looking: Looking): Promise<void> {
  const id = await find(vpc, looking);
  if (id === undefined) return;
  try {
    await (await looking.once.ec2()).deleteSecurityGroup({ GroupId: id });
  } catch (error) {
    // In use, by another fault of ours.
    if (!isPassing(error) && !isMissing(error)) throw error;
  }
}

/** The id and the network of each that is there in a region. */
async function all(looking: Looking): Promise<readonly { readonly id: string; readonly vpc: string }[]> {
  const found: { readonly id: string; readonly vpc: string }[] = [];
  const client = await looking.clients.ec2();
  const Filters = [
    { Name: `tag:${OWNED_BY}`, Values: [looking.installation] },
    { Name: 'group-name', Values: [emptyGroup.nameOf(looking)] },
  ];
  let token: string | undefined;
  for (let pages = 0; pages < PAGES_MAX; pages += 1) {
    const page = await client.describeSecurityGroups({ Filters, MaxResults: PAGE, NextToken: token });
    for (const { GroupId: id, VpcId: vpc } of page.SecurityGroups ?? [])
      if (id !== undefined && vpc !== undefined) found.push({ id, vpc });
    token = page.NextToken;
    if (!token) return found;
  }
  throw new Error(`EC2 lists empty security groups on more than ${PAGES_MAX} pages`);
}
