/** Whether a worker serves a queue, as a real server knows it: who died is remembered for minutes, and told from who lives. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Lane } from '../../bench/torture/lane.ts';
import { requireWorkers } from '../../starters/reach.ts';

const QUEUES = ['control', 'site/torture'];
/** As if a worker asked again within a second, and not within a minute. */
const GONE_MS = 1_000;

let folder: string;
let lane: Lane;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'squall-reach-'));
  lane = new Lane(folder, 'reach', { groups: ['any'] });
  await lane.up();
});
after(async () => {
  await lane.down();
  await rm(folder, { recursive: true, force: true });
});

/** Has a worker ask anew, some time after whatever was before. */
async function anew(part: 'control' | 'site'): Promise<void> {
  await sleep(2 * GONE_MS);
  await lane.kill(part);
  await lane.start(part);
}

it('a worker that died is found out by what another has asked since, and one that serves is not', async () => {
  await requireWorkers(lane.client, QUEUES);
  await lane.kill('site');
  await anew('control');
  await assert.rejects(requireWorkers(lane.client, QUEUES, GONE_MS), {
    name: 'Unreachable',
    message:
      /^no worker serves site\/torture any more: the last one is gone\. Start one with `squall worker --site torture`/,
  });
  await lane.start('site');
  await requireWorkers(lane.client, QUEUES);
  await lane.kill('control');
  await anew('site');
  await assert.rejects(requireWorkers(lane.client, QUEUES, GONE_MS), { message: /^no worker serves control any more/ });
  await lane.start('control');
  await requireWorkers(lane.client, QUEUES);
});
