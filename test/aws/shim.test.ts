import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { cloudOf } from '../../activities/aws/cloud.ts';
import type { RegionClients } from '../../activities/aws/cloud.ts';
import { until } from '../until.ts';
import { Account } from './account.ts';
import { whyNoMoto } from './moto.ts';
import { CUT, refusal, Shim } from './shim.ts';
import type { Happening, Rough } from './shim.ts';
import { refused, tryingOnce } from './trying-once.ts';

const SKIP = await whyNoMoto();
/** Much longer than anything takes here that is not slowed down. */
const TIMEOUT_MS = 2_000;

void describe('the shim before moto', { skip: SKIP, concurrency: 1 }, () => {
  let account: Account;
  const shims: Shim[] = [];

  before(async () => {
    account = await Account.open();
  });
  after(async () => {
    for (const shim of shims) await shim.close();
    await account.close();
  });

  /** A shim of its own to the same account, and clients of it, which try everything once. */
  async function rough(options: Rough & { seed?: number }): Promise<{ shim: Shim; clients: RegionClients }> {
    const { seed = 1, ...settings } = { requestTimeout: TIMEOUT_MS, ...options };
    const shim = await Shim.open({ to: account.moto.url, seed, rough: settings });
    shims.push(shim);
    return { shim, clients: tryingOnce({ ...account.settings, requestTimeout: TIMEOUT_MS, endpoint: shim.url }) };
  }

  const always = (only: Happening): Rough => ({ rate: 1, only: [only], inARow: 1_000 });
  const stateOf = async (id: string): Promise<string | undefined> => {
    const { Reservations } = await (await account.observe.ec2()).describeInstances({ InstanceIds: [id] });
    return Reservations?.[0]?.Instances?.[0]?.State?.Name;
  };

  test('writes down what is asked, as IAM names it', async () => {
    const clients = cloudOf(account.settings).region(account.region);
    const instance = await account.instance();
    await (await clients.ec2()).stopInstances({ InstanceIds: [instance] });
    await (await clients.autoScaling()).describeAutoScalingGroups({});
    await (await clients.loadBalancing()).describeTargetGroups({});
    await (await clients.rds()).describeDBClusters({});
    await (await clients.elastiCache()).describeReplicationGroups({});
    await (await clients.ssm()).describeInstanceInformation({});
    await (await clients.sts()).getCallerIdentity({});
    await (await clients.cloudWatch()).describeAlarms({});
    const fis = await clients.fis();
    const template = await account.template();
    const { experiment } = await fis.startExperiment({ experimentTemplateId: template });
    await fis.getExperiment({ id: experiment?.id });
    await fis.listExperiments({});
    await fis.stopExperiment({ id: experiment?.id });
    assert.deepEqual(account.shim.asked, [
      'autoscaling:DescribeAutoScalingGroups',
      'cloudwatch:DescribeAlarms',
      'ec2:StopInstances',
      'elasticache:DescribeReplicationGroups',
      'elasticloadbalancing:DescribeTargetGroups',
      'fis:GetExperiment',
      'fis:ListExperiments',
      'fis:StartExperiment',
      'fis:StopExperiment',
      'rds:DescribeDBClusters',
      'ssm:DescribeInstanceInformation',
      'sts:GetCallerIdentity',
    ]);
    const [call] = account.shim.callsOf('ec2:StopInstances');
    assert.equal(call?.region, account.region);
    assert.deepEqual(call?.params, { 'InstanceId.1': instance });
    assert.deepEqual([...new Set(account.shim.log.map(({ status }) => status))], [200]);
  });

  test('too many requests and errors are said as each service says them', async () => {
    const said = async (only: Happening): Promise<unknown[]> => {
      const { clients } = await rough(always(only));
      return Promise.all([
        refused((await clients.ec2()).describeVpcs({})),
        refused((await clients.rds()).describeDBClusters({})),
        refused((await clients.ssm()).describeInstanceInformation({})),
        refused((await clients.cloudWatch()).describeAlarms({})),
        refused((await clients.fis()).listExperiments({})),
      ]);
    };
    const [form, json] = ['Throttling 400', 'ThrottlingException 400'];
    assert.deepEqual(await said('throttled'), [
      'RequestLimitExceeded 503',
      form,
      json,
      json,
      'ThrottlingException 429',
    ]);
    const failure = 'InternalFailure 500';
    assert.deepEqual(await said('internal-error'), ['InternalError 500', failure, failure, failure, failure]);
    const unavailable = 'ServiceUnavailable 503';
    assert.deepEqual(await said('unavailable'), ['Unavailable 503', ...Array<string>(4).fill(unavailable)]);
  });

  for (const [happening, heard, left] of [
    ['throttled', /^RequestLimitExceeded 503$/, 'running'],
    ['internal-error', /^InternalError 500$/, 'running'],
    ['unavailable', /^Unavailable 503$/, 'running'],
    ['cut-before', /^(?:Error|TimeoutError) -$/, 'running'],
    ['error-after', /^InternalError 500$/, 'stopped'],
    ['lost', /^(?:Error|TimeoutError) -$/, 'stopped'],
    ['too-slow', /^TimeoutError -$/, 'stopped'],
    ['slow', /^nothing$/, 'stopped'],
  ] as const)
    test(`${happening}: a stop that is heard so leaves it ${left}`, async () => {
      const { clients, shim } = await rough(always(happening));
      const instance = await account.instance();
      const ec2 = await clients.ec2();
      const startedAtMs = performance.now();
      assert.match(await refused(ec2.stopInstances({ InstanceIds: [instance] })), heard);
      if (happening === 'slow') assert.ok(performance.now() - startedAtMs >= 0.2 * TIMEOUT_MS);
      await until(async () => (await stateOf(instance)) === left);
      assert.deepEqual(shim.log[0]?.happenings, [happening]);
    });

  test('there is no capacity to start on, and only for that', async () => {
    const { clients } = await rough(always('no-capacity'));
    const instance = await account.instance();
    const ec2 = await clients.ec2();
    await ec2.stopInstances({ InstanceIds: [instance] });
    const dry = { InstanceIds: [instance], DryRun: true };
    assert.equal(await refused(ec2.startInstances(dry)), 'DryRunOperation 412');
    assert.equal(await refused(ec2.startInstances({ InstanceIds: [instance] })), 'InsufficientInstanceCapacity 500');
    assert.equal(await stateOf(instance), 'stopped');
  });

  test('a change is told late, and told in the end', async () => {
    const { clients, shim } = await rough({ ...always('stale'), lagMs: 5_000 });
    const instance = await account.instance();
    const ec2 = await clients.ec2();
    const tagged = async (): Promise<boolean> => {
      const { Tags } = await ec2.describeTags({ Filters: [{ Name: 'resource-id', Values: [instance] }] });
      return Tags?.some(({ Key }) => Key === 'late') ?? false;
    };
    assert.equal(await tagged(), false);
    await ec2.createTags({ Resources: [instance], Tags: [{ Key: 'late', Value: '1' }] });
    await until(tagged);
    assert.ok(shim.log.some(({ happenings }) => happenings.includes('stale')));
  });

  test('what is new is not there at first, neither by its id nor in a list', async () => {
    const { clients } = await rough({ ...always('unseen'), lagMs: 5_000 });
    const ec2 = await clients.ec2();
    const { NetworkAcl } = await ec2.createNetworkAcl({ VpcId: account.network.vpc });
    const id = NetworkAcl?.NetworkAclId ?? '';
    const listed = async (): Promise<boolean> => {
      const { NetworkAcls } = await ec2.describeNetworkAcls({});
      return NetworkAcls?.some(({ NetworkAclId }) => NetworkAclId === id) ?? false;
    };
    assert.equal(await listed(), false);
    assert.equal(await refused(ec2.describeNetworkAcls({ NetworkAclIds: [id] })), 'InvalidNetworkAclID.NotFound 400');
    assert.equal(await refused(ec2.deleteNetworkAcl({ NetworkAclId: id })), 'InvalidNetworkAclID.NotFound 400');
    await until(listed);
    await ec2.deleteNetworkAcl({ NetworkAclId: id });
  });

  test('an instance is on its way for a moment, and cannot be turned round', async () => {
    const { clients } = await rough({ ...always('in-transit'), transitMs: 4_000 });
    const [ec2, instance] = [await clients.ec2(), await account.instance()];
    const InstanceIds = [instance];
    const told = async (states?: string[]): Promise<string | undefined> => {
      const { Reservations } = await ec2.describeInstances({
        Filters: [
          { Name: 'instance-id', Values: InstanceIds },
          ...(states === undefined ? [] : [{ Name: 'instance-state-name', Values: states }]),
        ],
      });
      return Reservations?.[0]?.Instances?.[0]?.State?.Name;
    };
    await ec2.stopInstances({ InstanceIds });
    assert.equal(await told(), 'stopping');
    assert.deepEqual([await told(['stopping']), await told(['stopped', 'running'])], ['stopping', undefined]);
    assert.equal(await refused(ec2.startInstances({ InstanceIds })), 'IncorrectInstanceState 400');
    await until(async () => (await told()) === 'stopped');
    await ec2.startInstances({ InstanceIds });
    assert.equal(await told(), 'pending');
    const status = await ec2.describeInstanceStatus({ InstanceIds, IncludeAllInstances: true });
    assert.equal(status.InstanceStatuses?.[0]?.SystemStatus?.Status, 'initializing');
    assert.deepEqual((await ec2.describeInstanceStatus({ InstanceIds })).InstanceStatuses, []);
    await until(async () => (await told()) === 'running');
    await ec2.terminateInstances({ InstanceIds });
    assert.equal(await told(), 'shutting-down');
    await until(async () => (await told()) === 'terminated');
  });

  test('after some in a row for the same thing, one passes', async () => {
    const { clients } = await rough({ rate: 1, only: ['throttled', 'lost'], inARow: 3 });
    const ec2 = await clients.ec2();
    const heard: boolean[] = [];
    for (let i = 0; i < 8; i += 1) heard.push((await refused(ec2.describeVpcs({}))) === 'nothing');
    assert.deepEqual(heard, [false, false, false, true, false, false, false, true]);
  });

  test('what happens is the same for the same seed', async () => {
    const drawn = async (seed: number): Promise<string> => {
      const { clients, shim } = await rough({ seed, rate: 0.5, only: ['throttled', 'internal-error', 'cut-before'] });
      const ec2 = await clients.ec2();
      for (let i = 0; i < 20; i += 1) await refused(ec2.describeVpcs({}));
      return shim.log.map(({ happenings }) => happenings.join('+')).join(' ');
    };
    const [first, again, other] = [await drawn(7), await drawn(7), await drawn(8)];
    assert.equal(first, again);
    assert.notEqual(first, other);
  });

  test('an SDK that tries again gets through the default roughness', async () => {
    const { shim, settings } = await account.another(3);
    shims.push(shim);
    const ec2 = await cloudOf(settings).region(account.region).ec2();
    let through = 0;
    for (let i = 0; i < 20; i += 1) if ((await refused(ec2.describeVpcs({}))) === 'nothing') through += 1;
    assert.ok(through >= 15, `${through} of 20`);
    assert.ok(shim.log.some(({ happenings }) => happenings.length > 0));
  });

  test('a hook holds a call, fails one, answers in its place, and changes or cuts what was answered', async () => {
    const shim = await Shim.open({ to: account.moto.url });
    shims.push(shim);
    const ec2 = await tryingOnce({ ...account.settings, endpoint: shim.url }).ec2();
    const instance = await account.instance();
    const stop = { InstanceIds: [instance] };

    const held = Promise.withResolvers<undefined>();
    const unhold = shim.before('ec2:StopInstances', () => held.promise);
    const stopping = ec2.stopInstances(stop);
    await until(() => shim.log.length === 1);
    assert.equal(await stateOf(instance), 'running');
    held.resolve(undefined);
    await stopping;
    assert.equal(await stateOf(instance), 'stopped');
    unhold();

    let failed = false;
    shim.before('ec2:StartInstances', (call) => {
      if (failed) return undefined;
      failed = true;
      return refusal(call, 'UnauthorizedOperation', 'You are not.', 403);
    });
    assert.equal(await refused(ec2.startInstances(stop)), 'UnauthorizedOperation 403');
    const cut = shim.after('ec2:StartInstances', () => CUT);
    assert.match(await refused(ec2.startInstances(stop)), / -$/);
    assert.equal(await stateOf(instance), 'running');
    cut();

    shim.after('ec2:DescribeVpcs', (_, answer) => ({
      ...answer,
      body: answer.body.replaceAll('10.0.0.0/16', '10.9.0.0/16'),
    }));
    const { Vpcs } = await ec2.describeVpcs({ VpcIds: [account.network.vpc] });
    assert.equal(Vpcs?.[0]?.CidrBlock, '10.9.0.0/16');
  });
});
