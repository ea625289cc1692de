/** Levers of one's own: each is a latch once it has been seen, and one that cannot be read lets nobody in. */
import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import type { Lane } from '../../bench/torture/lane.ts';
import { readLatch } from '../../activities/admission/stop.ts';
import type { RunResult } from '../../workflows/messages.ts';
import { saying, startServer } from '../probes/server.ts';
import type { TestServer } from '../probes/server.ts';
import { until } from '../until.ts';
import { StopScenes } from './stop-scenes.ts';

const GROUPS = ['named', 'configured', 'probe', 'odd', 'unreadable-file', 'unreadable-probe', 'long'] as const;

describe('a lever of one’s own', () => {
  let scenes: StopScenes<(typeof GROUPS)[number]>;
  let lane: Lane;
  let server: TestServer;
  let named: string;
  let configured: string;
  const reads = (body: string): void => server.answer(saying(body, 200, 'application/json'));
  before(async () => {
    server = await startServer(saying('{"pulled":0}', 200, 'application/json'));
    scenes = await StopScenes.open(GROUPS, {
      probes: `  button: { type: http, url: '${server.url}', jsonPointer: /pulled, unit: count, timeout: 4s }\n`,
      configuration: 'emergencyStop: { file: levers/the-big-red-one, probe: button }\n',
    });
    ({ lane } = scenes);
    configured = join(scenes.folder, 'levers', 'the-big-red-one');
    named = join(scenes.folder, 'the-other');
    // The workers inherit the environment; the control worker reads it when it starts.
    process.env['SQUALL_STOP'] = named;
    await lane.stop('control');
    await lane.start('control');
  });
  after(async () => {
    delete process.env['SQUALL_STOP'];
    await scenes.close();
    await server.close();
  });
  afterEach(async () => {
    for (const path of [named, join(scenes.folder, 'levers')]) await rm(path, { recursive: true, force: true });
    reads('{"pulled":0}');
    await scenes.release();
  });

  const latch = () => readLatch(lane.client, 'stop/everything');

  /** Pulled under a run that holds, and let go again: the run ends, and the latch is on until it is resumed. */
  async function pulled(
    group: (typeof GROUPS)[number],
    name: string,
    pull: () => unknown,
    letGo: () => unknown,
  ): Promise<void> {
    const { result } = await scenes.play(group, {}, async ({ handle }) => {
      await scenes.reaches(handle, 'holding');
      await pull();
    });
    // By the stop that it latches, or by the guard that is asked meanwhile.
    assert.equal(result.status, 'aborted');
    assert.match(result.reason, /everything is stopped/);
    assert.ok(result.reason.includes(name), result.reason);
    await letGo();
    await scenes.nobodyIsAdmitted(group);
    await scenes.release();
    assert.equal(await latch(), undefined);
    const again = await scenes.begin(`${group}-again`, group);
    await until(async () => (await scenes.story(again)).events.some(({ type }) => type === 'admission'));
    const admission = (await scenes.story(again)).events.find((event) => event.type === 'admission');
    assert.deepEqual(admission?.guards[0], { guard: 'emergency-stop', passed: true, found: 'nothing is stopped' });
    await again.signal('abort', { mode: 'immediate', reason: 'seen enough', by: 'a test' });
    await again.result();
  }

  it('a file that SQUALL_STOP names', () =>
    pulled(
      'named',
      `the file ${named}`,
      () => writeFile(named, ''),
      () => rm(named),
    ));

  it('a file of the configuration, relative to it, and a folder is one too', async () => {
    const folder = join(scenes.folder, 'levers');
    await pulled(
      'configured',
      `the file ${configured}`,
      () => mkdir(configured, { recursive: true }),
      () => rm(folder, { recursive: true }),
    );
  });

  it('a probe that reads anything but 0', () =>
    pulled(
      'probe',
      'the probe button',
      () => reads('{"pulled":-1}'),
      () => reads('{"pulled":0}'),
    ));

  for (const [group, what, breaks, mends] of [
    [
      'unreadable-file',
      'a file',
      // A file where the lever's folder should be.
      () => writeFile(join(scenes.folder, 'levers'), ''),
      () => rm(join(scenes.folder, 'levers')),
    ],
    [
      'unreadable-probe',
      'a probe that does not answer',
      async () => server.answer((request) => request.socket.destroy()),
      async () => reads('{"pulled":0}'),
    ],
    [
      'odd',
      'a probe that answers with no number',
      async () => reads('{"pulled":"no"}'),
      async () => reads('{"pulled":0}'),
    ],
  ] as const)
    it(`${what}, which cannot be read, lets nobody in and latches nothing; once it can be read again, it lets them`, async () => {
      await breaks();
      const refused = (await (await scenes.begin(`${group}-refused`, group)).result()) as RunResult;
      assert.equal(refused.status, 'refused');
      assert.match(refused.reason, /^emergency-stop: cannot be read: /);
      assert.equal(await latch(), undefined);
      await mends();
      const { result } = await scenes.play(
        group,
        { blastRadius: { stages: [{ kind: 'count', count: 1, text: '1' }], holdMs: 6_000 } },
        async () => undefined,
      );
      assert.equal(result.status, 'completed', result.reason);
    });

  it('one that stays unreadable ends a run that holds', async () => {
    const { result } = await scenes.play('long', {}, async ({ handle }) => {
      await scenes.reaches(handle, 'holding');
      server.answer((request) => request.socket.destroy());
    });
    assert.equal(result.status, 'aborted');
    assert.match(result.reason, /^emergency-stop: cannot be read: /);
  });
});
