/**
 * Templates of FIS that run as faults: which of them do not, what is told of their experiments, and who dies half way. moto's experiments
 * do nothing to anything: it is the states that are tested.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { CreateExperimentTemplateRequest } from '@aws-sdk/client-fis';
import { driver as fis } from '../../activities/faults/aws/fis.ts';
import { awsTargetId } from '../../activities/faults/aws/target.ts';
import type { TargetId } from '../../domain/fault.ts';
import { Account } from './account.ts';
import { Experiments } from './labs/fis.ts';
import { Mortal } from './mortal.ts';
import { whyNoMoto } from './moto.ts';
import { CUT } from './shim.ts';

const NO_CONDITION = { stopConditions: [{ source: 'none' }] };
const acting = (
  actionId: string,
  parameters: Record<string, string> = {},
): Partial<CreateExperimentTemplateRequest> => ({
  actions: { act: { actionId, parameters } },
});

describe('templates of FIS', { skip: await whyNoMoto(), concurrency: 6 }, () => {
  let account: Account;
  let experiments: Experiments;
  before(async () => {
    account = await Account.open();
    experiments = new Experiments(account);
  });
  after(() => account.close());
  const targetOf = (name: string): TargetId => awsTargetId({ region: account.region, kind: 'template', name });
  /** A template, and a fault of it that is on. */
  const on = async (worker: Mortal) => {
    const name = await experiments.template();
    const fault = worker.fault(targetOf(name));
    const { result, detail } = await worker.inject(fault);
    assert.equal(result, 'injected', detail);
    const [id = assert.fail('nothing runs')] = await experiments.running(name);
    return { name, fault, id, detail };
  };
  const tagsOf = async (name: string): Promise<string[]> => {
    const { experimentTemplate } = await (await account.observe.fis()).getExperimentTemplate({ id: name });
    return Object.keys(experimentTemplate?.tags ?? {}).filter((key) => !key.startsWith('squall:ended-'));
  };

  it('one that nobody could end, follow or take back is refused', async () => {
    await using worker = await Mortal.open(account, fis);
    for (const [change, params, why] of [
      [NO_CONDITION, {}, /no stop condition/],
      [NO_CONDITION, { withoutStopConditions: true }, undefined],
      [{ experimentOptions: { accountTargeting: 'multi-account' } }, {}, /other accounts/],
      [acting('aws:ec2:terminate-instances'), {}, /not known to take back aws:ec2:terminate-instances/],
      [acting('aws:ec2:terminate-instances'), { withoutRollback: true }, undefined],
      [acting('aws:ec2:stop-instances'), {}, /not known to take back/],
      [acting('aws:ec2:stop-instances', { startInstancesAfterDuration: 'PT5M' }), {}, undefined],
    ] as const) {
      const target = targetOf(await experiments.template(change));
      const whyNot = await worker.whyNot(target, params);
      if (why === undefined) assert.equal(whyNot, undefined);
      else {
        assert.match(whyNot ?? '', why);
        const { result, detail } = await worker.inject(worker.fault(target, params));
        assert.deepEqual([result, detail], ['failed', whyNot]);
      }
    }
  });

  it('one whose actions are not known to end is refused, whatever AWS has besides', async () => {
    await using worker = await Mortal.open(account, fis);
    const why = async (actionId: string): Promise<string | undefined> =>
      worker.whyNot(targetOf(await experiments.template(acting(actionId, { duration: 'PT5M' }))));
    for (const actionId of [
      ...['aws:ssm:send-command', 'aws:ssm:start-automation-execution', 'aws:eks:inject-kubernetes-custom-resource'],
      ...['aws:ecs:task-kill-process', 'aws:ecs:drain-container-instances', 'aws:ec2:something-new'],
    ]) {
      const told = `FIS is not known to take back ${actionId}: say \`withoutRollback: true\` if that may be`;
      assert.equal(await why(actionId), told);
    }
    for (const actionId of ['aws:ebs:pause-volume-io', 'aws:network:disrupt-connectivity', 'aws:eks:pod-cpu-stress'])
      assert.equal(await why(actionId), undefined);
  });

  it('one of which somebody else has an experiment is refused, as long as it runs', async () => {
    await using worker = await Mortal.open(account, fis);
    const name = await experiments.template();
    const clients = await account.observe.fis();
    const { experiment } = await clients.startExperiment({ experimentTemplateId: name, clientToken: name });
    assert.match((await worker.whyNot(targetOf(name))) ?? '', new RegExp(experiment?.id ?? '?'));
    assert.equal((await worker.inject(worker.fault(targetOf(name)))).result, 'failed');
    assert.deepEqual(await experiments.running(name), [experiment?.id]);
    await clients.stopExperiment({ id: experiment?.id ?? '' });
    experiments.be(experiment?.id ?? '', 'stopped', 'Experiment was stopped.');
    assert.equal(await worker.whyNot(targetOf(name)), undefined);
  });

  it('what it is done to, by what, and what ends it is told', async () => {
    await using worker = await Mortal.open(account, fis);
    const { fault, id, detail } = await on(worker);
    assert.equal(detail, `experiment ${id} of 2 web; wait: running; stop conditions: errors`);
    const reverted = await worker.revert(fault);
    assert.match(reverted.detail ?? '', /was stopped: .*wait: stopped/);
    await worker.reverted(fault);
  });

  for (const [status, reason, told] of [
    ['completed', 'Experiment completed.', /has ended by itself: Experiment completed; wait: completed/],
    ['stopped', 'Experiment halted by stop condition.', /was stopped: .*halted.* \(stop conditions: errors\)/],
    ['failed', 'Target resolution returned empty set.', /has failed: Target resolution/],
  ] as const)
    it(`one whose experiment has ${status} lapses, with what FIS says, and is never started again`, async () => {
      await using worker = await Mortal.open(account, fis);
      const { name, fault, id } = await on(worker);
      experiments.be(id, status, reason);
      const renewed = await worker.renew(fault);
      assert.equal(renewed?.result, 'lapsed');
      assert.match(renewed?.detail ?? '', told);
      const again = await worker.inject(fault);
      assert.equal(again.result, 'failed');
      assert.match(again.detail ?? '', told);
      assert.deepEqual(await experiments.running(name), [id], 'moto has another one');
      await worker.reverted(fault);
      assert.deepEqual(await tagsOf(name), ['Name']);
    });

  it('an answer that was lost starts no second experiment, and the one there is bears the record', async () => {
    await using worker = await Mortal.open(account, fis);
    let lost = 0;
    worker.shim.after('fis:StartExperiment', () => (lost++ < 2 ? CUT : undefined));
    const { name, fault, id } = await on(worker);
    assert.equal(worker.shim.callsOf('fis:StartExperiment').length, 3);
    assert.deepEqual(await experiments.running(name), [id]);
    const { experiment } = await (await account.observe.fis()).getExperiment({ id });
    for (const key of ['squall:fault', 'squall:expires', 'squall:original']) assert.ok(experiment?.tags?.[key], key);
    await worker.reverted(fault);
    assert.deepEqual(await experiments.running(name), []);
  });

  it('one that starts after it was ended is stopped', async () => {
    await using worker = await Mortal.open(account, fis);
    await using survivor = await Mortal.open(account, fis);
    const name = await experiments.template();
    const fault = survivor.fault(targetOf(name));
    const [asked, begun] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
    // It is under way until the fence is there, and has been looked behind.
    survivor.shim.after('fis:ListExperiments', () => void begun.resolve(undefined));
    worker.shim.before('fis:StartExperiment', async () => {
      asked.resolve(undefined);
      return begun.promise;
    });
    const late = worker.inject(fault);
    await asked.promise;
    assert.equal((await survivor.revert(fault)).result, 'reverted');
    assert.equal((await late).result, 'fenced');
    await survivor.reverted(fault);
    assert.deepEqual(await experiments.running(name), []);
    assert.deepEqual(await tagsOf(name), ['Name']);
  });

  it('one that starts after everybody has looked is stopped by whoever sweeps', async () => {
    await using worker = await Mortal.open(account, fis);
    const { name, fault, id } = await on(worker);
    const clients = await account.observe.fis();
    const { experiment } = await clients.getExperiment({ id });
    await worker.reverted(fault);
    // The request of somebody who is dead has waited somewhere until now.
    const late = { experimentTemplateId: name, clientToken: 'late', tags: experiment?.tags ?? {} };
    await clients.startExperiment(late);
    assert.equal((await experiments.running(name)).length, 1);
    await Array.fromAsync(worker.driver.leftovers());
    assert.deepEqual(await experiments.running(name), []);
  });

  it('one whose template is deleted meanwhile is found by its experiment, and stopped', async () => {
    await using worker = await Mortal.open(account, fis);
    await using survivor = await Mortal.open(account, fis);
    const { name, fault } = await on(worker);
    await (await account.observe.fis()).deleteExperimentTemplate({ id: name });
    const found = (await Array.fromAsync(survivor.driver.leftovers())).find((one) => one.fault.id === fault.id);
    assert.ok(found, 'it is not left over');
    await survivor.reverted(found.fault);
    assert.deepEqual(await experiments.running(name), []);
  });

  for (const does of ['inject', 'revert'] as const)
    for (const hasEffect of [false, true])
      it(`${does}: whoever dies ${hasEffect ? 'after' : 'before'} any of its requests, who comes next stops it`, async () => {
        await using survivor = await Mortal.open(account, fis);
        for (let at = 0, lived = false; !lived; at += 1) {
          const name = await experiments.template();
          const fault = survivor.fault(targetOf(name));
          if (does === 'revert') assert.equal((await survivor.inject(fault)).result, 'injected');
          await using mortal = await Mortal.open(account, fis, { at, hasEffect });
          await mortal[does](fault);
          lived = !mortal.isDead;
          await survivor.reverted(fault);
          assert.deepEqual(await experiments.running(name), []);
          assert.deepEqual(await tagsOf(name), ['Name']);
          assert.equal((await survivor.inject(fault)).result, 'fenced');
        }
      });
});
