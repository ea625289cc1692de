/** Instances that are stopped: who dies half way, what it takes to serve again, and who must not be. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { driver as instanceStop } from '../../activities/faults/aws/instance-stop.ts';
import { Account } from './account.ts';
import { Mortal } from './mortal.ts';
import { whyNoMoto } from './moto.ts';
import { refusal } from './shim.ts';
import type { Answer, Call } from './shim.ts';
import { WatchedGroups } from './watched-groups.ts';

describe('instances that are stopped', { skip: await whyNoMoto(), concurrency: 6 }, () => {
  let account: Account;
  let groups: WatchedGroups;
  before(async () => {
    account = await Account.open();
    groups = new WatchedGroups(account);
  });
  after(() => account.close());

  /** Answers in place of moto whenever `matches`, until it is called. */
  const answering = (
    worker: Mortal,
    name: string,
    code: string,
    matches: (call: Call) => boolean = () => true,
  ): (() => void) =>
    worker.shim.before(name, (call) => (matches(call) ? refusal(call, code, `The test says ${code}.`) : undefined));
  /** Says something else than moto in its answers, until it is called. */
  const telling = (worker: Mortal, name: string, from: RegExp, to: string): (() => void) =>
    worker.shim.after(name, (_call, answer): Answer => ({ ...answer, body: answer.body.replaceAll(from, to) }));

  it('one that cannot be stopped does not keep the others from it', async () => {
    await using worker = await Mortal.open(account, instanceStop);
    const group = await groups.make(3);
    const [, bad = ''] = group.instances;
    answering(worker, 'ec2:StopInstances', 'OperationNotPermitted', ({ params }) =>
      Object.values(params).includes(bad),
    );
    const faults = group.instances.map((name) => worker.fault(groups.targetOf(name)));
    const done = await worker.driver.inject(faults, worker.attempt());
    assert.deepEqual(
      done.map(({ result }) => result),
      ['injected', 'failed', 'injected'],
    );
    assert.match(done[1]?.detail ?? '', /OperationNotPermitted/);
    for (const fault of faults) await worker.reverted(fault);
    await groups.isAsBefore(group);
  });

  for (const does of ['inject', 'revert'] as const)
    for (const hasEffect of [false, true])
      it(`${does}: whoever dies ${hasEffect ? 'after' : 'before'} any of its requests, who comes next starts it, and lets go`, async () => {
        await using survivor = await Mortal.open(account, instanceStop);
        const group = await groups.make(2);
        const [name = ''] = group.instances;
        for (let at = 0, lived = false; !lived; at += 1) {
          const fault = survivor.fault(groups.targetOf(name));
          if (does === 'revert') assert.equal((await survivor.inject(fault)).result, 'injected');
          await using mortal = await Mortal.open(account, instanceStop, { at, hasEffect });
          await mortal[does](fault);
          lived = !mortal.isDead;
          await survivor.reverted(fault);
          await groups.runs(name);
          await groups.isAsBefore(group);
          assert.equal((await survivor.inject(fault)).result, 'fenced');
        }
      });

  it('it is asked to start until there is capacity, and its group is held for as long', async () => {
    await using worker = await Mortal.open(account, instanceStop);
    const group = await groups.make(2);
    const [name = ''] = group.instances;
    const fault = worker.fault(groups.targetOf(name));
    assert.equal((await worker.inject(fault)).result, 'injected');
    const enough = answering(worker, 'ec2:StartInstances', 'InsufficientInstanceCapacity');
    const [outcome] = await worker.driver.revert([fault], worker.attempt(5_000));
    assert.equal(outcome?.result, 'failed');
    assert.match(outcome?.detail ?? '', /InsufficientInstanceCapacity/);
    assert.equal(await worker.verify(fault), 'active');
    assert.ok(worker.shim.callsOf('ec2:StartInstances').length > 1);
    assert.deepEqual(await groups.suspended(group), groups.meanwhile);
    enough();
    await worker.reverted(fault);
    await groups.runs(name);
    await groups.isAsBefore(group);
  });

  it('one that does not stay up, as where nobody may use the key of its volumes, is told in EC2’s words', async () => {
    await using worker = await Mortal.open(account, instanceStop);
    const name = await account.instance();
    const fault = worker.fault(groups.targetOf(name));
    assert.equal((await worker.inject(fault)).result, 'injected');
    const [code, message] = ['Client.InternalError', 'Client.InternalError: Client error on launch'];
    // It starts, and moments later it is stopped again.
    const failing = worker.shim.before('ec2:StartInstances', (call) => ({
      ...refusal(call, 'None', ''),
      status: 200,
      body: '<StartInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><instancesSet/></StartInstancesResponse>',
    }));
    const [ours] = await worker.driver.revert([fault], worker.attempt(2_000));
    assert.equal(`${ours?.result}: ${ours?.detail}`, 'failed: it is being started');
    const told = worker.shim.after('ec2:DescribeInstances', (_call, answer): Answer => {
      const body = answer.body
        .replaceAll(/<stateReason>.*?<\/stateReason>|<stateReason\/>/gs, '')
        .replaceAll(
          /(<\/instanceState>)/g,
          `$1<stateReason><code>${code}</code><message>${message}</message></stateReason>`,
        );
      return { ...answer, body };
    });
    const [theirs] = await worker.driver.revert([fault], worker.attempt(2_000));
    assert.equal(`${theirs?.result}: ${theirs?.detail}`, `failed: it is being started; EC2 says: ${message}`);
    told();
    failing();
    await worker.reverted(fault);
    await groups.runs(name);
  });

  it('it is waited for until it serves as it did, and its group takes it for healthy', async () => {
    await using worker = await Mortal.open(account, instanceStop);
    const group = await groups.make(2);
    const [name = ''] = group.instances;
    await account.targetGroup([name]);
    const fault = worker.fault(groups.targetOf(name));
    assert.equal((await worker.inject(fault)).result, 'injected');
    const autoScaling = await account.observe.autoScaling();
    await autoScaling.setInstanceHealth({ InstanceId: name, HealthStatus: 'Unhealthy' });
    const why = async (): Promise<string> => {
      const [outcome] = await worker.driver.revert([fault], worker.attempt(4_000));
      assert.equal(outcome?.result, 'failed');
      assert.deepEqual(await groups.suspended(group), groups.meanwhile);
      assert.equal(await worker.verify(fault), 'active');
      return outcome.detail ?? '';
    };
    const checked = telling(worker, 'ec2:DescribeInstanceStatus', /<status>ok</g, '<status>initializing<');
    assert.match(await why(), /status checks say initializing/);
    checked();
    const served = telling(worker, 'elasticloadbalancing:DescribeTargetHealth', /<State>healthy</g, '<State>initial<');
    assert.match(await why(), /it is initial in target group targets-/);
    served();
    await worker.reverted(fault);
    const { AutoScalingInstances = [] } = await autoScaling.describeAutoScalingInstances({ InstanceIds: [name] });
    assert.equal(AutoScalingInstances[0]?.HealthStatus, 'Healthy');
    await groups.isAsBefore(group);
  });

  it('what others do meanwhile is theirs, and told', async () => {
    await using worker = await Mortal.open(account, instanceStop);
    const { observe } = account;
    const group = await groups.make(2);
    const [name = '', other = ''] = group.instances;
    const TargetGroupArn = await account.targetGroup([name]);
    const [fault, second] = [worker.fault(groups.targetOf(name)), worker.fault(groups.targetOf(other))];
    assert.equal((await worker.inject(fault)).result, 'injected');
    assert.equal((await worker.inject(second)).result, 'injected');
    await (await observe.ec2()).startInstances({ InstanceIds: [name] });
    assert.equal((await worker.renew(fault))?.detail, 'somebody else has started it');
    await (await observe.loadBalancing()).deregisterTargets({ TargetGroupArn, Targets: [{ Id: name }] });
    const { result, detail } = await worker.revert(fault);
    assert.deepEqual(
      [result, detail?.replace(/targets-\S+/, 'T')],
      ['reverted', 'somebody else has taken it out of target group T'],
    );
    const resumed = { AutoScalingGroupName: group.name, ScalingProcesses: ['ReplaceUnhealthy'] };
    await (await observe.autoScaling()).resumeProcesses(resumed);
    assert.match((await worker.renew(second))?.detail ?? '', /somebody else has resumed its processes/);
    await worker.reverted(second);
    await groups.isAsBefore(group);
  });

  it('a group that is deleted meanwhile is nobody who replaces', async () => {
    await using worker = await Mortal.open(account, instanceStop);
    const name = await account.instance();
    const alone = worker.fault(groups.targetOf(name), { force: true });
    assert.equal((await worker.inject(alone)).result, 'injected');
    assert.equal(worker.shim.callsOf('ec2:StopInstances')[0]?.params['Force'], 'true');
    assert.equal((await worker.renew(alone))?.result, 'renewed');
    await worker.reverted(alone);
    await groups.runs(name);
    assert.deepEqual(worker.shim.callsOf('autoscaling:SuspendProcesses'), []);

    const group = await groups.make(2);
    const [member = ''] = group.instances;
    const fault = worker.fault(groups.targetOf(member));
    assert.equal((await worker.inject(fault)).result, 'injected');
    const autoScaling = await account.observe.autoScaling();
    const of = { AutoScalingGroupName: group.name };
    await autoScaling.detachInstances({ ...of, InstanceIds: [member], ShouldDecrementDesiredCapacity: true });
    await autoScaling.deleteAutoScalingGroup({ ...of, ForceDelete: true });
    assert.equal((await worker.renew(fault))?.result, 'renewed');
    await worker.reverted(fault);
    await groups.runs(member);
  });

  it('who could not be started again, or would lose something, is refused, and so is who may not', async () => {
    await using worker = await Mortal.open(account, instanceStop);
    const ec2 = await account.observe.ec2();
    const spot = groups.targetOf(await account.instance({ spot: true }));
    assert.match((await worker.whyNot(spot)) ?? '', /a spot instance: only those on demand/);
    assert.equal((await worker.inject(worker.fault(spot))).detail, await worker.whyNot(spot));

    const { Instances } = await ec2.runInstances({
      ...{ ImageId: 'ami-0123456789abcdef0', InstanceType: 'm5d.large', MinCount: 1, MaxCount: 1 },
      SubnetId: Object.values(account.network.subnets)[0],
    });
    const stores = groups.targetOf(Instances?.[0]?.InstanceId ?? '');
    assert.match((await worker.whyNot(stores)) ?? '', /instance store volumes would be lost/);
    assert.equal((await worker.inject(worker.fault(stores))).detail, await worker.whyNot(stores));
    assert.equal(await worker.whyNot(stores, { instanceStores: true }), undefined);

    const name = await account.instance();
    const plain = groups.targetOf(name);
    assert.equal(await worker.whyNot(plain), undefined);
    await ec2.modifyInstanceAttribute({ InstanceId: name, DisableApiStop: { Value: true } });
    assert.match((await worker.whyNot(plain)) ?? '', /protected from being stopped/);
    await ec2.modifyInstanceAttribute({ InstanceId: name, DisableApiStop: { Value: false } });
    for (const deed of ['Stop', 'Start']) {
      const allowed = answering(worker, `ec2:${deed}Instances`, 'UnauthorizedOperation');
      assert.match((await worker.whyNot(plain)) ?? '', new RegExp(`may not ${deed.toLowerCase()} it: Unauthorized`));
      allowed();
    }
    const rooted = telling(worker, 'ec2:DescribeInstances', /<rootDeviceType>ebs</g, '<rootDeviceType>instance-store<');
    assert.match((await worker.whyNot(plain)) ?? '', /root device is no EBS volume/);
    rooted();
    const checked = telling(worker, 'ec2:DescribeInstanceStatus', /<status>ok</g, '<status>impaired<');
    assert.match((await worker.inject(worker.fault(plain))).detail ?? '', /status checks say impaired/);
    checked();
    await ec2.stopInstances({ InstanceIds: [name] });
    assert.equal((await worker.inject(worker.fault(plain))).detail, 'it is stopped, and not running');

    const group = await groups.make(2);
    const [standby = ''] = group.instances;
    await (
      await account.observe.autoScaling()
    ).enterStandby({
      ...{ AutoScalingGroupName: group.name, InstanceIds: [standby], ShouldDecrementDesiredCapacity: true },
    });
    assert.match(
      (await worker.inject(worker.fault(groups.targetOf(standby)))).detail ?? '',
      /not in service in its Auto Scaling group/,
    );
    await groups.runs(standby);
  });
});
