import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { driver as azOutage } from '../../activities/faults/aws/az-outage.ts';
import { ownTags } from '../../activities/faults/aws/own-tags.ts';
import { awsTargetId } from '../../activities/faults/aws/target.ts';
import type { FaultDriver } from '../../activities/faults/driver.ts';
import type { AwsSettings } from '../../activities/targets/aws-settings.ts';
import type { Fault } from '../../domain/fault.ts';
import { Account } from './account.ts';
import { whyNoMoto } from './moto.ts';
import { CUT, refusal, Shim } from './shim.ts';
import type { Call } from './shim.ts';
import { Subnets } from './subnets.ts';

const LONG_MS = 600_000;
const [A, B] = ['eu-west-1a', 'eu-west-1b'];
const ATTEMPT = { signal: new AbortController().signal, remainingMs: () => 30_000 };
const SKIP = await whyNoMoto();

if (SKIP !== false) test('aws/az-outage', { skip: SKIP }, () => undefined);
else {
  const account = await Account.open();
  after(() => account.close());
  const driver = driverOf(account.settings);
  const ec2 = await account.observe.ec2();

  const faultOn = (name: string, params: object = {}): Fault<unknown> => ({
    id: `run/${name}`,
    installation: 'lab',
    run: 'run',
    target: targetOf(name),
    params: driver.params.parse(params),
    ttlMs: LONG_MS,
    notAfterMs: LONG_MS,
  });
  const injected = async (...faults: Fault<unknown>[]): Promise<void> => {
    const outcomes = await driver.inject(faults, ATTEMPT);
    assert.deepEqual(
      outcomes.map(({ result, detail }) => detail ?? result),
      faults.map(() => 'injected'),
    );
  };
  const reverted = async (fault: Fault<unknown>): Promise<string | undefined> => {
    const [outcome] = await driver.revert([fault], ATTEMPT);
    assert.equal(outcome?.result, 'reverted', outcome?.detail);
    return outcome?.detail;
  };

  void describe('aws/az-outage', { concurrency: 6 }, () => {
    void test('one network ACL does for all subnets of a network; the last that has it deletes it', async () => {
      const network = await Subnets.open(account);
      const [first, second] = [await network.subnet(), await network.subnet()];
      await injected(faultOn(first));
      await injected(faultOn(second));
      assert.equal((await network.ours()).length, 1);
      assert.equal((await network.aclOf(second))?.isDenying, true);
      await reverted(faultOn(first));
      assert.equal((await network.ours()).length, 1, 'the other one has it still');
      assert.equal((await network.aclOf(first))?.id, network.acl);
      await reverted(faultOn(second));
      assert.deepEqual(await network.ours(), []);
    });

    void test('of two ACLs of ours either will do, and both are deleted', async () => {
      const network = await Subnets.open(account);
      const [first, second] = [await network.subnet(), await network.subnet()];
      await injected(faultOn(first));
      const more = await ec2.createNetworkAcl({
        VpcId: network.vpc,
        TagSpecifications: [{ ResourceType: 'network-acl', Tags: ownTags('lab') }],
      });
      await network.give(first, more.NetworkAcl?.NetworkAclId ?? '');
      const [renewed] = (await driver.renew?.([faultOn(first)], ATTEMPT)) ?? [];
      assert.equal(renewed?.result, 'renewed', renewed?.detail);
      await injected(faultOn(second));
      assert.equal((await network.aclOf(second))?.id, (await network.ours()).toSorted()[0]);
      for (const name of [first, second]) await reverted(faultOn(name));
      assert.deepEqual(await network.ours(), []);
    });

    void test('what somebody else has given it meanwhile is left, and told', async () => {
      const network = await Subnets.open(account);
      const name = await network.subnet();
      await injected(faultOn(name));
      const another = await network.newAcl();
      await network.give(name, another);
      const [renewed] = (await driver.renew?.([faultOn(name)], ATTEMPT)) ?? [];
      assert.deepEqual([renewed?.result, renewed?.detail], ['lapsed', 'somebody else has undone it']);
      assert.match((await reverted(faultOn(name))) ?? '', new RegExp(`${another} meanwhile, which was left`));
      assert.equal((await network.aclOf(name))?.id, another);
      assert.deepEqual(await network.ours(), []);
    });

    void test('where its own is gone it gets the one that its network has for everybody, which is told', async () => {
      const network = await Subnets.open(account);
      const name = await network.subnet();
      const own = await network.newAcl();
      await network.give(name, own);
      await injected(faultOn(name));
      await ec2.deleteNetworkAcl({ NetworkAclId: own });
      assert.match((await reverted(faultOn(name))) ?? '', new RegExp(`${own} is gone: .*default one.*${network.acl}`));
      assert.equal((await network.aclOf(name))?.id, network.acl);
    });

    void test('a subnet that comes into the zone meanwhile is not touched', async () => {
      const network = await Subnets.open(account);
      const name = await network.subnet();
      await injected(faultOn(name));
      const added = await network.subnet();
      await driver.renew?.([faultOn(name)], ATTEMPT);
      await reverted(faultOn(name));
      assert.equal((await network.aclOf(added))?.id, network.acl);
      assert.deepEqual(await network.tagsOf(added), []);
    });

    const deaths = ['CreateTags', 'CreateNetworkAcl', 'ReplaceNetworkAclAssociation'].flatMap((action) =>
      [true, false].map((isDone) => ({ action, isDone })),
    );
    for (const { action, isDone } of deaths)
      void test(`who dies ${isDone ? 'once' : 'before'} ${action} is done leaves a record, and somebody else takes it back`, async () => {
        const network = await Subnets.open(account);
        const name = await network.subnet();
        const [fault, life] = [faultOn(name), new AbortController()];
        const shim = await Shim.open({ to: account.moto.url });
        const dies = (call: Call): typeof CUT | undefined => {
          if (call.action === action) life.abort();
          return life.signal.aborted ? CUT : undefined;
        };
        if (isDone) shim.after('*', dies);
        else shim.before('*', dies);
        const dead = driverOf({ ...account.settings, endpoint: shim.url });
        await dead.inject([fault], { signal: life.signal, remainingMs: () => 30_000 });
        assert.ok(life.signal.aborted, 'it was asked for');
        await shim.close();
        const found = (await Array.fromAsync(driver.leftovers())).some((one) => one.fault.id === fault.id);
        assert.equal(found, action !== 'CreateTags' || isDone);
        await driver.revert([fault], ATTEMPT);
        assert.equal((await network.aclOf(name))?.id, network.acl);
        assert.deepEqual(await network.ours(), []);
      });

    void test('where there may be no more network ACLs nothing is done, and it is told', async () => {
      const network = await Subnets.open(account);
      const name = await network.subnet();
      const shim = await Shim.open({ to: account.moto.url });
      after(() => shim.close());
      shim.before('ec2:CreateNetworkAcl', (call) =>
        refusal(call, 'NetworkAclLimitExceeded', 'The maximum is reached.'),
      );
      const limited = driverOf({ ...account.settings, endpoint: shim.url });
      const [outcome] = await limited.inject([faultOn(name)], ATTEMPT);
      assert.deepEqual([outcome?.result, outcome?.detail], ['failed', 'The maximum is reached.']);
      await reverted(faultOn(name));
      assert.equal((await network.aclOf(name))?.id, network.acl);
    });

    void test('who is in an ACL of ours without a record of how it was is not taken for a target, and a sweep tells', async () => {
      const network = await Subnets.open(account);
      const name = await network.subnet();
      const { NetworkAcl } = await ec2.createNetworkAcl({
        VpcId: network.vpc,
        TagSpecifications: [{ ResourceType: 'network-acl', Tags: ownTags('forgetful') }],
      });
      const id = NetworkAcl?.NetworkAclId ?? '';
      await network.give(name, id);
      const [outcome] = await driver.inject([faultOn(name)], ATTEMPT);
      assert.match(outcome?.detail ?? '', new RegExp(`its network ACL ${id} is one of Squall's already`));
      const forgetful = driverOf(account.settings, 'forgetful');
      await assert.rejects(Array.fromAsync(forgetful.leftovers()), new RegExp(`${name} has the network ACL ${id}`));
      await network.give(name, network.acl);
      assert.deepEqual(await Array.fromAsync(forgetful.leftovers()), []);
      assert.deepEqual(await network.ours(), [], 'a sweep deletes what nobody has');
    });

    void test('one zone of a network at a time, also of two that are begun at once', async () => {
      const network = await Subnets.open(account);
      const [one, other] = [await network.subnet(A), await network.subnet(B)];
      await injected(faultOn(one));
      const [refused] = await driver.inject([faultOn(other)], ATTEMPT);
      assert.deepEqual(
        [refused?.result, refused?.detail],
        ['failed', `zone ${A} of ${network.vpc} is being taken out already: one at a time`],
      );
      const unfit = await driver.unfit?.([targetOf(other)], driver.params.parse({}));
      assert.match(unfit?.get(targetOf(other)) ?? '', /one at a time/);
      await reverted(faultOn(one));
      const again = [one, other].map((name): Fault<unknown> => ({ ...faultOn(name), id: `again/${name}` }));
      const begun = await Promise.all(again.map(async (fault) => (await driver.inject([fault], ATTEMPT))[0]?.result));
      assert.ok(begun.filter((result) => result === 'injected').length < 2, begun.join());
      await driver.revert(again, ATTEMPT);
      for (const name of [one, other]) assert.equal((await network.aclOf(name))?.id, network.acl);
    });

    void test('sixty subnets: one ACL, and a renewal takes a handful of requests', async () => {
      const network = await Subnets.open(account);
      const shim = await Shim.open({ to: account.moto.url });
      after(() => shim.close());
      const many = driverOf({ ...account.settings, endpoint: shim.url, requestTimeout: 20_000 });
      const faults: Fault<unknown>[] = [];
      for (let i = 0; i < 60; i += 1) {
        const fault = faultOn(await network.subnet(), { outside: '0%', singleZone: 'allow' });
        faults.push({ ...fault, ttlMs: LONG_MS / 2 });
      }
      const attempt = { ...ATTEMPT, remainingMs: () => 120_000 };
      const outcomes = await many.inject(faults, attempt);
      assert.deepEqual(new Set(outcomes.map(({ result }) => result)), new Set(['injected']));
      assert.equal(shim.callsOf('ec2:CreateNetworkAcl').length, 1);
      const before = shim.log.length;
      await many.renew?.(faults, attempt);
      const asked = shim.log.slice(before).map(({ call }) => call.action);
      assert.ok(asked.length <= 4, asked.join());
      await many.inject(faults, attempt);
      await driver.revert(faults, attempt);
      assert.deepEqual(await network.ours(), []);
    });
  });

  void describe('who is fit for aws/az-outage', { concurrency: 4 }, () => {
    const whyNot = async (names: readonly string[], params: object = {}): Promise<(string | undefined)[]> => {
      const unfit = await driver.unfit?.(names.map(targetOf), driver.params.parse(params));
      return names.map((name) => unfit?.get(targetOf(name)));
    };

    void test('all of a run are in one zone', async () => {
      const network = await Subnets.open(account);
      const names = [await network.subnet(A), await network.subnet(B)];
      for (const why of await whyNot(names)) assert.match(why ?? '', /other zones \(eu-west-1a, eu-west-1b\)/);
      assert.deepEqual(await whyNot(names.slice(0, 1)), [undefined]);
      assert.deepEqual(await whyNot(['subnet-00000000']), ['gone']);
    });

    void test('enough is left outside of the zone, and nothing is in it alone', async () => {
      const crowded = await Account.open();
      after(() => crowded.close());
      const fit = driverOf(crowded.settings);
      const { vpc, subnets } = crowded.network;
      const why = async (zone: string, params: object = {}): Promise<string | undefined> => {
        const target = targetOf(subnets[zone] ?? '');
        return (await fit.unfit?.([target], fit.params.parse(params)))?.get(target);
      };
      assert.equal(await why(A), undefined);
      const instances = [await crowded.instance({ zone: A }), await crowded.instance({ zone: A })];
      await crowded.instance({ zone: B });
      assert.equal(
        await why(A),
        `only 33.3% of the instances of ${vpc} would be left outside of zone ${A}; 50% are asked for`,
      );
      assert.equal(await why(A, { outside: '33%' }), undefined);
      assert.equal(await why(B), undefined);
      await crowded.targetGroup(instances);
      const group = await crowded.group({ size: 1, zones: [A] });
      assert.match(
        (await why(A, { outside: '0%' })) ?? '',
        new RegExp(`in zone ${A} alone: Auto Scaling group ${group.name}, target group `),
      );
      assert.equal(await why(A, { outside: '25%', singleZone: 'allow' }), undefined);
      assert.equal(await why(B), undefined);
      // moto does not say in which network a database is: it may be in this one.
      const database = await crowded.database({ multiAz: false });
      assert.match((await why(A, { outside: '0%' })) ?? '', new RegExp(`database ${database.id}`));
      await (
        await crowded.observe.rds()
      ).deleteDBInstance({ DBInstanceIdentifier: database.id, SkipFinalSnapshot: true });
    });

    void test('what this worker may not do is found out before anything is done', async () => {
      const network = await Subnets.open(account);
      const name = await network.subnet();
      const told: (string | undefined)[] = [];
      for (const action of ['CreateTags', 'CreateNetworkAcl', 'ReplaceNetworkAclAssociation', 'DescribeInstances']) {
        const shim = await Shim.open({ to: account.moto.url });
        after(() => shim.close());
        shim.before(`ec2:${action}`, (call) => refusal(call, 'UnauthorizedOperation', 'You are not authorized.', 403));
        const narrow = driverOf({ ...account.settings, endpoint: shim.url });
        told.push((await narrow.unfit?.([targetOf(name)], narrow.params.parse({})))?.get(targetOf(name)));
      }
      const [tag, make, give, look] = told;
      assert.equal(tag, 'this worker may not tag subnets: UnauthorizedOperation: You are not authorized.');
      assert.match(make ?? '', /may not make a network ACL/);
      assert.match(give ?? '', /may not give a subnet another network ACL/);
      assert.match(look ?? '', /may not ask for ec2:DescribeInstances/);
      assert.deepEqual(await network.tagsOf(name), []);
      assert.deepEqual(await network.ours(), []);
    });
  });

  test('nothing was asked for that its permissions do not name', () => {
    const named = new Set(driver.permissions.flatMap(({ actions = [] }) => actions.flatMap((some) => some.actions)));
    assert.deepEqual(
      account.shim.asked.filter((action) => !named.has(action)),
      [],
    );
  });
}

function driverOf(aws: AwsSettings, installation = 'lab'): FaultDriver<unknown> {
  return azOutage({ name: 'lab', installation, stateDir: '', settings: { aws } });
}

function targetOf(name: string): string {
  return awsTargetId({ region: 'eu-west-1', kind: 'subnet', name });
}
