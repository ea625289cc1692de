/** Whether a worker serves a queue, as a real server knows it: who died is remembered for minutes, and told from who lives. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Lane } from '../../bench/torture/lane.ts';
import { requireWorkers } from '../../starters/reach.ts';
import { until } from '../until.ts';

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

/** What is said of the queues; nothing where each is served. */
const said = (goneMs?: number): Promise<string> =>
  requireWorkers(lane.client, QUEUES, goneMs).then(
    () => '',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );

/** A worker is started a moment before the server hears of it. */
async function comesToSay(words: RegExp, goneMs?: number): Promise<void> {
  await until(async () => words.test(await said(goneMs)));
}

it('a worker that died is found out by what another has asked since, and one that serves is not', async () => {
  for (const [dies, lives, words] of [
    ['site', 'control', /^no worker serves site\/torture any more: .* Start one with `squall worker --site torture`/],
    ['control', 'site', /^no worker serves control any more: .* Start one with `squall worker --control`/],
  ] as const) {
    await comesToSay(/^$/);
    await lane.kill(dies);
    await sleep(2 * GONE_MS);
    // Has it ask anew.
    await lane.kill(lives);
    await lane.start(lives);
    await comesToSay(words, GONE_MS);
    await lane.start(dies);
  }
  await comesToSay(/^$/);
});
