/** Recorded histories of every released version replay with the workflows as they are now. */
import assert from 'node:assert/strict';
import { glob } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import type { Payload } from '@temporalio/common';
import { bundleWorkflowCode, DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { packing } from '../../activities/packing.ts';
import { workflowBundle } from '../../workers/bundle.ts';
import { ROOT } from '../readme/blocks.ts';
import { HISTORIES, recorded } from './record.ts';

const files = (await Array.fromAsync(glob('**/*.binpb', { cwd: HISTORIES }))).toSorted();

describe('replay', () => {
  let workflows: string;
  before(async () => {
    Runtime.install({ logger: new DefaultLogger('ERROR') });
    workflows = await workflowBundle();
  });

  it('there are histories of every workflow that lasts', () => {
    const kinds = new Set(files.map((file) => file.split('.').at(-2)));
    assert.deepEqual([...kinds].toSorted(), [
      'acknowledge',
      'budget',
      'day',
      'janitor',
      'lease',
      'notices',
      'program',
      'run',
      'stop',
    ]);
  });

  for (const file of files) {
    it(file, async () => {
      const history = await recorded(file);
      // Ids are derived from the run's, so it must have the one that it had.
      const id = history.events?.[0]?.workflowExecutionStartedEventAttributes?.workflowId ?? assert.fail('no start');
      await Worker.runReplayHistory({ workflowBundle: { codePath: workflows } }, history, id);
    });
  }

  it('what travels packed replays as it does when it does not', async () => {
    const file = files.find((name) => name.endsWith('passing.run.binpb')) ?? assert.fail();
    const history = await recorded(file);
    const id = history.events?.[0]?.workflowExecutionStartedEventAttributes?.workflowId ?? assert.fail('no start');
    const all = packing(0);
    let packed = 0;
    const pack = async (value: unknown): Promise<void> => {
      if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return;
      if ('payloads' in value && Array.isArray(value.payloads)) {
        packed += value.payloads.length;
        value.payloads = await all.encode(value.payloads as Payload[]);
      }
      for (const inner of Object.values(value)) await pack(inner);
    };
    await pack(history.events);
    assert.ok(packed > 10);
    const replaying = { workflowBundle: { codePath: workflows }, dataConverter: { payloadCodecs: [all] } };
    await Worker.runReplayHistory(replaying, history, id);
    await assert.rejects(Worker.runReplayHistory({ workflowBundle: { codePath: workflows } }, history, id));
  });

  it('a workflow that cannot replay is found out', async () => {
    const wedged = await bundleWorkflowCode({
      workflowsPath: join(ROOT, 'bench', 'torture', 'wedged-workflows.ts'),
      logger: new DefaultLogger('ERROR'),
    });
    const file = files.find((name) => name.endsWith('.run.binpb')) ?? assert.fail();
    const replaying = Worker.runReplayHistory({ workflowBundle: wedged }, await recorded(file));
    await assert.rejects(replaying, { name: 'DeterminismViolationError' });
  });
});
