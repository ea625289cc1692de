/**
 * The way that this worker's requests take to AWS: the NAT gateways of its subnets' routes, and the endpoints of its network.
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
  for (const [subnet, words] of await gatewaysOf(networks, vpcs, clients)) way.set(subnet, words);
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
  Routes: z.array(z.object({ NatGatewayId: z.string().optional(), State: z.string().optional() })).default([]),
});
type Table = z.output<typeof tableSchema>;

const gatewaySchema = z.object({
  NatGatewayId: z.string(),
  SubnetId: z.string().optional(),
  AvailabilityMode: z.string().optional(),
});

/** The NAT gateways that the routes of these subnets name. */
async function gatewaysOf(
  networks: ReadonlyMap<string, string>,
  vpcs: readonly string[],
  clients: RegionClients,
): Promise<[string, string][]> {
  const tables = await tablesIn(vpcs, clients);
  const users = new Map<string, string>();
  for (const [subnet, vpc] of networks) {
    const own = tables.find(({ Associations }) => Associations.some(({ SubnetId }) => SubnetId === subnet));
    const main = tables.find(({ VpcId, Associations }) => VpcId === vpc && Associations.some(({ Main }) => Main));
    const table = own ?? main;
    if (table === undefined) throw new Nobody(`AWS does not say which routes this worker's subnet ${subnet} has`);
    // A blackhole is a route to a gateway that is gone.
    for (const { NatGatewayId, State } of table.Routes)
      if (NatGatewayId !== undefined && State !== 'blackhole') users.set(NatGatewayId, subnet);
  }
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
