/** The way of a worker to AWS, which an outage of a zone must leave alone: NAT gateways of its routes, endpoints of its network. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import type { EC2 } from '@aws-sdk/client-ec2';
import { driver as azOutage } from '../../activities/faults/aws/az-outage.ts';
import { awsTargetId } from '../../activities/faults/aws/target.ts';
import { Account } from './account.ts';
import { known } from './account/network.ts';
import { instanceSays, Metadata } from './metadata.ts';
import { Mortal } from './mortal.ts';
import { whyNoMoto } from './moto.ts';
import { refusal } from './shim.ts';
import { Subnets } from './subnets.ts';

const [A, B] = ['eu-west-1a', 'eu-west-1b'];
const ANYWHERE = { outside: '0%', singleZone: 'allow' };

describe('the way of a worker to AWS', { skip: await whyNoMoto() }, () => {
  let account: Account;
  let ec2: EC2;
  let network: Subnets;
  let machine: Metadata | undefined;
  before(async () => {
    account = await Account.open();
    ec2 = await account.observe.ec2();
    network = await Subnets.open(account);
  });
  afterEach(async () => {
    process.env['AWS_EC2_METADATA_DISABLED'] = 'true';
    delete process.env['AWS_EC2_METADATA_SERVICE_ENDPOINT'];
    await machine?.[Symbol.asyncDispose]();
    machine = undefined;
  });
  after(() => account.close());

  /** A worker that runs on an instance of `subnet`. */
  async function runsIn(subnet: string): Promise<void> {
    const asked = { ImageId: 'ami-0123456789abcdef0', MinCount: 1, MaxCount: 1, SubnetId: subnet };
    const { Instances } = await ec2.runInstances({ ...asked, InstanceType: 't3.micro' });
    machine = await Metadata.open(instanceSays(known(Instances?.[0]?.InstanceId, 'an instance'), subnet));
    delete process.env['AWS_EC2_METADATA_DISABLED'];
    process.env['AWS_EC2_METADATA_SERVICE_ENDPOINT'] = machine.url;
  }
  const whyNot = (worker: Mortal, subnet: string): Promise<string | undefined> =>
    worker.whyNot(awsTargetId({ region: account.region, kind: 'subnet', name: subnet }), ANYWHERE);
  async function gatewayIn(subnet: string): Promise<string> {
    const { AllocationId } = await ec2.allocateAddress({ Domain: 'vpc' });
    const { NatGateway } = await ec2.createNatGateway({ SubnetId: subnet, AllocationId });
    return known(NatGateway?.NatGatewayId, 'a NAT gateway');
  }
  async function route(RouteTableId: string | undefined, NatGatewayId: string): Promise<void> {
    await ec2.createRoute({ RouteTableId, NatGatewayId, DestinationCidrBlock: '0.0.0.0/0' });
  }

  it('a subnet with the NAT gateway of its routes is refused; with that of others it is not', async () => {
    await using worker = await Mortal.open(account, azOutage);
    const [own, used, other] = [await network.subnet(A), await network.subnet(B), await network.subnet(B)];
    const [gateway] = [await gatewayIn(used), await gatewayIn(other)];
    const { RouteTable } = await ec2.createRouteTable({ VpcId: network.vpc });
    await ec2.associateRouteTable({ RouteTableId: RouteTable?.RouteTableId, SubnetId: own });
    await route(RouteTable?.RouteTableId, gateway);
    await runsIn(own);
    assert.equal(
      await whyNot(worker, used),
      `this worker might not reach AWS any more, to take it back: NAT gateway ${gateway} is in it, which this worker's ${own} goes through; run the worker in another network`,
    );
    assert.equal(await whyNot(worker, other), undefined);

    for (const action of ['DescribeRouteTables', 'DescribeNatGateways', 'DescribeVpcEndpoints']) {
      const allowed = worker.shim.before(`ec2:${action}`, (call) =>
        refusal(call, 'UnauthorizedOperation', 'You are not authorized.', 403),
      );
      assert.match((await whyNot(worker, other)) ?? '', new RegExp(`may not ask for ec2:${action}`));
      allowed();
    }
    const telling = async (action: string, from: RegExp): Promise<string | undefined> => {
      const back = worker.shim.after(`ec2:${action}`, (_call, answer) => ({
        ...answer,
        body: answer.body.replaceAll(from, ''),
      }));
      const found = await whyNot(worker, other);
      back();
      return found;
    };
    const unplaced = await telling('DescribeNatGateways', /<subnetId>[^<]*<\/subnetId>/g);
    assert.match(unplaced ?? '', new RegExp(`does not say in which subnet NAT gateway ${gateway} is`));
    const unrouted = await telling('DescribeRouteTables', /<item>.*<\/item>/gs);
    assert.match(unrouted ?? '', new RegExp(`does not say which routes this worker's subnet ${own} has`));
  });

  it('a subnet with the instance, or the transit gateway, of its routes is refused', async () => {
    await using worker = await Mortal.open(account, azOutage);
    const there = await Subnets.open(account);
    const [own, used, other] = [await there.subnet(A), await there.subnet(B), await there.subnet(B)];
    const { NetworkInterface } = await ec2.createNetworkInterface({ SubnetId: used });
    const { RouteTable } = await ec2.createRouteTable({ VpcId: there.vpc });
    const RouteTableId = RouteTable?.RouteTableId;
    await ec2.associateRouteTable({ RouteTableId, SubnetId: own });
    const { NetworkInterfaceId = '' } = NetworkInterface ?? {};
    await ec2.createRoute({ RouteTableId, NetworkInterfaceId, DestinationCidrBlock: '0.0.0.0/0' });
    await runsIn(own);
    const words = `network interface ${NetworkInterfaceId} is in it, which this worker's ${own} goes through`;
    assert.ok((await whyNot(worker, used))?.includes(words));
    assert.equal(await whyNot(worker, other), undefined);
    const unseen = worker.shim.after('ec2:DescribeNetworkInterfaces', (_call, answer) => ({
      ...answer,
      body: answer.body.replaceAll(/<item>.*<\/item>/gs, ''),
    }));
    assert.match((await whyNot(worker, other)) ?? '', /does not say in which subnet network interface eni-/);
    unseen();

    // moto attaches a transit gateway without an interface of its own: this one is told to be its.
    worker.shim.after('ec2:DescribeRouteTables', (_call, answer) => ({
      ...answer,
      body: answer.body.replaceAll(
        `<networkInterfaceId>${NetworkInterfaceId}</networkInterfaceId>`,
        '<transitGatewayId>tgw-0123456789abcdef0</transitGatewayId>',
      ),
    }));
    let asked: unknown;
    worker.shim.before('ec2:DescribeNetworkInterfaces', (call) => {
      asked = call.params;
      const item = `<item><networkInterfaceId>${NetworkInterfaceId}</networkInterfaceId><subnetId>${used}</subnetId></item>`;
      const body = `<DescribeNetworkInterfacesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><networkInterfaceSet>${item}</networkInterfaceSet></DescribeNetworkInterfacesResponse>`;
      return { status: 200, headers: { 'content-type': 'text/xml' }, body };
    });
    assert.match((await whyNot(worker, used)) ?? '', /by which this worker's network goes through a transit gateway/);
    assert.match(JSON.stringify(asked), /interface-type.*transit_gateway/s);
    assert.equal(await whyNot(worker, other), undefined);
  });

  it('where a subnet has no routes of its own, those of its network are looked at', async () => {
    await using worker = await Mortal.open(account, azOutage);
    const [own, used] = [await network.subnet(A), await network.subnet(B)];
    const Filters = [
      { Name: 'vpc-id', Values: [network.vpc] },
      { Name: 'association.main', Values: ['true'] },
    ];
    const { RouteTables } = await ec2.describeRouteTables({ Filters });
    await route(RouteTables?.[0]?.RouteTableId, await gatewayIn(used));
    await runsIn(own);
    assert.match((await whyNot(worker, used)) ?? '', /NAT gateway nat-\S+ is in it/);
  });

  it('a subnet with an endpoint of its network is refused; of another network it is not', async () => {
    await using worker = await Mortal.open(account, azOutage);
    const [there, elsewhere] = [await Subnets.open(account), await Subnets.open(account)];
    const [own, used, other] = [await there.subnet(A), await there.subnet(B), await elsewhere.subnet(B)];
    const ServiceName = `com.amazonaws.${account.region}.ec2`;
    for (const [VpcId, subnet] of [
      [there.vpc, used],
      [elsewhere.vpc, other],
    ] as const)
      await ec2.createVpcEndpoint({ VpcId, ServiceName, VpcEndpointType: 'Interface', SubnetIds: [subnet] });
    await runsIn(own);
    assert.match((await whyNot(worker, used)) ?? '', /endpoint vpce-\S+ of com\.amazonaws\.eu-west-1\.ec2, in this/);
    assert.equal(await whyNot(worker, other), undefined);
  });

  it('is asked for once, however many subnets there are, and not at all from elsewhere', async () => {
    await using worker = await Mortal.open(account, azOutage);
    const there = await Subnets.open(account);
    const own = await there.subnet(A);
    const names = [await there.subnet(B), await there.subnet(B), await there.subnet(B)];
    const targets = names.map((name) => awsTargetId({ region: account.region, kind: 'subnet', name }));
    const looked = async (): Promise<number> => {
      const before = worker.shim.callsOf('ec2:DescribeRouteTables').length;
      const unfit = await worker.driver.unfit?.(targets, worker.driver.params.parse(ANYWHERE));
      assert.equal(unfit?.size, 0);
      return worker.shim.callsOf('ec2:DescribeRouteTables').length - before;
    };
    assert.equal(await looked(), 0);
    await runsIn(own);
    assert.equal(await looked(), 1);
  });
});
