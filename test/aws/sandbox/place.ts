/**
 * What a sandbox is made of: a network in two zones, an instance in each, and an Auto Scaling group of two.
 *
 * Owns what is asked for, each with the tag `squall:sandbox` in the very request that makes it, so that nothing is ever there without.
 */
import type { EC2, RequestLaunchTemplateData, TagSpecification } from '@aws-sdk/client-ec2';
import type { RegionClients } from '../../../activities/aws/cloud.ts';
import { awsTargetId } from '../../../activities/faults/aws/target.ts';
import type { Waiting } from './waiting.ts';

/** All that a sandbox has made bears this tag, with its id. */
export const SANDBOX = 'squall:sandbox';
export const TYPE = 't3.micro';
/** Of Amazon Linux 2023: https://docs.aws.amazon.com/linux/al2023/ug/naming-and-versioning.html */
const IMAGE = 'al2023-ami-2023.*-x86_64';
const NETWORK = '10.99.0.0/24';
const SUBNETS = ['10.99.0.0/26', '10.99.0.64/26'] as const;
export const GROUP_SIZE = 2;

/** What all of it is called. */
export function nameOf(id: string): string {
  return `squall-sandbox-${id}`;
}

/** How a sandbox is made. */
export interface Asked {
  readonly id: string;
  readonly clients: RegionClients;
  readonly waiting: Waiting;
  /** By which instances let Systems Manager in; they are given a way out to it. Undefined: they have none. */
  readonly profile: string | undefined;
}

/** A sandbox that is there. */
export interface Place {
  readonly vpc: string;
  readonly securityGroup: string;
  /** The network ACL that a subnet has at first. */
  readonly acl: string;
  /** In as many zones. */
  readonly subnets: readonly [Subnet, Subnet];
  /** One in each of the subnets. */
  readonly instances: readonly [string, string];
  /** The name of the Auto Scaling group, and its target id. */
  readonly group: string;
  readonly groupTarget: string;
}

export interface Subnet {
  readonly id: string;
  readonly zone: string;
}

/** Asks for all of it. What was made before it rejects is left to be removed. */
export async function makePlace(asked: Asked): Promise<Place> {
  const { clients, waiting } = asked;
  const ec2 = await clients.ec2();
  const [zones, image] = [await twoZones(ec2), await newestImage(ec2)];
  const tags = tagged(asked.id);
  waiting.signal.throwIfAborted();
  const { Vpc } = await ec2.createVpc({ CidrBlock: NETWORK, TagSpecifications: tags('vpc') });
  const vpc = known(Vpc?.VpcId, 'a network');
  const subnetIn = async (zone: string, CidrBlock: string): Promise<Subnet> => {
    const cut = { VpcId: vpc, AvailabilityZone: zone, CidrBlock, TagSpecifications: tags('subnet') };
    const { Subnet } = await waiting.made('a subnet', () => ec2.createSubnet(cut));
    return { id: known(Subnet?.SubnetId, 'a subnet'), zone };
  };
  const subnets = [await subnetIn(zones[0], SUBNETS[0]), await subnetIn(zones[1], SUBNETS[1])] as const;
  const naming = { GroupName: nameOf(asked.id), Description: 'A sandbox of Squall, which lets nobody in', VpcId: vpc };
  const closed = { ...naming, TagSpecifications: tags('security-group') };
  const { GroupId } = await waiting.made('a security group', () => ec2.createSecurityGroup(closed));
  const securityGroup = known(GroupId, 'a security group');
  if (asked.profile !== undefined) await openOutwards(asked, ec2, vpc, subnets);
  const made = { vpc, securityGroup, subnets };
  const instanceIn = async (subnet: Subnet): Promise<string> => {
    const one = { ...machine(asked, image, securityGroup), SubnetId: subnet.id, MinCount: 1, MaxCount: 1 };
    const { Instances } = await waiting.made('an instance', () => ec2.runInstances(one));
    return known(Instances?.[0]?.InstanceId, 'an instance');
  };
  const instances = [await instanceIn(subnets[0]), await instanceIn(subnets[1])] as const;
  const group = await makeGroup(asked, ec2, image, made);
  const { NetworkAcls = [] } = await ec2.describeNetworkAcls({ Filters: [{ Name: 'vpc-id', Values: [vpc] }] });
  return { ...made, ...group, acl: known(NetworkAcls[0]?.NetworkAclId, 'a network ACL'), instances };
}

function tagged(id: string): (...types: NonNullable<TagSpecification['ResourceType']>[]) => TagSpecification[] {
  const Tags = [
    { Key: SANDBOX, Value: id },
    { Key: 'Name', Value: nameOf(id) },
  ];
  return (...types) => types.map((ResourceType) => ({ ResourceType, Tags }));
}

/** What AWS tells of what it has made. */
function known<Value>(value: Value | undefined, what: string): Value {
  if (value === undefined) throw new Error(`AWS does not say that it has made ${what}`);
  return value;
}

/** Two zones of the region that have such instances. */
async function twoZones(ec2: EC2): Promise<readonly [string, string]> {
  const { InstanceTypeOfferings = [] } = await ec2.describeInstanceTypeOfferings({
    LocationType: 'availability-zone',
    Filters: [{ Name: 'instance-type', Values: [TYPE] }],
  });
  const offering = new Set(InstanceTypeOfferings.map(({ Location }) => Location));
  const { AvailabilityZones = [] } = await ec2.describeAvailabilityZones({
    Filters: [{ Name: 'state', Values: ['available'] }],
  });
  const [first, second] = AvailabilityZones.flatMap(({ ZoneName, OptInStatus = 'opt-in-not-required' }) =>
    ZoneName !== undefined && OptInStatus === 'opt-in-not-required' && offering.has(ZoneName) ? [ZoneName] : [],
  ).toSorted();
  if (first === undefined || second === undefined)
    throw new Error(`there are not two zones here that have ${TYPE}: choose another region`);
  return [first, second];
}

async function newestImage(ec2: EC2): Promise<string> {
  const { Images = [] } = await ec2.describeImages({
    Owners: ['amazon'],
    Filters: [
      { Name: 'name', Values: [IMAGE] },
      { Name: 'state', Values: ['available'] },
    ],
  });
  const [newest] = Images.toSorted((a, b) => Date.parse(b.CreationDate ?? '') - Date.parse(a.CreationDate ?? ''));
  if (newest?.ImageId === undefined) throw new Error(`Amazon has no image ${IMAGE} here: choose another region`);
  return newest.ImageId;
}

/** A way to Systems Manager, and nothing that lets anybody in: their security group does not. */
async function openOutwards({ id, waiting }: Asked, ec2: EC2, vpc: string, subnets: readonly Subnet[]): Promise<void> {
  const { InternetGateway } = await ec2.createInternetGateway({ TagSpecifications: tagged(id)('internet-gateway') });
  const GatewayId = known(InternetGateway?.InternetGatewayId, 'a gateway');
  const attached = { InternetGatewayId: GatewayId, VpcId: vpc };
  await waiting.made('a way out', () => ec2.attachInternetGateway(attached));
  const { RouteTables = [] } = await ec2.describeRouteTables({ Filters: [{ Name: 'vpc-id', Values: [vpc] }] });
  const RouteTableId = known(RouteTables[0]?.RouteTableId, 'a route table');
  const outwards = { RouteTableId, DestinationCidrBlock: '0.0.0.0/0', GatewayId };
  await waiting.made('a route', () => ec2.createRoute(outwards));
  const addressed = { MapPublicIpOnLaunch: { Value: true } };
  for (const { id: SubnetId } of subnets)
    await waiting.made('public addresses', () => ec2.modifySubnetAttribute({ SubnetId, ...addressed }));
}

function machine({ id, profile }: Asked, ImageId: string, securityGroup: string) {
  return {
    ImageId,
    InstanceType: TYPE,
    SecurityGroupIds: [securityGroup],
    MetadataOptions: { HttpTokens: 'required' as const },
    // Burdens on a processor are not to be paid for.
    CreditSpecification: { CpuCredits: 'standard' },
    TagSpecifications: tagged(id)('instance', 'volume', 'network-interface'),
    ...(profile === undefined ? {} : { IamInstanceProfile: { Name: profile } }),
  } satisfies RequestLaunchTemplateData;
}

async function makeGroup(
  asked: Asked,
  ec2: EC2,
  image: string,
  { securityGroup, subnets }: Pick<Place, 'securityGroup' | 'subnets'>,
): Promise<Pick<Place, 'group' | 'groupTarget'>> {
  const { id, clients, waiting } = asked;
  const name = nameOf(id);
  waiting.signal.throwIfAborted();
  const template = { LaunchTemplateName: name, TagSpecifications: tagged(id)('launch-template') };
  await ec2.createLaunchTemplate({ ...template, LaunchTemplateData: machine(asked, image, securityGroup) });
  const listed = [{ Name: 'launch-template-name', Values: [name] }];
  await waiting.until(`the launch template ${name} is listed`, async () => {
    const { LaunchTemplates = [] } = await ec2.describeLaunchTemplates({ Filters: listed });
    return LaunchTemplates.length > 0;
  });
  const autoScaling = await clients.autoScaling();
  await autoScaling.createAutoScalingGroup({
    AutoScalingGroupName: name,
    LaunchTemplate: { LaunchTemplateName: name, Version: '$Latest' },
    ...{ MinSize: GROUP_SIZE, MaxSize: GROUP_SIZE, DesiredCapacity: GROUP_SIZE },
    VPCZoneIdentifier: subnets.map((subnet) => subnet.id).join(','),
    Tags: [{ Key: SANDBOX, Value: id, ResourceId: name, ResourceType: 'auto-scaling-group', PropagateAtLaunch: true }],
  });
  const { AutoScalingGroups = [] } = await autoScaling.describeAutoScalingGroups({ AutoScalingGroupNames: [name] });
  const arn = known(AutoScalingGroups[0]?.AutoScalingGroupARN, 'an Auto Scaling group');
  const [, uid = ''] = /:autoScalingGroup:([^:]+):/.exec(arn) ?? [];
  return { group: name, groupTarget: awsTargetId({ region: clients.region, kind: 'group', name, uid }) };
}
