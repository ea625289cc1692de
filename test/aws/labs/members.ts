/** Instances of Auto Scaling groups as they are, past the shim. */
import type { RegionClients } from '../../../activities/aws/cloud.ts';

/** `running`; `gone` where nobody knows it any more. */
export async function stateOf(id: string, { ec2 }: RegionClients): Promise<string> {
  const { Reservations } = await (await ec2()).describeInstances({ Filters: [{ Name: 'instance-id', Values: [id] }] });
  return Reservations?.[0]?.Instances?.[0]?.State?.Name ?? 'gone';
}

/** The tags of an instance. */
export async function tagsOf(id: string, { ec2 }: RegionClients): Promise<Record<string, string>> {
  const { Reservations } = await (await ec2()).describeInstances({ Filters: [{ Name: 'instance-id', Values: [id] }] });
  const tags = Reservations?.[0]?.Instances?.[0]?.Tags ?? [];
  return Object.fromEntries(tags.map(({ Key = '', Value = '' }) => [Key, Value]));
}

async function groupNamed(name: string, { autoScaling }: RegionClients) {
  const { AutoScalingGroups } = await (
    await autoScaling()
  ).describeAutoScalingGroups({ AutoScalingGroupNames: [name] });
  return AutoScalingGroups?.[0];
}

/** The processes of a group that are suspended, by their names' order. */
export async function suspendedOf(name: string, clients: RegionClients): Promise<string[]> {
  const { SuspendedProcesses = [] } = (await groupNamed(name, clients)) ?? {};
  return SuspendedProcesses.map(({ ProcessName = '' }) => ProcessName).toSorted();
}

/** The instances of a group that are in service. */
export async function servingIn(name: string, clients: RegionClients): Promise<string[]> {
  const { Instances = [] } = (await groupNamed(name, clients)) ?? {};
  return Instances.flatMap(({ InstanceId = '', LifecycleState }) =>
    LifecycleState === 'InService' ? [InstanceId] : [],
  );
}

/** The tags of a group. */
export async function groupTags(name: string, clients: RegionClients): Promise<Record<string, string>> {
  const { Tags = [] } = (await groupNamed(name, clients)) ?? {};
  return Object.fromEntries(Tags.map(({ Key = '', Value = '' }) => [Key, Value]));
}
