/**
 * Flat history, on a real server: events do not grow with time, flapping is bounded, payloads stay small.
 *
 * `SQUALL_SHORT_HOLD=10s SQUALL_LONG_HOLD=10m npm test -- flat-history` compares ten seconds with ten minutes, on a machine that
 * has nothing else to do.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { WRITTEN_MAX_BYTES } from '../../activities/preflight.ts';
import { pausing } from '../../bench/torture/experiment.ts';
import { Lane } from '../../bench/torture/lane.ts';
import type { Experiment } from '../../domain/experiment.ts';
import { parseDuration } from '../../domain/units.ts';
import type { RunResult, Story } from '../../workflows/messages.ts';
import { startRun } from '../../workers/start-run.ts';
import { assertFlat, weigh, weighRun } from './history.ts';
import type { RunWeight } from './history.ts';
import { steadily } from './steadily.ts';

const STAGES = [1, 2, 3, 4, 5];
/**
 * The shortest hold of a stage, in milliseconds. An answer that does not come within two seconds leaves the time from the one
 * before it to the one after it unwatched, which is 2.4 s at most, and of a stage half must be watched.
 */
const STAGE_MS = 6_000;
const SHORT_MS = durationOf('SQUALL_SHORT_HOLD', STAGES.length * STAGE_MS);
/** The largest payload that is still small, in bytes. */
const PAYLOAD_MAX = 256 * 1024;
const LONG_MS = durationOf('SQUALL_LONG_HOLD', 90_000);

function durationOf(variable: string, defaultMs: number): number {
  const written = process.env[variable];
  return written === undefined ? defaultMs : (parseDuration(written) ?? assert.fail(`${variable} is a duration`));
}

describe('flat history', () => {
  let folder: string;
  let lane: Lane;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'squall-flat-'));
    lane = new Lane(folder, 'flat', { groups: ['any'] });
    await lane.up();
  });
  after(async () => {
    await lane.down();
    await rm(folder, { recursive: true, force: true });
  });

  it('five stages and their leases have as many events, however long they are held', async (t) => {
    const held =
      (holdMs: number) =>
      (run: string): Experiment => ({
        ...noop(run, STAGES.length),
        blastRadius: ladder(run, STAGES, holdMs / STAGES.length),
      });
    const three = async (name: string, holdMs: number): Promise<RunWeight[]> => {
      const runs = await Promise.all([1, 2, 3].map((number) => completed(`${name}-${number}`, held(holdMs))));
      return Promise.all(runs.map((run) => weighRun(lane.client, run, STAGES.length)));
    };
    const [shorts, longs] = await Promise.all([three('short', SHORT_MS), three('long', LONG_MS)]);
    const inSeconds = (ms: number): string => `${ms / 1000} s`;
    assertFlat(t, { weights: shorts, held: inSeconds(SHORT_MS) }, { weights: longs, held: inSeconds(LONG_MS) });
  });

  it('a probe that flaps every second ends the run as unstable', async (t) => {
    const run = 'flapping';
    // From when it holds: pre-flight refuses a condition that is in breach already.
    const holding = async (): Promise<boolean> =>
      (await lane.client.workflow.getHandle(run).query<Story, [number]>('story', 0)).state.phase === 'holding';
    let begun = false;
    const flapping = setInterval(() => {
      if (begun) lane.level = lane.level === 0 ? 10 : 0;
      else
        holding().then(
          (now) => (begun = now),
          () => undefined,
        );
    }, 1_000);
    try {
      const experiment: Experiment = {
        ...noop(run, 1),
        blastRadius: ladder(run, [1], 600_000),
        stopConditions: [
          {
            probe: 'level',
            breach: { kind: 'above', limit: { value: 5, dimension: 'count', text: '5' } },
            forMs: 60_000,
            abort: 'immediate',
          },
        ],
        sampleEveryMs: 250,
      };
      const { status, reason } = await live(run, experiment);
      assert.equal(status, 'inconclusive');
      assert.match(reason, /keeps crossing its limit/);
    } finally {
      clearInterval(flapping);
    }
    const weight = await weighRun(lane.client, run, 1);
    for (const what of ['run', 'lease'] as const) {
      const { events, largest } = weight[what];
      const found = `${what}: ${events} events, the largest payload has ${largest} bytes`;
      t.diagnostic(found);
      assert.ok(events < 1_000 && largest < PAYLOAD_MAX, found);
    }
  });

  it('ten thousand candidates make no large payload', async (t) => {
    const run = await completed('many', (seed) => ({
      ...noop(seed, 10_000, 'payments-7d9f8b6c5-x2x4k'),
      blastRadius: {
        stages: [0.01, 0.05, 0.1, 0.25, 0.5].map((share) => ({ kind: 'share', share, text: `${share * 100}%` })),
        holdMs: STAGE_MS,
        seed,
      },
    }));
    const weight = await weighRun(lane.client, run, STAGES.length);
    for (const what of ['run', 'lease'] as const) {
      const found = `${what}: the largest payload has ${weight[what].largest} bytes`;
      t.diagnostic(found);
      assert.ok(weight[what].largest < PAYLOAD_MAX, found);
    }
  });

  it('as many targets as pre-flight lets through make no large payload, all in one stage', async (t) => {
    const name = (of: string): string => 'x'.repeat(40 - `-${of}`.length);
    // A name, five digits, two quotes and a comma; and two bytes that say to which service it belongs.
    const count = Math.floor(WRITTEN_MAX_BYTES / (40 + 5 + 3 + 2)) - 5;
    // Watched and renewed seldom: a slow machine has enough to do with so many.
    const run = await completed('full', (seed) => ({
      ...noop(seed, count, name(seed)),
      blastRadius: ladder(seed, [count], 3 * STAGE_MS),
      sampleEveryMs: 3_000,
      timeToLiveMs: 120_000,
    }));
    const weight = await weighRun(lane.client, run, 1);
    for (const what of ['run', 'lease'] as const) {
      const found = `${what}: the largest payload of ${count} targets in one stage has ${weight[what].largest} bytes`;
      t.diagnostic(found);
      assert.ok(weight[what].largest < PAYLOAD_MAX, found);
    }
    const more = await live(`${run}-er`, {
      ...noop(run, 30_000, name(run)),
      blastRadius: ladder(run, [30_000], STAGE_MS),
    });
    assert.equal(more.status, 'refused');
    assert.match(more.reason, /the ladder reaches 30000 targets, which take \d+ bytes to write down, expected at most/);
    const { largest } = await weigh(lane.client, `${run}-er`);
    assert.ok(largest < PAYLOAD_MAX, `the largest payload of a refused run has ${largest} bytes`);
  });

  const ladder = (seed: string, counts: readonly number[], holdMs: number): Experiment['blastRadius'] => ({
    stages: counts.map((count) => ({ kind: 'count', count, text: `${count}` })),
    holdMs,
    seed,
  });

  function noop(run: string, count: number, name = 'n'): Experiment {
    return {
      ...pausing({ fault: 'noop/noop', group: 'any', seed: run, ttlMs: 30_000 }),
      targets: { site: 'torture', selector: { count, name: `${name}-${run}` } },
      sampleEveryMs: 200,
    };
  }

  /** A run that completed, by its name: another than it was to have where it was played again. */
  async function completed(run: string, experimentOf: (run: string) => Experiment): Promise<string> {
    const ended = await steadily((again) => {
      const name = again === undefined ? run : `${run}-${again}`;
      return live(name, experimentOf(name));
    });
    assert.equal(ended.status, 'completed', ended.reason);
    return ended.run;
  }

  async function live(run: string, experiment: Experiment): Promise<RunResult> {
    const handle = await startRun(lane.client, run, { experiment, documentHash: '', startedBy: 'a test' });
    return (await handle.result()) as RunResult;
  }
});
