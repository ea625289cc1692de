/** Instances that are terminated: who must not be, who dies half way, and when a group is whole again. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { driver as instanceStop } from '../../activities/faults/aws/instance-stop.ts';
import { driver as instanceTerminate } from '../../activities/faults/aws/instance-terminate.ts';
import { awsTargetId } from '../../activities/faults/aws/target.ts';
import { Account } from './account.ts';
import type { Group } from './account/machines.ts';
import { groupTags, servingIn, stateOf } from './labs/members.ts';
import { Mortal } from './mortal.ts';
import { whyNoMoto } from './moto.ts';
import { CUT, refusal } from './shim.ts';
import type { Answer } from './shim.ts';
import { mapItems, own } from './shim/xml.ts';

const [A, B, C] = ['eu-west-1a', 'eu-west-1b', 'eu-west-1c'] as const;

describe('instances that are terminated', { skip: await whyNoMoto(), concurrency: 6 }, () => {
  let account: Account;
  before(async () => {
    account = await Account.open();
  });
  after(() => account.close());

  const idOf = (name: string): string => awsTargetId({ region: account.region, kind: 'instance', name });
  const isGone = async (name: string): Promise<boolean> =>
    ['terminated', 'gone'].includes(await stateOf(name, account.observe));
  /** Tags of a group that say that somebody is to be terminated. */
  const held = async ({ name }: Group): Promise<string[]> =>
    Object.keys(await groupTags(name, account.observe)).filter(
      (key) => key.startsWith('squall:terminated-') && /-(?:fault|expires|original)/.test(key),
    );
  /** moto replaces at once: until it is called, only `group`'s first instances are told as being in service. */
  const replacingSlowly = (worker: Mortal, { instances }: Group): (() => void) =>
    worker.shim.after('autoscaling:DescribeAutoScalingGroups', (_call, answer): Answer => {
      const told = (item: string): string =>
        instances.includes(own(item, 'InstanceId') ?? '')
          ? item
          : item.replace('<LifecycleState>InService<', '<LifecycleState>Pending<');
      return { ...answer, body: mapItems(answer.body, 'Instances', told, 'member') };
    });
  const attach = async ({ name }: Group, arn: string): Promise<void> => {
    const autoScaling = await account.observe.autoScaling();
    await autoScaling.attachLoadBalancerTargetGroups({ AutoScalingGroupName: name, TargetGroupARNs: [arn] });
  };

  it('one of a group is left, whoever else is to go', async () => {
    await using worker = await Mortal.open(account, instanceTerminate);
    const group = await account.group({ size: 3, zones: [A] });
    const replaced = replacingSlowly(worker, group);
    const faults = group.instances.map((name) => worker.fault(idOf(name)));
    const done = await worker.driver.inject(faults, worker.attempt());
    const [left, ...others] = done.filter(({ result }) => result !== 'injected');
    assert.deepEqual(others, []);
    assert.equal(left?.result, 'failed');
    assert.match(left.detail ?? '', /the last one in service in its Auto Scaling group/);
    const gone = await Promise.all(group.instances.map(isGone));
    assert.equal(gone.filter(Boolean).length, 2);
    const killed = faults.filter((_, i) => gone[i]);
    for (const fault of faults) assert.notEqual((await worker.revert(fault)).result, 'failed');
    for (const fault of killed) assert.equal(await worker.verify(fault), 'active');
    assert.match((await worker.revert(killed[0] ?? assert.fail())).detail ?? '', /has 1 of 3 instances in service/);
    replaced();
    for (const fault of faults) assert.equal(await worker.verify(fault), 'absent');
    assert.deepEqual(await held(group), []);
  });

  it('the last one of a zone is left, whoever else of the group is to go', async () => {
    await using worker = await Mortal.open(account, instanceTerminate);
    const group = await account.group({ size: 5, zones: [A, B, C] });
    // moto has its own mind about zones: two, two and one.
    const zones = new Map(group.instances.map((name, i) => [name, [A, A, B, B, C][i] ?? C]));
    const placed = worker.shim.after('autoscaling:DescribeAutoScalingGroups', (_call, answer): Answer => {
      const told = (item: string): string =>
        item.replace(/<AvailabilityZone>[^<]*</, `<AvailabilityZone>${zones.get(own(item, 'InstanceId') ?? '') ?? C}<`);
      return { ...answer, body: mapItems(answer.body, 'Instances', told, 'member') };
    });
    const replaced = replacingSlowly(worker, group);
    const why = (zone: string): string =>
      `it would be the last one in service in zone ${zone} of its Auto Scaling group ${group.name}: say \`lastOfZone: allow\` if that may be`;
    const alone = group.instances[4] ?? '';
    assert.equal(await worker.whyNot(idOf(alone)), why(C));
    assert.equal((await worker.inject(worker.fault(idOf(alone)))).detail, why(C));
    assert.equal(await worker.whyNot(idOf(alone), { lastOfZone: 'allow' }), undefined);
    for (const name of group.instances.slice(0, 4)) assert.equal(await worker.whyNot(idOf(name)), undefined);

    // Both of a zone at once: one of them is left. Then neither is left to go.
    const both = group.instances.slice(0, 2).map((name) => worker.fault(idOf(name)));
    const done = await worker.driver.inject(both, worker.attempt());
    assert.deepEqual(done.map(({ result, detail }) => detail ?? result).toSorted(), ['injected', why(A)]);
    const failed = done.findIndex(({ result }) => result === 'failed');
    const left = group.instances[failed] ?? '';
    await worker.revert(both[failed] ?? assert.fail());
    assert.equal((await worker.inject(worker.fault(idOf(left)))).detail, why(A));
    assert.equal((await worker.inject(worker.fault(idOf(left), { lastOfZone: 'allow' }))).result, 'injected');
    const unsaid = worker.shim.after('autoscaling:DescribeAutoScalingGroups', (_call, answer): Answer => ({
      ...answer,
      body: answer.body.replaceAll(/<AvailabilityZone>[^<]*<\/AvailabilityZone>/g, ''),
    }));
    assert.match((await worker.whyNot(idOf(alone))) ?? '', /does not say in which zone/);
    unsaid();
    replaced();
    placed();
    await Promise.all(both.map((fault) => worker.revert(fault)));
  });

  it('it is active until its group is whole, and its target groups are', async () => {
    await using worker = await Mortal.open(account, instanceTerminate);
    const group = await account.group({ size: 3, zones: [A] });
    const targetGroup = await account.targetGroup();
    await attach(group, targetGroup);
    const [first = '', second = ''] = group.instances;
    const replaced = replacingSlowly(worker, group);
    const fault = worker.fault(idOf(first));
    assert.equal((await worker.inject(fault)).result, 'injected');
    assert.equal(await worker.verify(fault), 'active');
    assert.deepEqual([...(await worker.driver.occupied([fault.target]))], [[fault.target, fault.id]]);
    // Of those that are on their way it is known how many there were before.
    const later = worker.fault(idOf(second));
    assert.equal((await worker.inject(later)).result, 'injected');
    assert.match((await worker.revert(fault)).detail ?? '', /has 1 of 3 instances in service/);
    assert.equal(await worker.verify(fault), 'active');
    replaced();
    for (const one of [fault, later]) {
      assert.match((await worker.revert(one)).detail ?? '', /target group targets-\S+ has 1 of 3 targets healthy/);
      assert.equal(await worker.verify(one), 'active');
    }
    await attach(group, targetGroup);
    for (const one of [fault, later]) {
      assert.equal(await worker.verify(one), 'absent');
      assert.equal((await worker.inject(one)).result, 'fenced');
    }
    assert.equal((await servingIn(group.name, account.observe)).length, 3);
    assert.equal((await worker.inject(worker.fault(idOf(first)))).result, 'gone');
  });

  for (const does of ['inject', 'revert'] as const)
    for (const hasEffect of [false, true])
      it(`${does}: whoever dies ${hasEffect ? 'after' : 'before'} any of its requests, it is known what was to be terminated`, async () => {
        await using survivor = await Mortal.open(account, instanceTerminate);
        const group = await account.group({ size: 3, zones: [A] });
        for (let at = 0, lived = false; !lived; at += 1) {
          const [name = ''] = await servingIn(group.name, account.observe);
          const fault = survivor.fault(idOf(name));
          if (does === 'revert') assert.equal((await survivor.inject(fault)).result, 'injected');
          await using mortal = await Mortal.open(account, instanceTerminate, { at, hasEffect });
          await mortal[does](fault);
          lived = !mortal.isDead;
          const left = (await Array.fromAsync(survivor.driver.leftovers())).map(({ fault: { target } }) => target);
          if (does === 'inject') assert.equal(left.includes(fault.target), (await held(group)).length > 0);
          if (await isGone(name)) assert.ok(does === 'revert' || left.includes(fault.target));
          await survivor.reverted(fault);
          assert.deepEqual(await held(group), []);
          assert.equal((await servingIn(group.name, account.observe)).length, 3);
          assert.equal((await survivor.inject(fault)).result, 'fenced');
          if (lived) assert.ok(await isGone(name));
        }
      });

  it('it is asked for once where the answer is lost, and nothing is left of it in the end', async () => {
    await using worker = await Mortal.open(account, instanceTerminate);
    const group = await account.group({ size: 2, zones: [A] });
    const [name = ''] = group.instances;
    const lost = worker.shim.after('ec2:TerminateInstances', () => CUT);
    const fault = worker.fault(idOf(name));
    assert.equal((await worker.inject(fault)).result, 'injected');
    assert.equal(worker.shim.callsOf('ec2:TerminateInstances').length, 1);
    lost();
    await worker.reverted(fault);
    const tags = await groupTags(group.name, account.observe);
    const [ended = '', ...others] = Object.keys(tags).filter((key) => key.includes('-ended-'));
    assert.deepEqual(others, []);
    const Value = (tags[ended] ?? '').replace(/^\S+/, new Date(Date.now() - 2 * 86_400_000).toISOString());
    const of = { ResourceId: group.name, ResourceType: 'auto-scaling-group', PropagateAtLaunch: false };
    await (await account.observe.autoScaling()).createOrUpdateTags({ Tags: [{ ...of, Key: ended, Value }] });
    await Array.fromAsync(worker.driver.leftovers());
    assert.deepEqual(await groupTags(group.name, account.observe), {});
  });

  it('what its group should have by now is enough, and of a group that is gone nothing is', async () => {
    await using worker = await Mortal.open(account, instanceTerminate);
    const autoScaling = await account.observe.autoScaling();
    const group = await account.group({ size: 3, zones: [A] });
    const AutoScalingGroupName = group.name;
    replacingSlowly(worker, group);
    const [first = '', second = ''] = group.instances;
    const [fault, later] = [worker.fault(idOf(first)), worker.fault(idOf(second))];
    for (const one of [fault, later]) assert.equal((await worker.inject(one)).result, 'injected');
    for (const one of [fault, later]) assert.equal((await worker.revert(one)).result, 'reverted');
    assert.equal(await worker.verify(fault), 'active');
    const newest = (await servingIn(group.name, account.observe)).filter((one) => !group.instances.includes(one));
    const ShouldDecrementDesiredCapacity = true;
    await autoScaling.detachInstances({ AutoScalingGroupName, InstanceIds: newest, ShouldDecrementDesiredCapacity });
    assert.equal(await worker.verify(fault), 'absent');
    await autoScaling.deleteAutoScalingGroup({ AutoScalingGroupName, ForceDelete: true });
    assert.equal(await worker.verify(later), 'absent');
    assert.equal((await worker.revert(later)).result, 'absent');
  });

  it('who would not be replaced, or must not be, is refused', async () => {
    await using worker = await Mortal.open(account, instanceTerminate);
    const [ec2, autoScaling] = [await account.observe.ec2(), await account.observe.autoScaling()];
    const group = await account.group({ size: 2, zones: [A] });
    const AutoScalingGroupName = group.name;
    const [name = '', other = ''] = group.instances;
    const why = async (of = name): Promise<string> => {
      const { result, detail = '' } = await worker.inject(worker.fault(idOf(of)));
      assert.equal(result, 'failed');
      assert.equal(await worker.whyNot(idOf(of)), detail);
      assert.deepEqual(await held(group), []);
      return detail;
    };
    assert.equal(await worker.whyNot(idOf(name)), undefined);
    assert.match(await why(await account.instance()), /in no Auto Scaling group/);
    const [alone = ''] = (await account.group({ size: 1 })).instances;
    assert.match(await why(alone), /wants 1 instance/);

    for (const process of ['Launch', 'HealthCheck', 'ReplaceUnhealthy', 'Terminate']) {
      await autoScaling.suspendProcesses({ AutoScalingGroupName, ScalingProcesses: [process] });
      assert.match(await why(), new RegExp(`would not replace it: its process ${process} is suspended`));
      await autoScaling.resumeProcesses({ AutoScalingGroupName, ScalingProcesses: [process] });
    }
    const kept = { AutoScalingGroupName, InstanceIds: [name] };
    await autoScaling.setInstanceProtection({ ...kept, ProtectedFromScaleIn: true });
    assert.match(await why(), /protected from scale-in/);
    await autoScaling.setInstanceProtection({ ...kept, ProtectedFromScaleIn: false });
    await ec2.modifyInstanceAttribute({ InstanceId: name, DisableApiTermination: { Value: true } });
    assert.match(await why(), /protected from being terminated/);
    await ec2.modifyInstanceAttribute({ InstanceId: name, DisableApiTermination: { Value: false } });
    await autoScaling.setInstanceHealth({ InstanceId: name, HealthStatus: 'Unhealthy' });
    assert.match(await why(), /it is not in service in its Auto Scaling group/);
    assert.match(await why(other), /only 1 of 2 instances of its Auto Scaling group \S+ are in service/);
    await autoScaling.setInstanceHealth({ InstanceId: name, HealthStatus: 'Healthy' });

    const allowed = worker.shim.before('ec2:TerminateInstances', (call) =>
      refusal(call, 'UnauthorizedOperation', 'You are not authorized to perform this operation.'),
    );
    assert.match((await worker.whyNot(idOf(name))) ?? '', /this worker may not terminate it: UnauthorizedOperation/);
    allowed();
    await autoScaling.suspendProcesses({ AutoScalingGroupName, ScalingProcesses: ['HealthCheck'] });
    await ec2.stopInstances({ InstanceIds: [name] });
    assert.equal(await why(), 'it is stopped, and not running');
    await ec2.startInstances({ InstanceIds: [name] });
    await autoScaling.resumeProcesses({ AutoScalingGroupName, ScalingProcesses: ['HealthCheck'] });
    assert.equal(await worker.whyNot(idOf(name)), undefined);
    assert.ok(!(await isGone(name)));
  });

  it('who is under another fault, or in a group that replaces nobody for one, is left alone', async () => {
    await using worker = await Mortal.open(account, instanceTerminate);
    await using stopper = await Mortal.open(account, instanceStop);
    const group = await account.group({ size: 3, zones: [A] });
    const [name = '', other = ''] = group.instances;
    const stopped = stopper.fault(idOf(name));
    assert.equal((await stopper.inject(stopped)).result, 'injected');
    const fault = worker.fault(idOf(name));
    assert.equal((await worker.inject(fault)).result, 'occupied');
    assert.deepEqual([...(await worker.driver.occupied([fault.target]))], [[fault.target, stopped.id]]);
    assert.match((await worker.inject(worker.fault(idOf(other)))).detail ?? '', /would not replace it: its process/);
    assert.equal((await worker.revert(fault)).result, 'absent');
    assert.equal((await stopper.renew(stopped))?.result, 'renewed');
    await stopper.reverted(stopped);
    const again = worker.fault(idOf(name));
    assert.equal((await worker.inject(again)).result, 'injected');
    await worker.reverted(again);
  });
});
