/** The network of a lab: a VPC with a subnet in each of three zones, and a security group. */
import type { EC2 } from '@aws-sdk/client-ec2';

export interface Network {
  readonly vpc: string;
  /** Subnets by zone: `eu-west-1a`, `eu-west-1b`, `eu-west-1c`. */
  readonly subnets: Readonly<Record<string, string>>;
  readonly securityGroup: string;
  /** The ACL that every subnet has at first. */
  readonly acl: string;
}

/** Its zones, in order. */
export function zonesOf({ subnets }: Network): string[] {
  return Object.keys(subnets);
}

/** The subnet of `zone`; of the first one by default. */
export function subnetOf({ subnets }: Network, zone = Object.keys(subnets)[0] ?? ''): string {
  return known(subnets[zone], `a subnet in ${zone}`);
}

/** What moto is known to tell. */
export function known<Value>(value: Value | undefined, what: string): Value {
  if (value === undefined) throw new Error(`moto does not tell ${what}`);
  return value;
}

/** Tags as EC2 writes them. */
export function pairs(tags: Readonly<Record<string, string>>): { Key: string; Value: string }[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

export async function makeNetwork(ec2: EC2, region: string): Promise<Network> {
  const { Vpc } = await ec2.createVpc({ CidrBlock: '10.0.0.0/16' });
  const vpc = known(Vpc?.VpcId, 'a VPC');
  const subnets: Record<string, string> = {};
  for (const [i, letter] of ['a', 'b', 'c'].entries()) {
    const zone = `${region}${letter}`;
    const { Subnet } = await ec2.createSubnet({ VpcId: vpc, CidrBlock: `10.0.${i * 16}.0/20`, AvailabilityZone: zone });
    subnets[zone] = known(Subnet?.SubnetId, 'a subnet');
  }
  const { GroupId } = await ec2.createSecurityGroup({ GroupName: 'own', Description: 'a lab', VpcId: vpc });
  const { NetworkAcls } = await ec2.describeNetworkAcls({ Filters: [{ Name: 'vpc-id', Values: [vpc] }] });
  const acl = known(NetworkAcls?.[0]?.NetworkAclId, 'the ACL of a new VPC');
  return { vpc, subnets, securityGroup: known(GroupId, 'a security group'), acl };
}
