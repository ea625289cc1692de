/** Instances, Auto Scaling groups and target groups of a lab. */
import type { EC2 } from '@aws-sdk/client-ec2';
import type { ElasticLoadBalancingV2 } from '@aws-sdk/client-elastic-load-balancing-v2';
import type { RegionClients } from '../../../activities/aws/cloud.ts';
import { known, pairs, subnetOf, zonesOf } from './network.ts';
import type { Network } from './network.ts';

const IMAGE = 'ami-0123456789abcdef0';
const TYPE = 't3.micro';

export interface InstanceOptions {
  /** Default: the first. */
  readonly zone?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly spot?: boolean;
}

export async function makeInstance(
  ec2: EC2,
  network: Network,
  { zone, tags = {}, spot = false }: InstanceOptions,
): Promise<string> {
  const { Instances } = await ec2.runInstances({
    ImageId: IMAGE,
    InstanceType: TYPE,
    MinCount: 1,
    MaxCount: 1,
    SubnetId: subnetOf(network, zone),
    SecurityGroupIds: [network.securityGroup],
    TagSpecifications: [{ ResourceType: 'instance', Tags: pairs({ Name: 'lab', ...tags }) }],
    ...(spot ? { InstanceMarketOptions: { MarketType: 'spot' } } : {}),
  });
  return known(Instances?.[0]?.InstanceId, 'an instance');
}

/** An Auto Scaling group. */
export interface Group {
  readonly name: string;
  readonly arn: string;
  /** As of its beginning. */
  readonly instances: readonly string[];
}

interface GroupOptions {
  readonly name: string;
  readonly size: number;
  readonly zones?: readonly string[];
  readonly tags: Readonly<Record<string, string>>;
}

export async function makeGroup(clients: RegionClients, network: Network, options: GroupOptions): Promise<Group> {
  const { name, size, zones = zonesOf(network), tags } = options;
  const [ec2, autoScaling] = [await clients.ec2(), await clients.autoScaling()];
  await ec2.createLaunchTemplate({
    LaunchTemplateName: name,
    LaunchTemplateData: { ImageId: IMAGE, InstanceType: TYPE, SecurityGroupIds: [network.securityGroup] },
  });
  await autoScaling.createAutoScalingGroup({
    AutoScalingGroupName: name,
    LaunchTemplate: { LaunchTemplateName: name, Version: '$Latest' },
    MinSize: Math.min(1, size),
    MaxSize: size * 2,
    DesiredCapacity: size,
    VPCZoneIdentifier: zones.map((zone) => subnetOf(network, zone)).join(','),
    Tags: pairs(tags).map((tag) => ({
      ...tag,
      ResourceId: name,
      ResourceType: 'auto-scaling-group',
      PropagateAtLaunch: false,
    })),
  });
  const { AutoScalingGroups } = await autoScaling.describeAutoScalingGroups({ AutoScalingGroupNames: [name] });
  const { AutoScalingGroupARN, Instances = [] } = known(AutoScalingGroups?.[0], 'the group that it made');
  const instances = Instances.map(({ InstanceId }) => known(InstanceId, 'an id'));
  return { name, arn: known(AutoScalingGroupARN, 'an ARN'), instances };
}

export async function makeTargetGroup(
  loadBalancing: ElasticLoadBalancingV2,
  { vpc }: Network,
  name: string,
  instances: readonly string[],
): Promise<string> {
  const { TargetGroups } = await loadBalancing.createTargetGroup({
    Name: name,
    Protocol: 'HTTP',
    Port: 80,
    VpcId: vpc,
  });
  const arn = known(TargetGroups?.[0]?.TargetGroupArn, 'a target group');
  if (instances.length > 0)
    await loadBalancing.registerTargets({ TargetGroupArn: arn, Targets: instances.map((Id) => ({ Id })) });
  return arn;
}
