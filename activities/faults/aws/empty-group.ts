/**
 * A security group that allows nothing, one for each network and installation.
 *
 * Owns its name and its tags. Whoever needs it makes it where it is not there; AWS itself keeps it from being deleted while somebody
 * uses it.
 */
import { isMissing } from '../../aws/denied.ts';
import { targetKey } from '../../../domain/target-key.ts';
import { isPassing, Unseen } from './passing.ts';
import { ownTags } from './own-tags.ts';
import type { Looking } from './tagged-site.ts';

/** Makes, finds and deletes it. */
export const emptyGroup = {
  /** An installation's own. */
  nameOf: ({ installation }: Pick<Looking, 'installation'>): string => `squall-empty-${targetKey(installation)}`,
  make,
  removeUnused,
};

/** Its id in a network; undefined where it is not there. */
async function find(vpc: string, looking: Looking): Promise<string | undefined> {
  const ec2 = await looking.clients.ec2();
  const { SecurityGroups = [] } = await ec2.describeSecurityGroups({
    Filters: [
      { Name: 'vpc-id', Values: [vpc] },
      { Name: 'group-name', Values: [emptyGroup.nameOf(looking)] },
    ],
  });
  return SecurityGroups[0]?.GroupId;
}

/** Its id; it is made where it is not there. Rejects where it allows anything. */
async function make(vpc: string, looking: Looking): Promise<string> {
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

async function created(vpc: string, looking: Looking): Promise<string> {
  const ec2 = await looking.once.ec2();
  const asked = {
    GroupName: emptyGroup.nameOf(looking),
    Description: 'Allows nothing. Squall isolates instances with it, and deletes it afterwards.',
    VpcId: vpc,
    TagSpecifications: [{ ResourceType: 'security-group' as const, Tags: ownTags(looking.installation) }],
  };
  try {
    return (await ec2.createSecurityGroup(asked)).GroupId ?? '';
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
