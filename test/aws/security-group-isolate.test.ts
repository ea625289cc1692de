/** What others do to an isolated instance in mid-fault is theirs, and told; the empty group is gone with the last who needs it. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Bench } from '../../activities/faults/conformance-bench.ts';
import type { LabTarget } from '../../activities/faults/conformance-bench.ts';
import { OWNED_BY } from '../../activities/faults/aws/own-tags.ts';
import { parseAwsTarget } from '../../activities/faults/aws/target.ts';
import { Account } from './account.ts';
import { openIsolateLab } from './labs/security-group-isolate.ts';
import { whyNoMoto } from './moto.ts';

describe('an isolated instance', { skip: await whyNoMoto() }, () => {
  let account: Account;
  let bench: Bench;
  before(async () => {
    account = await Account.open();
    bench = await Bench.open(await openIsolateLab(account));
  });
  after(async () => {
    await bench.close();
    await account.close();
  });

  /** The interface of a target, and the names of its groups. */
  async function interfaceOf({ id }: LabTarget): Promise<{ readonly id: string; readonly groups: string[] }> {
    const ec2 = await account.observe.ec2();
    const { name } = parseAwsTarget(id, ['instance']);
    const { NetworkInterfaces = [] } = await ec2.describeNetworkInterfaces({
      Filters: [{ Name: 'attachment.instance-id', Values: [name] }],
    });
    const [{ NetworkInterfaceId = '', Groups = [] } = {}] = NetworkInterfaces;
    return { id: NetworkInterfaceId, groups: Groups.map(({ GroupName = '' }) => GroupName).toSorted() };
  }
  async function give(target: LabTarget, ids: readonly string[]): Promise<void> {
    const { id } = await interfaceOf(target);
    await (await account.observe.ec2()).modifyNetworkInterfaceAttribute({ NetworkInterfaceId: id, Groups: [...ids] });
  }
  async function newGroup(name: string): Promise<string> {
    const naming = { GroupName: name, Description: 'somebody’s', VpcId: account.network.vpc };
    return (await (await account.observe.ec2()).createSecurityGroup(naming)).GroupId ?? '';
  }
  async function emptyGroups(): Promise<string[]> {
    const { SecurityGroups = [] } = await (
      await account.observe.ec2()
    ).describeSecurityGroups({
      Filters: [{ Name: 'tag-key', Values: [OWNED_BY] }],
    });
    return SecurityGroups.map(({ GroupId = '' }) => GroupId);
  }

  it('is isolated no more once somebody gives it another group, which it keeps beside its own', async () => {
    const target = await bench.target();
    const fault = bench.fault(target);
    assert.deepEqual(await bench.inject(fault), ['injected']);
    const [empty = assert.fail('no empty group')] = await emptyGroups();
    await give(target, [empty, await newGroup('added')]);
    const [renewed] = (await bench.driver.renew?.([fault], bench.attempt)) ?? [];
    assert.deepEqual(
      [renewed?.result, renewed?.detail],
      ['lapsed', 'somebody else has given it another security group'],
    );
    const [reverted] = await bench.driver.revert([fault], bench.attempt);
    assert.equal(reverted?.result, 'reverted', reverted?.detail);
    assert.match(reverted.detail ?? '', /somebody else has changed its security groups meanwhile/);
    assert.deepEqual((await interfaceOf(target)).groups, ['added', 'own']);
    assert.deepEqual(await emptyGroups(), [], 'the empty group is left');
  });

  it('is given back what there still is of its groups, and the others are named', async () => {
    const target = await bench.target();
    const { groups } = await interfaceOf(target);
    const gone = await newGroup('gone');
    const Filters = [
      { Name: 'group-name', Values: groups },
      { Name: 'vpc-id', Values: [account.network.vpc] },
    ];
    const ec2 = await account.observe.ec2();
    const { SecurityGroups = [] } = await ec2.describeSecurityGroups({ Filters });
    await give(target, [...SecurityGroups.map(({ GroupId = '' }) => GroupId), gone]);
    const fault = bench.fault(target);
    assert.deepEqual(await bench.inject(fault), ['injected']);
    await ec2.deleteSecurityGroup({ GroupId: gone });
    const [reverted] = await bench.driver.revert([fault], bench.attempt);
    assert.equal(reverted?.result, 'reverted', reverted?.detail);
    assert.equal(reverted.detail, `${gone} cannot be given back to it: there is no such group any more`);
    assert.deepEqual((await interfaceOf(target)).groups, groups);
  });

  it('is left as somebody has made it who gave it other groups altogether', async () => {
    const target = await bench.target();
    const fault = bench.fault(target);
    await bench.inject(fault);
    await give(target, [await newGroup('instead')]);
    const [reverted] = await bench.driver.revert([fault], bench.attempt);
    assert.equal(reverted?.result, 'reverted', reverted?.detail);
    assert.match(reverted.detail ?? '', /which was left/);
    assert.deepEqual((await interfaceOf(target)).groups, ['instead']);
    assert.deepEqual(await emptyGroups(), []);
  });

  it('shares the empty group with another, which is deleted with the last of them', async () => {
    const targets = [await bench.target(), await bench.target()];
    const faults = targets.map((target) => bench.fault(target));
    assert.deepEqual(await bench.inject(...faults), ['injected', 'injected']);
    assert.equal((await emptyGroups()).length, 1);
    const [first, second] = faults;
    assert.ok(first !== undefined && second !== undefined);
    assert.deepEqual(await bench.revert(first), ['reverted']);
    assert.equal((await emptyGroups()).length, 1);
    assert.deepEqual(await bench.revert(second), ['reverted']);
    assert.deepEqual(await emptyGroups(), []);
  });
});
