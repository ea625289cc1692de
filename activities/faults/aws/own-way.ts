/**
 * The way that this worker's requests take to AWS: the NAT gateways, network interfaces and transit gateways of its subnets' routes, and the
 * endpoints of its network.
 *
 * Owns which subnets are on it: whoever cuts one of them off may be unable to take that back. What nobody can say must never be taken for
 * another way. It is the way of this worker alone: another one, or the sweep, may run elsewhere.
 */
import { z } from 'zod';
import { ownPlaces, whereabouts } from '../../aws/own.ts';
import type { RegionClients } from '../../aws/cloud.ts';
import { asked, filter, listed, read } from '../../targets/aws-pages.ts';
import { Nobody } from '../../targets/aws-selector.ts';
import { describedSubnets } from './subnets.ts';
import type { Looking } from './tagged-site.ts';

const PAGE = 100;

/** What is on the way, in words for people, by the subnet that it is in. */
export type OwnWay = ReadonlyMap<string, string>;

/** The way out of where this worker runs; empty where that is not in this region of the account. Throws {@link Nobody} where nobody can say. */
export async function ownWay({ settings, clients }: Pick<Looking, 'settings' | 'clients'>): Promise<OwnWay> {
  const place = await whereabouts(settings).catch((error: unknown) => {
    throw new Nobody(error instanceof Error ? error.message : String(error), { cause: error });
  });
  const { signal } = new AbortController();
  const own = await asked('ec2:DescribeInstances', clients.region, () => ownPlaces(clients, place, signal));
  const networks = await networksOf([...own.subnets], clients);
  const way = new Map<string, string>();
  if (networks.size === 0) return way;
  const vpcs = [...new Set(networks.values())];
  for (const [subnet, words] of await endpointsIn(vpcs, clients)) way.set(subnet, words);
  const routes = await routesOf(networks, vpcs, clients);
  for (const [subnet, words] of await gatewaysOf(routes, clients)) way.set(subnet, words);
  for (const [subnet, words] of await interfacesOf(routes, clients)) way.set(subnet, words);
  for (const [subnet, words] of await transitsOf(routes, clients)) way.set(subnet, words);
  return way;
}

/** By subnet: its network. One that is not listed is of another region, or of another account. */
async function networksOf(ids: string[], { ec2 }: RegionClients): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  if (ids.length === 0) return found;
  for await (const { id, vpc } of describedSubnets(await ec2(), [filter('subnet-id', ...ids)])) {
    if (vpc === undefined) throw new Nobody(`AWS does not say in which network this worker's subnet ${id} is`);
    found.set(id, vpc);
  }
  return found;
}

const endpointSchema = z.object({
  VpcEndpointId: z.string(),
  VpcEndpointType: z.string().optional(),
  ServiceName: z.string().default('a service'),
  SubnetIds: z.array(z.string()).default([]),
});

/** Whatever they are of: nobody knows by which of them this worker reaches AWS, or Temporal. */
async function endpointsIn(vpcs: readonly string[], { region, ec2 }: RegionClients): Promise<[string, string][]> {
  const found: [string, string][] = [];
  const client = await ec2();
  const Filters = [filter('vpc-id', ...vpcs)];
  const items = listed('ec2:DescribeVpcEndpoints', region, async (NextToken) => {
    const page = await client.describeVpcEndpoints({ Filters, MaxResults: PAGE, NextToken });
    return { items: page.VpcEndpoints, next: page.NextToken };
  });
  for await (const item of items) {
    const { VpcEndpointId, VpcEndpointType, ServiceName, SubnetIds } = known(
      read(endpointSchema, item, 'VpcEndpointId'),
    );
    // Those are in route tables, and in no subnet.
    if (VpcEndpointType === 'Gateway') continue;
    for (const subnet of SubnetIds)
      found.push([subnet, `endpoint ${VpcEndpointId} of ${ServiceName}, in this worker's network, is in it`]);
  }
  return found;
}

const tableSchema = z.object({
  RouteTableId: z.string(),
  VpcId: z.string(),
  Associations: z.array(z.object({ SubnetId: z.string().optional(), Main: z.boolean().default(false) })).default([]),
  Routes: z
    .array(
      z.object({
        NatGatewayId: z.string().optional(),
        NetworkInterfaceId: z.string().optional(),
        InstanceId: z.string().optional(),
        TransitGatewayId: z.string().optional(),
        State: z.string().optional(),
      }),
    )
    .default([]),
});
type Table = z.output<typeof tableSchema>;

const gatewaySchema = z.object({
  NatGatewayId: z.string(),
  SubnetId: z.string().optional(),
  AvailabilityMode: z.string().optional(),
});

/** A route of one of these subnets. */
interface Route {
  readonly subnet: string;
  readonly vpc: string;
  readonly to: Table['Routes'][number];
}

async function routesOf(
  networks: ReadonlyMap<string, string>,
  vpcs: readonly string[],
  clients: RegionClients,
): Promise<Route[]> {
  const tables = await tablesIn(vpcs, clients);
  return [...networks].flatMap(([subnet, vpc]) => {
    const own = tables.find(({ Associations }) => Associations.some(({ SubnetId }) => SubnetId === subnet));
    const main = tables.find(({ VpcId, Associations }) => VpcId === vpc && Associations.some(({ Main }) => Main));
    const table = own ?? main;
    if (table === undefined) throw new Nobody(`AWS does not say which routes this worker's subnet ${subnet} has`);
    // A blackhole is a route to what is gone.
    return table.Routes.filter(({ State }) => State !== 'blackhole').map((to) => ({ subnet, vpc, to }));
  });
}

/** What they lead to, with a subnet that goes through it. */
function through(routes: readonly Route[], next: keyof Route['to']): Map<string, string> {
  return new Map(routes.flatMap(({ subnet, to }) => (to[next] === undefined ? [] : [[to[next], subnet]])));
}

/** The NAT gateways. */
async function gatewaysOf(routes: readonly Route[], clients: RegionClients): Promise<[string, string][]> {
  const users = through(routes, 'NatGatewayId');
  const places = await placesOf([...users.keys()], clients);
  return [...users].flatMap(([id, user]): [string, string][] => {
    const place = places.get(id);
    if (place === undefined)
      throw new Nobody(
        `AWS does not say in which subnet NAT gateway ${id} is, which this worker's ${user} goes through`,
      );
    return place === REGIONAL ? [] : [[place, `NAT gateway ${id} is in it, which this worker's ${user} goes through`]];
  });
}

/** The interfaces of instances and appliances. */
async function interfacesOf(routes: readonly Route[], clients: RegionClients): Promise<[string, string][]> {
  const lost = routes.find(({ to }) => to.InstanceId !== undefined && to.NetworkInterfaceId === undefined);
  if (lost)
    throw new Nobody(`AWS does not say by which interface this worker's ${lost.subnet} goes through an instance`);
  const users = through(routes, 'NetworkInterfaceId');
  if (users.size === 0) return [];
  const places = new Map(await interfaces([filter('network-interface-id', ...users.keys())], clients));
  return [...users].map(([id, user]): [string, string] => {
    const place = places.get(id);
    if (place === undefined)
      throw new Nobody(
        `AWS does not say in which subnet network interface ${id} is, which this worker's ${user} goes through`,
      );
    return [place, `network interface ${id} is in it, which this worker's ${user} goes through`];
  });
}

/** Where transit gateways are attached: nobody knows by which of these this worker goes. */
async function transitsOf(routes: readonly Route[], clients: RegionClients): Promise<[string, string][]> {
  const vpcs = new Set(routes.filter(({ to }) => to.TransitGatewayId !== undefined).map(({ vpc }) => vpc));
  if (vpcs.size === 0) return [];
  const attached = await interfaces([filter('vpc-id', ...vpcs), filter('interface-type', 'transit_gateway')], clients);
  return attached.map(([id, subnet]): [string, string] => [
    subnet,
    `network interface ${id} is in it, by which this worker's network goes through a transit gateway`,
  ]);
}

const interfaceSchema = z.object({ NetworkInterfaceId: z.string(), SubnetId: z.string() });

/** Interfaces, each with its subnet. */
async function interfaces(
  Filters: ReturnType<typeof filter>[],
  { region, ec2 }: RegionClients,
): Promise<[string, string][]> {
  const found: [string, string][] = [];
  const client = await ec2();
  const items = listed('ec2:DescribeNetworkInterfaces', region, async (NextToken) => {
    const page = await client.describeNetworkInterfaces({ Filters, MaxResults: PAGE, NextToken });
    return { items: page.NetworkInterfaces, next: page.NextToken };
  });
  for await (const item of items) {
    const { NetworkInterfaceId, SubnetId } = known(read(interfaceSchema, item, 'NetworkInterfaceId'));
    found.push([NetworkInterfaceId, SubnetId]);
  }
  return found;
}

async function tablesIn(vpcs: readonly string[], { region, ec2 }: RegionClients): Promise<Table[]> {
  const found: Table[] = [];
  const client = await ec2();
  const Filters = [filter('vpc-id', ...vpcs)];
  const items = listed('ec2:DescribeRouteTables', region, async (NextToken) => {
    const page = await client.describeRouteTables({ Filters, MaxResults: PAGE, NextToken });
    return { items: page.RouteTables, next: page.NextToken };
  });
  for await (const item of items) found.push(known(read(tableSchema, item, 'RouteTableId')));
  return found;
}

/** In no subnet: its zones are AWS's affair. */
const REGIONAL = 'regional';

/** By NAT gateway: its subnet. */
async function placesOf(ids: string[], { region, ec2 }: RegionClients): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  if (ids.length === 0) return found;
  const client = await ec2();
  const Filter = [filter('nat-gateway-id', ...ids)];
  const items = listed('ec2:DescribeNatGateways', region, async (NextToken) => {
    const page = await client.describeNatGateways({ Filter, MaxResults: PAGE, NextToken });
    return { items: page.NatGateways, next: page.NextToken };
  });
  for await (const item of items) {
    const { NatGatewayId, SubnetId, AvailabilityMode } = known(read(gatewaySchema, item, 'NatGatewayId'));
    const place = SubnetId ?? (AvailabilityMode === REGIONAL ? REGIONAL : undefined);
    if (place !== undefined) found.set(NatGatewayId, place);
  }
  return found;
}

function known<T extends object>(found: T | { readonly unreadable: string }): T {
  if (!('unreadable' in found)) return found;
  throw new Nobody(`what AWS says of ${found.unreadable} cannot be read, and nobody knows how this worker reaches AWS`);
}
