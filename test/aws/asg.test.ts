/** Faults of Auto Scaling groups: what is refused, what is set back of what somebody else has changed, and who dies half way. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { driver as asgScale } from '../../activities/faults/aws/asg-scale.ts';
import { driver as asgZoneRemoval } from '../../activities/faults/aws/asg-zone-removal.ts';
import type { DriverFactory } from '../../activities/faults/driver.ts';
import { Account, zonesOf } from './account.ts';
import { groupNamed, labGroup, tellRefreshes } from './labs/groups.ts';
import type { LabGroup } from './labs/groups.ts';
import { Mortal } from './mortal.ts';
import { whyNoMoto } from './moto.ts';

/** Minimum, maximum and what it should have. */
async function sizes(group: LabGroup): Promise<unknown[]> {
  const { MinSize, MaxSize, DesiredCapacity } = (await group.read()) ?? {};
  return [MinSize, MaxSize, DesiredCapacity];
}

async function subnetsOf(group: LabGroup): Promise<string[]> {
  return ((await group.read())?.VPCZoneIdentifier ?? '').split(',');
}

/** What is left in its tags of a fault that holds it. */
async function held(group: LabGroup): Promise<string[]> {
  const { Tags = [] } = (await group.read()) ?? {};
  return Tags.flatMap(({ Key = '' }) => (Key.startsWith('squall:') && !Key.startsWith('squall:ended-') ? [Key] : []));
}

/** A worker for each write that it may die at, before and after its effect, until one lives; who comes after it sets it back. */
async function dyingEverywhere(
  account: Account,
  factory: DriverFactory<unknown>,
  group: LabGroup,
  params: unknown,
  same: () => Promise<void>,
): Promise<void> {
  await using survivor = await Mortal.open(account, factory);
  for (const hasEffect of [false, true])
    for (const does of ['inject', 'revert'] as const)
      for (let at = 0, lived = false; !lived; at += 1) {
        const fault = survivor.fault(group.id, params);
        if (does === 'revert') assert.equal((await survivor.inject(fault)).result, 'injected');
        await using mortal = await Mortal.open(account, factory, { at, hasEffect });
        await mortal[does](fault);
        lived = !mortal.isDead;
        await survivor.reverted(fault);
        await same();
        assert.deepEqual(await held(group), [], `after a death at write ${at} of ${does}`);
        assert.equal((await survivor.inject(fault)).result, 'fenced');
      }
}

describe('faults of Auto Scaling groups', { skip: await whyNoMoto(), concurrency: 4 }, () => {
  let account: Account;
  const refreshes = new Map<string, string>();
  before(async () => {
    account = await Account.open();
    tellRefreshes(account.shim, refreshes);
  });
  after(() => account.close());

  it('asg-scale: a share is rounded towards what there is, and nobody is left with nothing unawares', async () => {
    await using worker = await Mortal.open(account, asgScale);
    const group = await labGroup(account);
    const to = async (params: unknown): Promise<unknown> => {
      const fault = worker.fault(group.id, params);
      const { result, detail } = await worker.inject(fault);
      const now = await sizes(group);
      await worker.reverted(fault);
      assert.equal(await worker.whyNot(group.id, params), result === 'failed' ? detail : undefined);
      return result === 'injected' ? now : detail;
    };
    assert.deepEqual(await to({ to: '50%' }), [2, 6, 2]);
    assert.deepEqual(await to({ to: '10%' }), [1, 6, 1]);
    assert.deepEqual(await to({ to: '150%' }), [2, 6, 4]);
    assert.deepEqual(await to({ to: 0, zero: true }), [0, 6, 0]);
    assert.match(String(await to({ to: '0%' })), /without any instance: say `zero: true`/);
    assert.match(String(await to({ to: '90%' })), /should have 3 instances already/);
    assert.match(String(await to({ to: 7 })), /7 instances are more than its MaxSize of 6/);
    assert.deepEqual(await sizes(group), [2, 6, 3]);
  });

  it('a group that could not come to what is asked for, or not back, is refused', async () => {
    await using worker = await Mortal.open(account, asgScale);
    const autoScaling = await account.observe.autoScaling();
    const group = await labGroup(account);
    const why = async (): Promise<string> => {
      const { detail } = await worker.inject(worker.fault(group.id, { to: 2 }));
      assert.equal(await worker.whyNot(group.id, { to: 2 }), detail);
      assert.deepEqual(await held(group), []);
      return String(detail);
    };
    for (const state of ['Pending', 'InProgress', 'Baking', 'something new']) {
      refreshes.set(group.name, state);
      assert.equal(await why(), `an instance refresh of it is ${state}`);
    }
    refreshes.set(group.name, 'Successful');
    const suspended = { AutoScalingGroupName: group.name, ScalingProcesses: ['Launch'] };
    await autoScaling.suspendProcesses(suspended);
    assert.match(await why(), /its process Launch is suspended/);
    await autoScaling.resumeProcesses(suspended);
    assert.equal(await worker.whyNot(group.id, { to: 2 }), undefined);
    assert.equal(await worker.whyNot(`${group.id}0`, { to: 2 }), undefined);
    assert.equal((await worker.inject(worker.fault(`${group.id}0`, { to: 2 }))).result, 'gone');
  });

  const drifts: [what: string, change: Record<string, number>, then: number[], told: RegExp][] = [
    [
      'its capacity',
      { DesiredCapacity: 2 },
      [2, 6, 2],
      /its DesiredCapacity was 3, and 1 was set by this fault: it is 2/,
    ],
    ['its minimum', { MinSize: 0 }, [0, 6, 3], /its MinSize was 2, and 1 was set by this fault: it is 0/],
    [
      'its maximum',
      { MaxSize: 2, DesiredCapacity: 1 },
      [2, 2, 2],
      /^its DesiredCapacity was 3, and is 2, for what somebody else has set meanwhile: it may have 2 to 2 instances$/,
    ],
    ['all of it', { MinSize: 4, DesiredCapacity: 5 }, [4, 6, 5], /MinSize.*it is 4.*DesiredCapacity.*it is 5/],
  ];
  for (const [what, change, then, told] of drifts)
    it(`asg-scale: ${what} is left as somebody else has set it, and the rest is set back`, async () => {
      await using worker = await Mortal.open(account, asgScale);
      const group = await labGroup(account);
      const fault = worker.fault(group.id, { to: 1 });
      assert.equal((await worker.inject(fault)).result, 'injected');
      assert.equal((await worker.renew(fault))?.result, 'renewed');
      await group.update(change);
      const lapsed = await worker.renew(fault);
      if ('MaxSize' in change) assert.equal(lapsed?.result, 'renewed');
      else
        assert.match(
          `${lapsed?.result} ${lapsed?.detail}`,
          /^lapsed its .* which somebody else has set, or a scaling policy$/,
        );
      const { result, detail = '' } = await worker.revert(fault);
      assert.equal(result, 'reverted');
      assert.match(detail, told);
      assert.deepEqual(await sizes(group), then);
      assert.deepEqual(await held(group), []);
    });

  it('asg-scale: whoever dies at whichever request, it is set back', async () => {
    const group = await labGroup(account);
    await dyingEverywhere(account, asgScale, group, { to: 1 }, async () =>
      assert.deepEqual(await sizes(group), [2, 6, 3]),
    );
  });

  it('asg-zone-removal: whoever dies at whichever request, the zone is given back', async () => {
    const group = await labGroup(account);
    const all = await subnetsOf(group);
    const params = { zone: zonesOf(account.network)[1] };
    await dyingEverywhere(account, asgZoneRemoval, group, params, async () =>
      assert.deepEqual(await subnetsOf(group), all),
    );
  });

  /** A zone's removal from a group that somebody changes meanwhile: what is told of it, and the group's subnets then. */
  async function whileRemoved(change: (group: LabGroup, gone: string) => Promise<void>): Promise<[string, string[]]> {
    await using worker = await Mortal.open(account, asgZoneRemoval);
    const [zone = ''] = zonesOf(account.network);
    const group = await labGroup(account);
    const own = await newSubnet(zone);
    await group.update({ VPCZoneIdentifier: [own, ...Object.values(account.network.subnets).slice(1)].join(',') });
    const fault = worker.fault(group.id, { zone });
    assert.equal((await worker.inject(fault)).result, 'injected');
    assert.deepEqual(await subnetsOf(group), Object.values(account.network.subnets).slice(1));
    await change(group, own);
    const { result, detail = '' } = await worker.revert(fault);
    assert.equal(result, 'reverted');
    assert.deepEqual(await held(group), []);
    return [detail, (await subnetsOf(group)).map((subnet) => (subnet === own ? 'own' : subnet))];
  }

  let made = 0;
  async function newSubnet(zone = ''): Promise<string> {
    const CidrBlock = `10.0.${128 + (made += 1)}.0/24`;
    const { Subnet } = await (
      await account.observe.ec2()
    ).createSubnet({ VpcId: account.network.vpc, CidrBlock, AvailabilityZone: zone });
    return Subnet?.SubnetId ?? '';
  }

  it('asg-zone-removal: what others have changed of the list meanwhile stays', async () => {
    const [, b = '', c = ''] = Object.values(account.network.subnets);
    const [detail, subnets] = await whileRemoved((group) => group.update({ VPCZoneIdentifier: c }));
    assert.deepEqual([detail, subnets], ['', ['own', c]]);
    const other = await newSubnet(zonesOf(account.network)[2]);
    const added = await whileRemoved((group) => group.update({ VPCZoneIdentifier: [other, b, c].join(',') }));
    assert.deepEqual(added, ['', ['own', b, c, other]]);
  });

  it('asg-zone-removal: a zone that somebody else has given back in another way is theirs', async () => {
    const [a = '', b = '', c = ''] = Object.values(account.network.subnets);
    const [detail, subnets] = await whileRemoved((group) => group.update({ VPCZoneIdentifier: [b, c, a].join(',') }));
    assert.match(detail, /somebody else has given it eu-west-1a back in another way/);
    assert.deepEqual(subnets, [b, c, a]);
  });

  it('asg-zone-removal: a subnet that is gone is not given back', async () => {
    const [, b = '', c = ''] = Object.values(account.network.subnets);
    const [detail, subnets] = await whileRemoved(
      async (_group, own) => void (await (await account.observe.ec2()).deleteSubnet({ SubnetId: own })),
    );
    assert.match(detail, /^subnet-\S+ in eu-west-1a cannot be given back to it: there is no such subnet any more$/);
    assert.deepEqual(subnets, [b, c]);
  });

  it('asg-zone-removal: a subnet of another zone that is gone does not keep the zone from being given back', async () => {
    const [, b = '', c = ''] = Object.values(account.network.subnets);
    const dead = await newSubnet(zonesOf(account.network)[2]);
    const [detail, subnets] = await whileRemoved(async (group) => {
      await group.update({ VPCZoneIdentifier: [b, c, dead].join(',') });
      await (await account.observe.ec2()).deleteSubnet({ SubnetId: dead });
    });
    assert.deepEqual([detail, subnets], ['', ['own', b, c]]);
  });

  it('asg-zone-removal: the last zone stays, and what is to be known of the group is told', async () => {
    await using worker = await Mortal.open(account, asgZoneRemoval);
    const [zone = '', , last = ''] = zonesOf(account.network);
    const group = await labGroup(account);
    await group.update({ VPCZoneIdentifier: account.network.subnets[zone] });
    assert.equal(await worker.whyNot(group.id, { zone }), `${zone} is the only zone that it has`);
    assert.equal(await worker.whyNot(group.id, { zone: last }), `it has nothing in ${last}`);
    await group.update({ VPCZoneIdentifier: Object.values(account.network.subnets).join(',') });
    const processes = { AutoScalingGroupName: group.name, ScalingProcesses: ['AZRebalance'] };
    await (await account.observe.autoScaling()).suspendProcesses(processes);
    const fault = worker.fault(group.id, { zone });
    const { result, detail = '' } = await worker.inject(fault);
    assert.match(`${result} ${detail}`, /^injected its process AZRebalance is suspended/);
    await group.update({ VPCZoneIdentifier: Object.values(account.network.subnets).join(',') });
    const lapsed = await worker.renew(fault);
    assert.deepEqual([lapsed?.result, lapsed?.detail], ['lapsed', `somebody else has given it ${zone} back`]);
    assert.deepEqual(await worker.revert(fault), { id: fault.id, result: 'reverted' });
  });

  it('asg-zone-removal: a group without subnets of its own loses the zone itself', async () => {
    await using worker = await Mortal.open(account, asgZoneRemoval);
    const zones = zonesOf(account.network);
    const { name } = await labGroup(account);
    await (
      await account.observe.autoScaling()
    ).createAutoScalingGroup({
      AutoScalingGroupName: `${name}-zones`,
      LaunchTemplate: { LaunchTemplateName: name, Version: '$Latest' },
      ...{ MinSize: 0, MaxSize: 1, DesiredCapacity: 0, AvailabilityZones: zones },
    });
    const group = await groupNamed(account, `${name}-zones`);
    const fault = worker.fault(group.id, { zone: zones[0] });
    assert.equal((await worker.inject(fault)).result, 'injected');
    assert.deepEqual((await group.read())?.AvailabilityZones, zones.slice(1));
    assert.equal((await worker.revert(fault)).result, 'reverted');
    assert.deepEqual((await group.read())?.AvailabilityZones, zones);
  });
});
