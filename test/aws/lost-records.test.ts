/** What becomes of a fault whose tags somebody has taken away, filled up, spoiled or copied, or whose requests come late. */
import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { cloudOf } from '../../activities/aws/cloud.ts';
import { driver as outage } from '../../activities/faults/aws/az-outage.ts';
import { driver as stop } from '../../activities/faults/aws/instance-stop.ts';
import { driver as isolate } from '../../activities/faults/aws/security-group-isolate.ts';
import { awsTargetId, parseAwsTarget } from '../../activities/faults/aws/target.ts';
import type { Lab } from '../../activities/faults/conformance.ts';
import type { FaultDriver } from '../../activities/faults/driver.ts';
import { awsSettings, slownessMs } from '../../activities/targets/aws-settings.ts';
import type { TargetId } from '../../domain/fault.ts';
import { until } from '../until.ts';
import { Account } from './account.ts';
import { openAzOutageLab } from './labs/az-outage.ts';
import { openIsolateLab } from './labs/security-group-isolate.ts';
import { Mortal } from './mortal.ts';
import { whyNoMoto } from './moto.ts';
import { CUT } from './shim.ts';

const SITE = { name: 'lab', installation: 'lab', stateDir: '', settings: {} };

interface Named {
  readonly id: TargetId;
}

describe('tags in the hands of others', { skip: await whyNoMoto(), concurrency: 4 }, () => {
  let account: Account;
  let isolated: Lab;
  before(async () => {
    account = await Account.open();
    isolated = await openIsolateLab(account);
  });
  after(() => account.close());

  /** One that is in no group. */
  const instance = async (): Promise<Named> => ({
    id: awsTargetId({ region: account.region, kind: 'instance', name: await account.instance() }),
  });
  async function stateOf(one: Named): Promise<string | undefined> {
    const { Reservations } = await (await account.observe.ec2()).describeInstances({ InstanceIds: [nameOf(one)] });
    return Reservations?.[0]?.Instances?.[0]?.State?.Name;
  }
  const nameOf = ({ id }: Named): string => parseAwsTarget(id, ['instance', 'subnet']).name;
  async function tagsOf(target: Named): Promise<Record<string, string>> {
    const ec2 = await account.observe.ec2();
    const { Tags = [] } = await ec2.describeTags({ Filters: [{ Name: 'resource-id', Values: [nameOf(target)] }] });
    return Object.fromEntries(Tags.map(({ Key = '', Value = '' }) => [Key, Value]));
  }
  async function give(target: Named, tags: Readonly<Record<string, string>>): Promise<void> {
    const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
    await (await account.observe.ec2()).createTags({ Resources: [nameOf(target)], Tags });
  }
  async function take(target: Named, ...keys: string[]): Promise<void> {
    const Tags = keys.map((Key) => ({ Key }));
    await (await account.observe.ec2()).deleteTags({ Resources: [nameOf(target)], Tags });
  }
  const oursOn = async (target: Named): Promise<string[]> =>
    Object.keys(await tagsOf(target)).filter((key) => /^squall:(?!ended-)/.test(key));
  const sweep = async (driver: FaultDriver<unknown>): Promise<void> => void (await Array.fromAsync(driver.leftovers()));

  it('a record that was freed by a request without an answer is not freed once more, from under the next fault', async () => {
    await using first = await Mortal.open(account, isolate);
    await using second = await Mortal.open(account, isolate);
    const target = await isolated.target(SITE);
    const [a, b] = [first.fault(target.id), second.fault(target.id)];
    assert.equal((await first.inject(a)).result, 'injected');
    let freed = 0;
    first.shim.after('ec2:DeleteTags', async (call) => {
      if (!JSON.stringify(call.params).includes('squall:original') || (freed += 1) > 1) return undefined;
      // Before whoever asked gives up.
      assert.equal((await second.inject(b)).result, 'injected');
      await sleep(2 * account.settings.requestTimeout);
      return CUT;
    });
    await first.revert(a);
    await first.reverted(a);
    assert.equal(freed, 1);
    assert.equal((await second.renew(b))?.result, 'renewed');
    await second.reverted(b);
    assert.equal(await target.harmed(), false);
  });

  it('a record that somebody has taken away is not needed by who has put the fault on; others say that it is missing', async () => {
    await using worker = await Mortal.open(account, isolate);
    await using other = await Mortal.open(account, isolate);
    const target = await isolated.target(SITE);
    const fault = worker.fault(target.id);
    assert.equal((await worker.inject(fault)).result, 'injected');
    await take(target, ...(await oursOn(target)));
    await assert.rejects(sweep(other.driver), /no record of how it was: give it its own/);
    assert.equal((await worker.renew(fault))?.result, 'lapsed');
    const { result, detail } = await worker.revert(fault);
    assert.equal(result, 'reverted');
    assert.match(detail ?? '', /taken its undo record away/);
    assert.equal(await target.harmed(), false);
    await sweep(other.driver);
  });

  it('what this worker remembers is not done once somebody else has ended the fault', async () => {
    await using worker = await Mortal.open(account, stop);
    await using other = await Mortal.open(account, stop);
    const target = await instance();
    const fault = worker.fault(target.id);
    assert.equal((await worker.inject(fault)).result, 'injected');
    await other.reverted(fault);
    // Its owner stops it.
    await (await account.observe.ec2()).stopInstances({ InstanceIds: [nameOf(target)] });
    assert.equal((await worker.revert(fault)).result, 'absent');
    assert.equal(await stateOf(target), 'stopped');
  });

  it('one whose tags are full is ended all the same, and fenced as soon as there is room', async () => {
    await using worker = await Mortal.open(account, isolate);
    const target = await isolated.target(SITE);
    const fault = worker.fault(target.id);
    assert.equal((await worker.inject(fault)).result, 'injected');
    const room = 50 - Object.keys(await tagsOf(target)).length;
    await give(target, Object.fromEntries(Array.from({ length: room }, (_, i) => [`team-${i}`, 'x'])));
    await worker.reverted(fault);
    assert.equal(await target.harmed(), false);
    assert.deepEqual(await oursOn(target), []);
    assert.equal((await worker.inject(fault)).result, 'fenced');
  });

  it('what is spoiled of a slot keeps nobody from ending what it holds', async () => {
    await using worker = await Mortal.open(account, isolate);
    const target = await isolated.target(SITE);
    const fault = worker.fault(target.id);
    assert.equal((await worker.inject(fault)).result, 'injected');
    await give(target, { 'squall:ended-somebody': 'yesterday', 'squall:expires': 'soon' });
    const left = await Array.fromAsync(worker.driver.leftovers());
    assert.deepEqual(
      left.filter((one) => one.fault.id === fault.id).map(({ expired }) => expired),
      [true],
    );
    await worker.reverted(fault);
    assert.equal(await target.harmed(), false);
  });

  it('a copy of an instance that is held has copied its tags, which say nothing of it', async () => {
    await using worker = await Mortal.open(account, stop);
    const [target, copy] = [await instance(), await instance()];
    const fault = worker.fault(target.id);
    assert.equal((await worker.inject(fault)).result, 'injected');
    const own = await tagsOf(target);
    await give(copy, Object.fromEntries(Object.entries(own).filter(([key]) => !key.startsWith('aws:'))));
    await (await account.observe.ec2()).stopInstances({ InstanceIds: [nameOf(copy)] });
    const found = await Array.fromAsync(worker.driver.leftovers());
    assert.deepEqual(
      found.map((left) => left.fault.target).filter((id) => [target.id, copy.id].includes(id)),
      [target.id],
    );
    assert.deepEqual(await oursOn(copy), [], 'they are kept');
    assert.equal(await stateOf(copy), 'stopped');
    await worker.reverted(fault);
  });

  it('a network ACL that denies everything is ours although its tag is gone', async () => {
    await using worker = await Mortal.open(account, outage);
    const target = await (await openAzOutageLab(account)).target(SITE);
    const fault = worker.fault(target.id, { singleZone: 'allow' });
    assert.equal((await worker.inject(fault)).result, 'injected');
    const ec2 = await account.observe.ec2();
    const Filters = [{ Name: 'association.subnet-id', Values: [nameOf(target)] }];
    const { NetworkAcls: [acl] = [] } = await ec2.describeNetworkAcls({ Filters });
    await ec2.deleteTags({ Resources: [acl?.NetworkAclId ?? ''], Tags: [{ Key: 'squall:own' }] });
    await worker.reverted(fault);
    assert.equal(await target.harmed(), false);
  });

  it('a network ACL of somebody else that denies everything is theirs, and stays', async () => {
    await using worker = await Mortal.open(account, outage);
    const target = await (await openAzOutageLab(account)).target(SITE);
    const fault = worker.fault(target.id, { singleZone: 'allow' });
    assert.equal((await worker.inject(fault)).result, 'injected');
    const ec2 = await account.observe.ec2();
    const read = async () => {
      const Filters = [{ Name: 'association.subnet-id', Values: [nameOf(target)] }];
      const [{ NetworkAclId, VpcId, Associations = [] } = {}] =
        (await ec2.describeNetworkAcls({ Filters })).NetworkAcls ?? [];
      const [association] = Associations.filter(({ SubnetId }) => SubnetId === nameOf(target));
      return { NetworkAclId, VpcId, AssociationId: association?.NetworkAclAssociationId };
    };
    const { VpcId, AssociationId } = await read();
    const { NetworkAcl } = await ec2.createNetworkAcl({ VpcId });
    const quarantine = NetworkAcl?.NetworkAclId;
    await ec2.replaceNetworkAclAssociation({ AssociationId, NetworkAclId: quarantine });
    assert.equal((await worker.renew(fault))?.result, 'lapsed');
    const { result, detail } = await worker.revert(fault);
    assert.equal(result, 'reverted', detail);
    assert.match(detail ?? '', new RegExp(`${quarantine}`));
    assert.equal((await read()).NetworkAclId, quarantine);
  });

  it('who has made an empty group slowly looks once more before it is given to anybody', async () => {
    await using worker = await Mortal.open(account, isolate);
    await using survivor = await Mortal.open(account, isolate);
    const target = await isolated.target(SITE);
    const fault = worker.fault(target.id);
    const [slow, ended] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
    let looks = 0;
    worker.shim.before('ec2:DescribeSecurityGroups', async () => {
      if ((looks += 1) > 1) return undefined;
      slow.resolve(undefined);
      await ended.promise;
      return undefined;
    });
    // It is nothing to it that its client has given up long ago: its answer is late, and all of it is on its way.
    const late = worker.inject(fault);
    await slow.promise;
    await survivor.reverted(fault);
    ended.resolve(undefined);
    assert.notEqual((await late).result, 'injected');
    assert.deepEqual(worker.shim.callsOf('ec2:ModifyNetworkInterfaceAttribute'), []);
    assert.equal(await target.harmed(), false);
  });

  it('a request that has waited for credentials for too long is not sent any more', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'squall-credentials-'));
    const config = process.env['AWS_CONFIG_FILE'];
    try {
      const keys = { Version: 1, AccessKeyId: 'AKIAIOSFODNN7EXAMPLE', SecretAccessKey: 'moto' };
      const slow = join(folder, 'slow.sh');
      await writeFile(slow, `#!/bin/sh\nsleep 1\necho '${JSON.stringify(keys)}'\n`);
      await chmod(slow, 0o755);
      process.env['AWS_CONFIG_FILE'] = join(folder, 'config');
      await writeFile(process.env['AWS_CONFIG_FILE'], `[profile slow]\ncredential_process = ${slow}\n`);
      const { endpoint } = account.settings;
      const settings = awsSettings.parse({ regions: [account.region], endpoint, profile: 'slow', requestTimeout: 500 });
      const ec2 = await cloudOf(settings).once(account.region).ec2();
      const nobody = 'i-0123456789abcdef0';
      await assert.rejects(ec2.stopInstances({ InstanceIds: [nobody] }), { name: 'TimeoutError' });
      const sent = account.shim.callsOf('ec2:StopInstances').map(({ params }) => JSON.stringify(params));
      assert.ok(!sent.some((params) => params.includes(nobody)), 'it was sent');
      // Its credentials are there now.
      await until(async () =>
        ec2.stopInstances({ InstanceIds: [nobody] }).then(
          () => true,
          (error: unknown) => (error as Error).name === 'InvalidInstanceID.NotFound',
        ),
      );
    } finally {
      process.env['AWS_CONFIG_FILE'] = config;
      await rm(folder, { recursive: true });
    }
  });

  it('nothing waits less for AWS itself than AWS may need, however short a request may be', () => {
    const settings = { regions: ['eu-west-1'], requestTimeout: 250 };
    assert.equal(slownessMs(awsSettings.parse(settings)), 5_000);
    assert.equal(slownessMs(awsSettings.parse({ ...settings, requestTimeout: 9_000 })), 9_000);
    assert.equal(slownessMs(awsSettings.parse({ ...settings, endpoint: 'http://localhost:1' })), 250);
  });
});
