/**
 * A network of a test's own, with as many subnets as it likes, and what is true of their network ACLs.
 *
 * Owns what it makes and sees, past the shim.
 */
import type { EC2 } from '@aws-sdk/client-ec2';
import { OWNED_BY } from '../../activities/faults/aws/own-tags.ts';
import type { Account } from './account.ts';
import { known } from './account/network.ts';

/** What a subnet has. */
interface SeenAcl {
  readonly id: string;
  readonly association: string;
  readonly isDenying: boolean;
}

export class Subnets {
  readonly vpc: string;
  /** The network ACL that every subnet has at first. */
  readonly acl: string;
  readonly #account: Account;
  readonly #ec2: EC2;
  #made = 0;

  private constructor(account: Account, ec2: EC2, vpc: string, acl: string) {
    this.#account = account;
    this.#ec2 = ec2;
    this.vpc = vpc;
    this.acl = acl;
  }

  static async open(account: Account): Promise<Subnets> {
    const ec2 = await account.observe.ec2();
    const { Vpc } = await ec2.createVpc({ CidrBlock: '10.1.0.0/16' });
    const vpc = known(Vpc?.VpcId, 'a VPC');
    const { NetworkAcls } = await ec2.describeNetworkAcls({ Filters: [{ Name: 'vpc-id', Values: [vpc] }] });
    return new Subnets(account, ec2, vpc, known(NetworkAcls?.[0]?.NetworkAclId, 'the ACL of a new VPC'));
  }

  /** A subnet's id; in the first zone by default. */
  async subnet(zone = `${this.#account.region}a`): Promise<string> {
    const n = (this.#made += 1);
    const CidrBlock = `10.1.${n >> 4}.${(n & 15) * 16}/28`;
    const { Subnet } = await this.#ec2.createSubnet({ VpcId: this.vpc, CidrBlock, AvailabilityZone: zone });
    return known(Subnet?.SubnetId, 'a subnet');
  }

  async remove(name: string): Promise<void> {
    await this.#ec2.deleteSubnet({ SubnetId: name });
  }

  /** Gives a subnet another network ACL, as somebody else does. */
  async give(name: string, acl: string): Promise<void> {
    const { association } = known(await this.aclOf(name), `the ACL of ${name}`);
    await this.#ec2.replaceNetworkAclAssociation({ AssociationId: association, NetworkAclId: acl });
  }

  /** A network ACL of somebody's. */
  async newAcl(): Promise<string> {
    const { NetworkAcl } = await this.#ec2.createNetworkAcl({ VpcId: this.vpc });
    const NetworkAclId = known(NetworkAcl?.NetworkAclId, 'an ACL');
    const everything = { RuleNumber: 100, Protocol: '-1', RuleAction: 'allow', CidrBlock: '0.0.0.0/0' } as const;
    for (const Egress of [false, true]) await this.#ec2.createNetworkAclEntry({ ...everything, NetworkAclId, Egress });
    return NetworkAclId;
  }

  async aclOf(name: string): Promise<SeenAcl | undefined> {
    const { NetworkAcls = [] } = await this.#ec2.describeNetworkAcls({
      Filters: [{ Name: 'association.subnet-id', Values: [name] }],
    });
    for (const { NetworkAclId: id = '', Associations = [], Entries = [] } of NetworkAcls)
      for (const { SubnetId, NetworkAclAssociationId: association = '' } of Associations)
        if (SubnetId === name)
          return { id, association, isDenying: Entries.every(({ RuleAction }) => RuleAction === 'deny') };
    return undefined;
  }

  /** The network ACLs that Squall has made here and nobody has deleted. */
  async ours(): Promise<string[]> {
    const { NetworkAcls = [] } = await this.#ec2.describeNetworkAcls({
      Filters: [
        { Name: 'vpc-id', Values: [this.vpc] },
        { Name: 'tag-key', Values: [OWNED_BY] },
      ],
    });
    return NetworkAcls.map(({ NetworkAclId = '' }) => NetworkAclId);
  }

  /** The keys of a subnet's tags. */
  async tagsOf(name: string): Promise<string[]> {
    const { Subnets: found = [] } = await this.#ec2.describeSubnets({ SubnetIds: [name] });
    return (found[0]?.Tags ?? []).map(({ Key = '' }) => Key).toSorted();
  }
}
