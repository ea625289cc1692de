/** The latch of an emergency stop against those who would open it: by an old signature, another name, or past Squall. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { WorkflowHandle } from '@temporalio/client';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { readLatch } from '../../activities/admission/stop.ts';
import { openFileStore } from '../../activities/journal/file.ts';
import type { Lane } from '../../bench/torture/lane.ts';
import type { AuditEntry } from '../../domain/audit.ts';
import { stopId } from '../../domain/emergency-stop.ts';
import { answeredText, signedText } from '../../domain/identity.ts';
import { CONTROL_QUEUE } from '../../domain/queues.ts';
import { workflowBundle } from '../../workers/bundle.ts';
import { pullStop, startStop } from '../../workers/start-stop.ts';
import { refusedResumeQuery, resumeSignal } from '../../workflows/messages.ts';
import type { RefusedResume, Resume, Resumed } from '../../workflows/messages.ts';
import { Installation } from '../cli/installation.ts';
import { until } from '../until.ts';

describe('the latch of an emergency stop', () => {
  let installation: Installation<'any'>;
  let lane: Lane;
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  before(async () => {
    Runtime.install({ logger: new DefaultLogger('ERROR') });
    const key = JSON.stringify(publicKey.export({ type: 'spki', format: 'pem' }).toString());
    installation = await Installation.open(['any'], {
      configuration: `policy:\n  version: '1'\n  people: { alice: { key: ${key}, may: [stop] } }\n`,
    });
    ({ lane } = installation);
  });
  after(() => installation.close());

  /** What alice signs to release the stop of `site`. */
  function signed(site: string, execution: string, reason: string): Resume {
    const text = signedText({ act: 'resume', of: stopId(site), what: answeredText(reason, execution) }, 'alice');
    return { by: 'alice', reason, signature: sign(null, Buffer.from(text), privateKey).toString('base64') };
  }

  async function audited(site: string): Promise<AuditEntry[]> {
    const entries = await Array.fromAsync(openFileStore(join(lane.folder, 'journal')).audit.entries());
    return entries.filter(({ why }) => why?.startsWith(`site ${site}: `));
  }

  const refusal = async (latch: WorkflowHandle): Promise<string | undefined> =>
    (await latch.query<RefusedResume | null>(refusedResumeQuery).catch(() => null))?.why;

  it('a signature to release it is good until it is pulled again, and no longer', async () => {
    const site = 'twice';
    const latch = await startStop(lane.client, { site, reason: 'the first', by: 'a test' });
    const { runId } = await latch.describe();
    const once = signed(site, runId, 'it is over');
    await until(async () => (await audited(site)).length === 1);
    // Nobody is there, so that all of it is heard together, in this order.
    await lane.kill('control');
    await latch.signal(resumeSignal, once);
    await pullStop(lane.client, { site, reason: 'it is back', by: 'a test' });
    await latch.signal(resumeSignal, once);
    // Another way to write the same signature.
    await latch.signal(resumeSignal, { ...once, signature: `${once.signature}=` });
    await lane.start('control');
    await until(async () => (await latch.query<RefusedResume | null>(refusedResumeQuery))?.times === 2);
    assert.equal(await refusal(latch), 'this was signed before it was stopped again; sign another reason');
    assert.equal((await latch.describe()).status.name, 'RUNNING');
    await latch.signal(resumeSignal, signed(site, runId, 'now it is'));
    const { reason } = (await latch.result()) as Resumed;
    assert.equal(reason, 'now it is');
    const codePath = await workflowBundle();
    await Worker.runReplayHistory({ workflowBundle: { codePath } }, await latch.fetchHistory(), latch.workflowId);
  });

  it('is of the site that it is called by, whatever it was started with', async () => {
    const site = 'called';
    const latch = await lane.client.workflow.start('emergencyStop', {
      workflowId: stopId(site),
      taskQueue: CONTROL_QUEUE,
      args: [{ site: 'another', reason: 'a trick', by: 'mallory' }],
    });
    // It carries nothing for whoever looks at it from outside, and is one all the same.
    const seen = await readLatch(lane.client, stopId(site));
    assert.deepEqual([seen?.site, seen?.reason], [site, 'no reason was given']);
    await latch.signal(resumeSignal, signed(site, latch.firstExecutionRunId, 'it was one'));
    await latch.result();
    assert.deepEqual(
      (await audited(site)).map(({ what, why }) => [what, why]),
      [
        ['stop', 'site called: a trick'],
        ['resume', 'site called: it was one'],
      ],
    );
  });

  it('that somebody ends in Temporal is audited as ended, once', async () => {
    const site = 'lost';
    const latch = await startStop(lane.client, { site, reason: 'checkout is down', by: 'a test' });
    await until(async () => (await audited(site)).length === 1);
    await latch.terminate();
    // The server's list of what is over may be late.
    const inList = async (): Promise<boolean> => {
      const query = `WorkflowId = '${latch.workflowId}' AND ExecutionStatus = 'Terminated'`;
      return (await lane.client.workflow.count(query)).count === 1;
    };
    await until(inList);
    for (const _ of [1, 2]) {
      await lane.kill('control');
      await lane.start('control');
      await until(async () => (await audited(site)).length > 1);
    }
    // A stop behind it in the chain: whatever was to be appended before it has been.
    const next = await startStop(lane.client, { site, reason: 'again', by: 'a test' });
    await until(async () => (await audited(site)).some(({ why }) => why === 'site lost: again'));
    await next.signal(resumeSignal, signed(site, (await next.describe()).runId, 'over'));
    await next.result();
    assert.deepEqual(
      (await audited(site)).map(({ what, why }) => [what, why]),
      [
        ['stop', 'site lost: checkout is down'],
        ['resume', 'site lost: terminated in Temporal, not released by `squall resume`'],
        ['stop', 'site lost: again'],
        ['resume', 'site lost: over'],
      ],
    );
  });
});
