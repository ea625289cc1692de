/**
 * Faults that are scripts on instances: how they are told to many, to one that does not answer, and who dies half way. The scripts are run
 * for real, on this machine; what they do is shown in `on-instance.test.ts`.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { driver as cpu } from '../../activities/faults/aws/instance-cpu.ts';
import { driver as memory } from '../../activities/faults/aws/instance-memory.ts';
import { LATE_MS } from '../../activities/faults/aws/ssm-commands.ts';
import { awsTargetId } from '../../activities/faults/aws/target.ts';
import type { Fault, TargetId } from '../../domain/fault.ts';
import { until } from '../until.ts';
import { Account } from './account.ts';
import { Agents } from './agent.ts';
import { whyNoScripts } from './labs/scripts.ts';
import { Mortal } from './mortal.ts';
import { whyNoMoto } from './moto.ts';
import { linesOf } from './on-instance.ts';
import { CUT } from './shim.ts';
import type { Answer, Call } from './shim.ts';

const LITTLE = { percent: 5, cores: 1 };
/** As long as a busy machine needs to put something on, in milliseconds. */
const SHORT_TTL_MS = 8_000;
/** More than one command, or one filter, may have. */
const MANY = 120;

const SKIP = (await whyNoMoto()) || whyNoScripts('setsid');
describe('scripts on instances', { skip: SKIP, concurrency: 3 }, () => {
  let account: Account;
  let agents: Agents;
  const ids: string[] = [];
  before(async () => {
    account = await Account.open();
    agents = Agents.of(account);
  });
  after(async () => {
    await agents.close(ids);
    await account.close();
  });
  const instance = async (): Promise<{ name: string; target: TargetId }> => {
    const name = await account.instance();
    agents.add(name);
    ids.push(name);
    return { name, target: targetOf(name) };
  };
  const targetOf = (name: string): TargetId => awsTargetId({ region: account.region, kind: 'instance', name });
  const isHarmed = (name: string): boolean =>
    agents.processes(name).some((pid) => linesOf(`/proc/${pid}/cmdline`, '\0').includes('burn'));
  const isFree = async (name: string): Promise<boolean> => {
    const { Tags = [] } = await (
      await account.observe.ec2()
    ).describeTags({
      Filters: [{ Name: 'resource-id', Values: [name] }],
    });
    return !Tags.some(({ Key = '' }) => /^squall:(?:fault|expires|original)/.test(Key));
  };
  const short = (fault: Fault<unknown>): Fault<unknown> => ({
    ...fault,
    ttlMs: SHORT_TTL_MS,
    notAfterMs: SHORT_TTL_MS,
  });

  it('one whose agent is not there, or does not answer, is refused, and does not keep the others from it', async () => {
    await using worker = await Mortal.open(account, cpu);
    const [there, away] = [await instance(), await instance()];
    const strange = targetOf(await account.instance());
    agents.cutOff(away.name);
    assert.equal(await worker.whyNot(there.target, LITTLE), undefined);
    assert.match((await worker.whyNot(away.target, LITTLE)) ?? '', /does not answer: ConnectionLost/);
    assert.match((await worker.whyNot(strange, LITTLE)) ?? '', /no agent/);
    const faults = [there.target, strange].map((target) => worker.fault(target, LITTLE));
    const [on, off] = await worker.driver.inject(faults, worker.attempt());
    assert.equal(on?.result, 'injected');
    assert.match(`${off?.result ?? ''}: ${off?.detail ?? ''}`, /^failed: it has no agent/);
    for (const fault of faults) await worker.reverted(fault);
  });

  it('a command that was not handed over is called off where nobody waits for it any more', async () => {
    await using worker = await Mortal.open(account, cpu);
    const { name, target } = await instance();
    agents.cutOff(name, false);
    const fault = worker.fault(target, LITTLE);
    const { result, detail } = await worker.inject(fault, 4_000);
    assert.equal(result, 'failed');
    assert.match(detail ?? '', /not answered in time: Pending/);
    agents.back(name);
    await worker.reverted(fault);
    assert.equal(isHarmed(name), false);
  });

  it('a command that is handed over late does its harm for as long as it was given, and is taken off by whoever comes', async () => {
    await using worker = await Mortal.open(account, cpu);
    const { name, target } = await instance();
    agents.cutOff(name, false);
    worker.shim.before('ssm:CancelCommand', () => CUT);
    const fault = worker.fault(target, LITTLE);
    assert.equal((await worker.inject(fault, 4_000)).result, 'failed');
    const reverted = await worker.revert(fault, 6_000);
    assert.equal(reverted.result, 'failed');
    assert.match(reverted.detail ?? '', /the instance ends it by itself by \d/);
    assert.equal(await worker.verify(fault), 'active');
    // What puts it on is handed over before what takes it off, or after it.
    agents.back(name);
    await worker.reverted(fault);
    assert.equal(isHarmed(name), false);
    assert.equal((await worker.inject(fault)).result, 'fenced');
  });

  it('one that does not answer has ended it once its time is over, and not before', async () => {
    await using worker = await Mortal.open(account, cpu);
    const { name, target } = await instance();
    const fault = short(worker.fault(target, LITTLE));
    assert.equal((await worker.inject(fault)).result, 'injected');
    agents.cutOff(name);
    await until(() => agents.processes(name).length === 0, 'it ends by itself');
    assert.equal((await worker.revert(fault, 6_000)).result, 'failed');
    assert.equal(await worker.verify(fault), 'active');
    let laterMs = 0;
    worker.shim.after('*', (_call, answer) => later(answer, laterMs));
    laterMs = SHORT_TTL_MS + LATE_MS;
    await until(async () => (await worker.revert(fault, 6_000)).result === 'absent', 'its time is over');
    assert.equal(await worker.verify(fault), 'absent');
    assert.ok(await isFree(name));
  });

  it('of one that is stopped or terminated nothing is left, and nobody is asked', async () => {
    await using worker = await Mortal.open(account, cpu);
    const ec2 = await account.observe.ec2();
    for (const end of [ec2.stopInstances.bind(ec2), ec2.terminateInstances.bind(ec2)]) {
      const { name, target } = await instance();
      const fault = worker.fault(target, LITTLE);
      assert.equal((await worker.inject(fault)).result, 'injected');
      await end({ InstanceIds: [name] });
      await agents.end(name);
      const asked = worker.shim.callsOf('ssm:SendCommand').length;
      assert.notEqual((await worker.renew(fault))?.result, 'renewed');
      await worker.reverted(fault);
      assert.equal(worker.shim.callsOf('ssm:SendCommand').length, asked);
    }
  });

  it('an instance holds one fault, whatever kind it is; a fault whose tags somebody deleted is taken off all the same', async () => {
    await using worker = await Mortal.open(account, cpu);
    await using other = await Mortal.open(account, memory);
    const { name, target } = await instance();
    const fault = worker.fault(target, LITTLE);
    assert.equal((await worker.inject(fault)).result, 'injected');
    const second = other.fault(target, { megabytes: 1 });
    assert.match((await other.inject(second)).detail ?? '', /^aws\/instance-cpu /);
    const ec2 = await account.observe.ec2();
    const { Tags = [] } = await ec2.describeTags({ Filters: [{ Name: 'resource-id', Values: [name] }] });
    const ours = Tags.flatMap(({ Key = '' }) => (Key.startsWith('squall:') ? [{ Key }] : []));
    await ec2.deleteTags({ Resources: [name], Tags: ours });
    const renewed = await worker.renew(fault);
    assert.deepEqual([renewed?.result, renewed?.detail], ['lapsed', 'its record is not on the instance']);
    assert.equal(isHarmed(name), true);
    await worker.reverted(fault);
    assert.equal(isHarmed(name), false);
  });

  it('an answer that was lost is asked for again, and nothing is done twice; complaints of a shell do not hide it', async () => {
    await using worker = await Mortal.open(account, cpu);
    const { name, target } = await instance();
    let lost = 0;
    worker.shim.after('ssm:SendCommand', () => (lost++ === 0 ? CUT : undefined));
    worker.shim.after('ssm:ListCommandInvocations', (_call, answer) => ({
      ...answer,
      body: answer.body.replaceAll(/"Output":"([^"\\]|\\.)+/g, '$&\\n----------ERROR-------\\nsh: a complaint\\n'),
    }));
    const fault = worker.fault(target, LITTLE);
    const { result, detail } = await worker.inject(fault);
    assert.equal(result, 'injected', detail);
    assert.equal(worker.shim.callsOf('ssm:SendCommand').length, 2);
    const loops = agents.processes(name).filter((pid) => linesOf(`/proc/${pid}/cmdline`, '\0').includes('burn'));
    assert.equal(loops.length, 1);
    await worker.reverted(fault);
  });

  for (const does of ['inject', 'revert'] as const)
    for (const hasEffect of [false, true])
      it(`${does}: whoever dies ${hasEffect ? 'after' : 'before'} any of its requests, who comes next takes it off`, async () => {
        await using survivor = await Mortal.open(account, cpu);
        const { name, target } = await instance();
        for (let at = 0, lived = false; !lived; at += 1) {
          const fault = survivor.fault(target, LITTLE);
          if (does === 'revert') assert.equal((await survivor.inject(fault)).result, 'injected');
          await using mortal = await Mortal.open(account, cpu, { at, hasEffect });
          await mortal[does](fault);
          lived = !mortal.isDead;
          await survivor.reverted(fault);
          assert.equal(isHarmed(name), false);
          assert.ok(await isFree(name));
          assert.equal((await survivor.inject(fault)).result, 'fenced');
        }
      });
});

describe('scripts on many instances', { skip: await whyNoMoto() }, () => {
  it('are told by few commands, each of which finds its own fault', async () => {
    await using closing = new AsyncDisposableStack();
    const account = await Account.open({ requestTimeout: 30_000 });
    closing.defer(() => account.close());
    const told: { readonly verb: string; readonly instances: readonly string[]; readonly command: string }[] = [];
    const results = { 'put-on': 'injected', renew: 'renewed', 'take-off': 'reverted', look: 'absent' };
    account.shim.before('ssm:SendCommand', ({ params }: Call) => {
      const { InstanceIds, Parameters } = params as { InstanceIds: string[]; Parameters: { commands: string[] } };
      const command = Parameters.commands.join('\n');
      const [, verb = ''] = /\nsh "\$squall" '([a-z-]+)'/.exec(command) ?? [];
      told.push({ verb, instances: InstanceIds, command });
      return json({ Command: { CommandId: String(told.length - 1) } });
    });
    account.shim.before('ssm:ListCommandInvocations', ({ params }: Call) => {
      const { verb = '', instances = [] } = told[Number(params['CommandId'])] ?? {};
      const result = results[verb as keyof typeof results];
      const CommandPlugins = [{ Output: `{"squall":1,"result":"${result}"}\n` }];
      return json({
        CommandInvocations: instances.map((InstanceId) => ({ InstanceId, Status: 'Success', CommandPlugins })),
      });
    });
    account.shim.before('ssm:DescribeInstanceInformation', ({ params }: Call) => {
      const [{ Values = [] } = {}] = params['Filters'] as { Values?: string[] }[];
      return json({ InstanceInformationList: Values.map((InstanceId) => ({ InstanceId, PingStatus: 'Online' })) });
    });
    const names = await Promise.all(Array.from({ length: MANY }, () => account.instance()));
    await using worker = await Mortal.open(account, cpu);
    const faults = names.map((name) => ({
      ...worker.fault(awsTargetId({ region: account.region, kind: 'instance', name }), LITTLE),
      ttlMs: 60_000,
    }));
    const attempt = worker.attempt();
    const all = (outcomes: readonly { readonly result: string }[]): string[] => [
      ...new Set(outcomes.map(({ result }) => result)),
    ];
    assert.deepEqual(all(await worker.driver.inject(faults, attempt)), ['injected']);
    const moved = worker.shim.callsOf('ec2:CreateTags').length;
    assert.deepEqual(all((await worker.driver.renew?.(faults, attempt)) ?? []), ['renewed']);
    const movedBy = worker.shim.callsOf('ec2:CreateTags').length - moved;
    assert.equal(movedBy, Math.ceil(MANY / 100), 'they are moved together');
    assert.deepEqual(all(await worker.driver.revert(faults, attempt)), ['reverted']);
    assert.deepEqual([...new Set(await worker.driver.verify(faults, attempt))], ['absent']);
    for (const verb of Object.keys(results)) {
      const commands = told.filter((one) => one.verb === verb);
      assert.equal(commands.length, Math.ceil(MANY / 50), verb);
      assert.deepEqual(commands.flatMap(({ instances }) => instances).toSorted(), names.toSorted());
      for (const { instances, command } of commands)
        for (const name of instances) assert.ok(command.includes(`for=${name}:`));
    }
  });
});

function later(answer: Answer, ms: number): Answer {
  const date = new Date(Date.now() + ms).toUTCString();
  return { ...answer, headers: { ...answer.headers, date } };
}

function json(body: unknown): Answer {
  return { status: 200, headers: { 'content-type': 'application/x-amz-json-1.1' }, body: JSON.stringify(body) };
}
