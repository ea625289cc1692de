/**
 * Subnets, as resources with a slot in their tags, and the network ACL that each has.
 *
 * Owns what is read of them. The ACLs are read first: what is seen of them is then never newer than the slot, and a fence that was
 * written before an ACL was swapped back is seen by whoever sees the swap.
 */
import type { EC2, NetworkAcl } from '@aws-sdk/client-ec2';
import type { RegionClients } from '../../aws/cloud.ts';
import { ec2Tags } from './ec2-tags.ts';
import { OWNED_BY } from './own-tags.ts';
import { perRegion } from './per-region.ts';
import { readTogether, tagsOf } from './tagged.ts';
import type { TaggedKind, TaggedRegion } from './tagged.ts';
import type { Tags } from './tag-slot.ts';

/** A page of any of these lists. */
const PAGE = 200;
/** The most pages of one list, since one may be empty. */
const PAGES_MAX = 100;

type Filters = readonly { readonly Name: string; readonly Values: string[] }[];

/** A subnet as it was read. */
export interface LiveSubnet {
  readonly id: string;
  readonly tags: Tags;
  readonly zone: string | undefined;
  readonly vpc: string | undefined;
  /** AWS has one for every subnet; undefined where it does not tell. */
  readonly acl: SubnetAcl | undefined;
}

/** A network ACL. */
export interface LiveAcl {
  readonly id: string;
  readonly vpc: string | undefined;
  /** Whether it is the one that a subnet of its network has where nobody says otherwise. */
  readonly isDefault: boolean;
  /** The installation that has made it; undefined of those that are not Squall's. */
  readonly madeBy: string | undefined;
  /** Whether it lets nothing through. */
  readonly denies: boolean;
  /** By subnet: the id of its association, which is another one after each swap. */
  readonly associations: ReadonlyMap<string, string>;
}

/** The network ACL of a subnet. */
export interface SubnetAcl extends LiveAcl {
  /** The subnet's own. */
  readonly association: string;
}

export const subnets: TaggedKind<LiveSubnet> = { kind: 'subnet', open: openSubnets };

/** Those of a region, for whoever looks at others than the one that it changes. */
export const subnetsOf = perRegion(openSubnets);

function openSubnets({ region, ec2 }: RegionClients): TaggedRegion<LiveSubnet> {
  const found = async (filters: (ids: readonly string[]) => Filters, ids: readonly string[]): Promise<LiveSubnet[]> => {
    const acls = await aclsOf(await ec2(), ids);
    const listed = await Array.fromAsync(describedSubnets(await ec2(), filters(ids)));
    return listed.map((live) => ({ ...live, acl: acls.get(live.id) }));
  };
  const byId = (ids: readonly string[]): Filters => [{ Name: 'subnet-id', Values: [...ids] }];
  const read = readTogether(async (ids) => new Map((await found(byId, ids)).map((live) => [live.id, live])));
  const write = ec2Tags(ec2);
  return {
    read: ({ name }) => read(name),
    write: ({ name }, patch) => write(name, patch),
    async *marked() {
      const ids = [];
      const marks = [{ Name: 'tag-key', Values: ['squall:*'] }];
      for await (const { id } of describedSubnets(await ec2(), marks)) ids.push(id);
      for (let i = 0; i < ids.length; i += PAGE)
        for (const live of await found(byId, ids.slice(i, i + PAGE)))
          yield { target: { region, kind: 'subnet', name: live.id }, live };
    },
  };
}

/** The network ACL of each of these subnets, by its id. */
async function aclsOf(ec2: EC2, ids: readonly string[]): Promise<ReadonlyMap<string, SubnetAcl>> {
  const found = new Map<string, SubnetAcl>();
  for await (const acl of describedAcls(ec2, [{ Name: 'association.subnet-id', Values: [...ids] }]))
    for (const [subnet, association] of acl.associations) found.set(subnet, { ...acl, association });
  return found;
}

/** The network ACLs that `filters` name. Throws where there are too many to be looked through. */
export async function* describedAcls(ec2: EC2, filters: Filters): AsyncGenerator<LiveAcl> {
  let token: string | undefined;
  for (let pages = 0; pages < PAGES_MAX; pages += 1) {
    const page = await ec2.describeNetworkAcls({ Filters: [...filters], MaxResults: PAGE, NextToken: token });
    for (const listed of page.NetworkAcls ?? []) {
      const acl = parsedAcl(listed);
      if (acl !== undefined) yield acl;
    }
    token = page.NextToken;
    if (!token) return;
  }
  throw new Error(`EC2 lists network ACLs on more than ${PAGES_MAX} pages`);
}

/** The subnets that `filters` name, without their ACLs. Throws where there are too many to be looked through. */
export async function* describedSubnets(ec2: EC2, filters: Filters): AsyncGenerator<Omit<LiveSubnet, 'acl'>> {
  let token: string | undefined;
  for (let pages = 0; pages < PAGES_MAX; pages += 1) {
    const page = await ec2.describeSubnets({ Filters: [...filters], MaxResults: PAGE, NextToken: token });
    for (const { SubnetId: id, Tags, AvailabilityZone, VpcId } of page.Subnets ?? [])
      if (id !== undefined) yield { id, tags: tagsOf(Tags), zone: AvailabilityZone, vpc: VpcId };
    token = page.NextToken;
    if (!token) return;
  }
  throw new Error(`EC2 lists subnets on more than ${PAGES_MAX} pages`);
}

function parsedAcl(listed: NetworkAcl): LiveAcl | undefined {
  const { NetworkAclId: id, VpcId, IsDefault, Tags, Entries, Associations = [] } = listed;
  if (id === undefined) return undefined;
  const associations = Associations.flatMap(({ SubnetId, NetworkAclAssociationId }): [string, string][] =>
    SubnetId === undefined || NetworkAclAssociationId === undefined ? [] : [[SubnetId, NetworkAclAssociationId]],
  );
  return {
    id,
    vpc: VpcId,
    isDefault: IsDefault === true,
    madeBy: tagsOf(Tags)[OWNED_BY],
    denies: (Entries ?? []).every(({ RuleAction }) => RuleAction === 'deny'),
    associations: new Map(associations),
  };
}
