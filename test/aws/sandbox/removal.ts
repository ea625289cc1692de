/**
 * The end of a sandbox: all that bears its tag, and whatever is in its network, whoever has made it.
 *
 * Owns what is looked for, and in which order it goes. It knows only the tag, so that it removes what nobody remembers; it must never
 * touch anything that has neither the tag nor a place in a network that has it.
 */
import { wordsOf } from '../../../activities/aws/denied.ts';
import type { RegionClients } from '../../../activities/aws/cloud.ts';
import { nameOf, SANDBOX } from './place.ts';

/** Something that is there. */
export interface Left {
  /** `instance i-0123`. */
  readonly name: string;
  /** Undefined where it goes by itself, or with another. */
  readonly remove?: () => Promise<unknown>;
}

/** How long is looked, and how often, in milliseconds. */
export interface Bounds {
  readonly patienceMs: number;
  readonly everyMs: number;
}

/** What is new may not be listed for a moment: it is gone when so many looks in a row have not seen it. */
const CALM_LOOKS = 3;

/** Removes all of it. Resolves with what is left for want of time, and why. */
export async function removeAll(
  id: string,
  clients: RegionClients,
  { patienceMs, everyMs }: Bounds,
  say: (line: string) => void,
): Promise<string[]> {
  const endsAtMs = performance.now() + patienceMs;
  const why = new Map<string, string>();
  let said = '';
  for (let calm = 0; ;) {
    let found: readonly Left[] | undefined;
    try {
      found = await listLeft(id, clients);
    } catch (error) {
      why.set('nobody can say what', wordsOf(error));
    }
    calm = found?.length === 0 ? calm + 1 : 0;
    if (calm >= CALM_LOOKS) return [];
    if (performance.now() > endsAtMs)
      return (found?.map(({ name }) => name) ?? ['nobody can say what']).map(
        (name) => `${name}: ${why.get(name) ?? 'it goes by itself'}`,
      );
    const words = countsOf(found ?? []);
    if (words !== said && words !== '') say(`removing ${words}`);
    said = words;
    for (const { name, remove } of found ?? [])
      await remove?.().catch((error: unknown) => void why.set(name, wordsOf(error)));
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

function countsOf(found: readonly Left[]): string {
  const kinds = Map.groupBy(found, ({ name }) => name.split(' ')[0] ?? name);
  return [...kinds].map(([kind, some]) => `${some.length} ${kind}`).join(', ');
}

/** All of it, in the order in which it can go. */
export async function listLeft(id: string, clients: RegionClients): Promise<Left[]> {
  const ec2 = await clients.ec2();
  const Filters = [{ Name: `tag:${SANDBOX}`, Values: [id] }];
  const { Vpcs = [] } = await ec2.describeVpcs({ Filters });
  const networks = Vpcs.flatMap(({ VpcId }) => VpcId ?? []);
  const inside = networks.length > 0 ? [Filters, [{ Name: 'vpc-id', Values: networks }]] : [Filters];
  const listed = await Promise.all([
    groups(id, clients),
    templates(clients, Filters),
    each(inside, (some) => instances(clients, some)),
    volumes(clients, Filters),
    each(inside, (some) => interfaces(clients, some)),
    each(inside, (some) => securityGroups(clients, some)),
    each(inside, (some) => subnets(clients, some)),
    each(inside, (some) => acls(clients, some)),
    gateways(clients, Filters, networks),
  ]);
  const vpcs = networks.map((VpcId) => ({ name: `network ${VpcId}`, remove: () => ec2.deleteVpc({ VpcId }) }));
  return [...listed.flat(), ...vpcs];
}

type Filters = { readonly Name: string; readonly Values: string[] }[];

/** By the tag, and by the network; each once. */
async function each(by: readonly Filters[], list: (filters: Filters) => Promise<Left[]>): Promise<Left[]> {
  const found = (await Promise.all(by.map(list))).flat();
  return [...new Map(found.map((one) => [one.name, one])).values()];
}

/** By its name, which it has of its id. */
async function groups(id: string, { autoScaling }: RegionClients): Promise<Left[]> {
  const client = await autoScaling();
  const { AutoScalingGroups = [] } = await client.describeAutoScalingGroups({ AutoScalingGroupNames: [nameOf(id)] });
  const ours = AutoScalingGroups.filter(({ Tags = [] }) =>
    Tags.some(({ Key, Value }) => Key === SANDBOX && Value === id),
  );
  return ours.map(({ AutoScalingGroupName, Status }) => ({
    name: `group ${AutoScalingGroupName ?? ''}`,
    // Where it has one, it is being deleted.
    ...(Status === undefined && {
      remove: () => client.deleteAutoScalingGroup({ AutoScalingGroupName, ForceDelete: true }),
    }),
  }));
}

async function templates({ ec2 }: RegionClients, filters: Filters): Promise<Left[]> {
  const client = await ec2();
  const { LaunchTemplates = [] } = await client.describeLaunchTemplates({ Filters: filters });
  return LaunchTemplates.map(({ LaunchTemplateId }) => ({
    name: `launch-template ${LaunchTemplateId ?? ''}`,
    remove: () => client.deleteLaunchTemplate({ LaunchTemplateId }),
  }));
}

async function instances({ ec2 }: RegionClients, filters: Filters): Promise<Left[]> {
  const client = await ec2();
  const { Reservations = [] } = await client.describeInstances({ Filters: filters });
  return Reservations.flatMap(({ Instances = [] }) => Instances).flatMap(({ InstanceId = '', State }): Left[] => {
    const name = `instance ${InstanceId}`;
    if (State?.Name === 'terminated') return [];
    if (State?.Name === 'shutting-down') return [{ name }];
    return [{ name, remove: () => client.terminateInstances({ InstanceIds: [InstanceId] }) }];
  });
}

async function volumes({ ec2 }: RegionClients, filters: Filters): Promise<Left[]> {
  const client = await ec2();
  const { Volumes = [] } = await client.describeVolumes({ Filters: filters });
  return Volumes.map(({ VolumeId, State }) => ({
    name: `volume ${VolumeId ?? ''}`,
    // The others go with their instance.
    ...(State === 'available' && { remove: () => client.deleteVolume({ VolumeId }) }),
  }));
}

async function interfaces({ ec2 }: RegionClients, filters: Filters): Promise<Left[]> {
  const client = await ec2();
  const { NetworkInterfaces = [] } = await client.describeNetworkInterfaces({ Filters: filters });
  return NetworkInterfaces.map(({ NetworkInterfaceId, Status }) => ({
    name: `interface ${NetworkInterfaceId ?? ''}`,
    ...(Status === 'available' && { remove: () => client.deleteNetworkInterface({ NetworkInterfaceId }) }),
  }));
}

/** The one that a network has from the beginning goes with it, and so do its ACL and its route table. */
async function securityGroups({ ec2 }: RegionClients, filters: Filters): Promise<Left[]> {
  const client = await ec2();
  const { SecurityGroups = [] } = await client.describeSecurityGroups({ Filters: filters });
  const others = SecurityGroups.filter(({ GroupName }) => GroupName !== 'default');
  return others.map(({ GroupId }) => ({
    name: `security-group ${GroupId ?? ''}`,
    remove: () => client.deleteSecurityGroup({ GroupId }),
  }));
}

async function subnets({ ec2 }: RegionClients, filters: Filters): Promise<Left[]> {
  const client = await ec2();
  const { Subnets = [] } = await client.describeSubnets({ Filters: filters });
  return Subnets.map(({ SubnetId }) => ({
    name: `subnet ${SubnetId ?? ''}`,
    remove: () => client.deleteSubnet({ SubnetId }),
  }));
}

async function acls({ ec2 }: RegionClients, filters: Filters): Promise<Left[]> {
  const client = await ec2();
  const { NetworkAcls = [] } = await client.describeNetworkAcls({ Filters: filters });
  const others = NetworkAcls.filter(({ IsDefault }) => IsDefault !== true);
  return others.map(({ NetworkAclId }) => ({
    name: `network-acl ${NetworkAclId ?? ''}`,
    remove: () => client.deleteNetworkAcl({ NetworkAclId }),
  }));
}

async function gateways({ ec2 }: RegionClients, filters: Filters, networks: readonly string[]): Promise<Left[]> {
  const client = await ec2();
  const { InternetGateways = [] } = await client.describeInternetGateways({ Filters: filters });
  return InternetGateways.map(({ InternetGatewayId, Attachments = [] }) => ({
    name: `gateway ${InternetGatewayId ?? ''}`,
    async remove() {
      for (const { VpcId = '' } of Attachments)
        if (networks.includes(VpcId)) await client.detachInternetGateway({ InternetGatewayId, VpcId });
      await client.deleteInternetGateway({ InternetGatewayId });
    },
  }));
}
