/** `stop: people`: who may pull the emergency stop, and that nobody else's holds; a lever of one's own needs no key. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { readLatch, stopGuard } from '../../activities/admission/stop.ts';
import { openFileStore } from '../../activities/journal/file.ts';
import type { AuditEntry } from '../../domain/audit.ts';
import { pausing } from '../../bench/torture/experiment.ts';
import { stopId } from '../../domain/emergency-stop.ts';
import { signedText, stopText } from '../../domain/identity.ts';
import { workflowBundle } from '../../workers/bundle.ts';
import { readConfig } from '../../workers/config.ts';
import { policyOf, policySchema } from '../../workers/policy-settings.ts';
import { startStop } from '../../workers/start-stop.ts';
import type { RefusedStop } from '../../workflows/messages.ts';
import { documentOf, Installation, underway } from '../cli/installation.ts';
import { start, squall } from '../cli/squall.ts';
import { until } from '../until.ts';
import { asked } from './asked.ts';

describe('stop: people', () => {
  let installation: Installation<'held'>;
  let carol: Record<string, string>;
  let bob: Record<string, string>;
  const keys = { carol: generateKeyPairSync('ed25519'), bob: generateKeyPairSync('ed25519') };
  const hour = 3_600_000;
  before(async () => {
    Runtime.install({ logger: new DefaultLogger('ERROR') });
    const person = (name: 'carol' | 'bob', may: string): string => {
      const pem = keys[name].publicKey.export({ type: 'spki', format: 'pem' }).toString();
      return `    ${name}: { key: ${JSON.stringify(pem)}, may: [${may}] }\n`;
    };
    const people = person('carol', 'start, stop') + person('bob', 'start');
    installation = await Installation.open(['held'], {
      configuration: `emergencyStop: { file: the-red-one }\npolicy:\n  version: '1'\n  stop: people\n  people:\n${people}`,
    });
    const as = async (name: 'carol' | 'bob'): Promise<Record<string, string>> => {
      const file = join(installation.folder, `${name}.pem`);
      await writeFile(file, keys[name].privateKey.export({ type: 'pkcs8', format: 'pem' }));
      return { ...installation.env, SQUALL_AS: name, SQUALL_KEY: file };
    };
    [carol, bob] = [await as('carol'), await as('bob')];
  });
  after(() => installation.close());

  const audited = (): Promise<AuditEntry[]> =>
    Array.fromAsync(openFileStore(join(installation.lane.folder, 'journal')).audit.entries());
  /** Whether the stop lets a run begin, and one that is under way go on. */
  const seen = async (): Promise<{ begins: boolean; goesOn: boolean }> => {
    const { client, config } = installation.lane;
    const { ask, askAlways = ask } = stopGuard(client, [], policyOf((await readConfig(config)).policy));
    const run = asked(pausing({ fault: 'host/pause', group: 'held', seed: 'any', ttlMs: 30_000 }));
    const signal = new AbortController().signal;
    const [begins, goesOn] = await Promise.all([ask(run, signal), askAlways(run, signal)]);
    return { begins: begins.passed, goesOn: goesOn.passed };
  };
  const isOn = async (): Promise<boolean> => (await readLatch(installation.lane.client, stopId())) !== undefined;

  it('whoever may not is refused and ends no run; whoever may, with a key, ends it', async () => {
    await installation.about('held', '10m', async (file, victims) => {
      await writeFile(file, documentOf('held', '10m'));
      const run = start(['run', file], bob);
      await underway(victims);
      const unreadable = { ...carol, SQUALL_KEY: join(installation.folder, 'none.pem') };
      for (const env of [installation.env, { ...installation.env, SQUALL_AS: 'carol' }, bob, unreadable]) {
        const refused = await squall(['stop', '--reason', 'a fire'], env);
        assert.equal(refused.code, 3, refused.out + refused.err);
        assert.match(refused.out, /may not stop; those who may, with their key: carol\. Nothing is stopped by this/);
      }
      await until(async () => !(await isOn()));
      assert.ok(victims.stopped().length > 0, 'the fault is still on');
      const stopped = await squall(['stop', '--reason', 'a fire'], carol);
      assert.equal(stopped.code, 0, stopped.out + stopped.err);
      assert.match((await run.ended).out, /everything is stopped: a fire, by carol/);
    });
    assert.deepEqual(await seen(), { begins: false, goesOn: false });
    // What holds is kept by anybody, and released by whom the policy lets.
    const kept = await squall(['stop', '--no-wait', '--reason', 'me too'], bob);
    assert.match(kept.out, /STOPPED: everything is stopped: a fire/);
    assert.equal((await squall(['resume', '--reason', 'it is out'], bob)).code, 3);
    const resumed = await squall(['resume', '--reason', 'it is out'], carol);
    assert.equal(resumed.code, 0, resumed.out + resumed.err);
    const refusals = (await audited()).filter(({ what, who }) => what === 'resume' && who === 'the policy');
    assert.equal(refusals.length, 4);
    assert.match(refusals[0]?.why ?? '', /^everything: .* may not stop/);
  });

  it('with no control worker there it holds until one judges it, however late', async () => {
    await installation.lane.kill('control');
    const unsigned = await squall(['stop', '--no-wait', '--reason', 'nobody is there'], bob);
    assert.equal(unsigned.code, 0, unsigned.err);
    assert.ok(await isOn());
    assert.deepEqual(await seen(), { begins: false, goesOn: true }, 'no run begins, and none is ended by it');
    await installation.lane.start('control');
    await until(async () => !(await isOn()));
  });

  it('whoever may stop is heard although somebody who may not was faster', async () => {
    await installation.lane.kill('control');
    const first = await squall(['stop', '--no-wait', '--reason', 'a trick'], bob);
    const second = await squall(['stop', '--no-wait', '--reason', 'a fire'], carol);
    assert.deepEqual([first.code, second.code], [0, 0]);
    assert.deepEqual(await seen(), { begins: false, goesOn: true });
    await installation.lane.start('control');
    await until(async () => (await audited()).some(({ what, why }) => what === 'stop' && why === 'everything: a fire'));
    const resumed = await squall(['resume', '--reason', 'it is out'], carol);
    assert.equal(resumed.code, 0, resumed.out + resumed.err);
    assert.deepEqual(
      (await audited()).slice(-4).map(({ what, who, why }) => [what, who.split(' ')[0], why]),
      [
        ['stop', 'bob', 'everything: a trick'],
        ['resume', 'the', 'everything: bob may not stop; those who may, with their key: carol'],
        ['stop', 'carol', 'everything: a fire'],
        ['resume', 'carol', 'everything: it is out'],
      ],
    );
    const latch = installation.lane.client.workflow.getHandle(stopId());
    const codePath = await workflowBundle();
    await Worker.runReplayHistory({ workflowBundle: { codePath } }, await latch.fetchHistory(), latch.workflowId);
  });

  it('an old signature, or one for another stop, is none', async () => {
    const signed = (site: string, reason: string, signedAtMs: number) => {
      const text = signedText({ act: 'stop', of: stopId(site), what: stopText(reason, signedAtMs) }, 'carol');
      const signature = sign(null, Buffer.from(text), keys.carol.privateKey).toString('base64');
      return { by: 'carol', signature, signedAtMs };
    };
    const { client } = installation.lane;
    const end = async (site: string, proof: ReturnType<typeof signed>): Promise<string> => {
      const latch = await startStop(client, { site, reason: 'a fire', by: 'carol', proof });
      const { forbidden } = (await latch.result()) as RefusedStop;
      const codePath = await workflowBundle();
      await Worker.runReplayHistory({ workflowBundle: { codePath } }, await latch.fetchHistory(), latch.workflowId);
      return forbidden;
    };
    const old = await end('eu', signed('eu', 'a fire', Date.now() - hour));
    assert.equal(old, 'the signature of carol is good for 10m');
    assert.match(await end('eu', signed('us', 'a fire', Date.now())), /^carol \(not authenticated\) may not stop/);
    assert.match(await end('eu', signed('eu', 'a flood', Date.now())), /^carol \(not authenticated\) may not stop/);
  });

  it('a lever of the configuration needs no key, and its name opens nothing while it is not pulled', async () => {
    const file = join(installation.lane.folder, 'the-red-one');
    const name = `the file ${file}`;
    const pretended = await startStop(installation.lane.client, { reason: 'a trick', by: name });
    assert.match(((await pretended.result()) as RefusedStop).forbidden, /may not stop/);
    await writeFile(file, '');
    await until(isOn);
    // Longer than a judgement takes: another one is made meanwhile.
    const other = await startStop(installation.lane.client, { site: 'eu', reason: 'a trick', by: 'mallory' });
    await other.result();
    assert.ok(await isOn());
    await rm(file);
    assert.equal((await squall(['resume', '--reason', 'it was a drill'], carol)).code, 0);
  });

  it('a policy by which nobody could stop is refused', () => {
    const { error } = policySchema.safeParse({ version: '1', stop: 'people' });
    assert.match(error?.issues[0]?.message ?? '', /^expected somebody under `people` who may stop/);
  });
});
