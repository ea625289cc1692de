/**
 * From a threshold crossed on the target to the last revert verified, step by step.
 *
 * Real processes are paused; a level that a probe reads rises at a random moment; the run aborts by itself. Times are
 * Temporal's own event times and this process's clock, on one machine; the targets are observed without asking Squall.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { randomFrom } from '../domain/random.ts';
import { distributionOf } from './distribution.ts';
import { activity, historyOf, timeOf } from './event-times.ts';
import type { Event } from './event-times.ts';
import { pausing } from './experiments.ts';
import { Installation, SITE } from './installation.ts';
import { milliseconds } from './outcome.ts';
import type { Outcome } from './outcome.ts';
import { Victims } from './torture/victims.ts';

const GROUP = 'replicas';
const TARGETS = 5;
const SAMPLE_MS = 1_000;
const SUSTAIN_MS = 2_000;
/** What the goals allow, in milliseconds. */
const REVERT_WITHIN_MS = 150;
const BEYOND_MS = 250;

/** Milliseconds since the Unix epoch of each step of one abort. */
interface Steps {
  readonly crossed: number;
  readonly seen: number;
  readonly sustained: number;
  readonly reverting: number;
  readonly verified: number;
  /** When the kernel last said of a target that it was stopped. */
  readonly running: number;
}

/** Aborts `aborts` runs, one after the other. */
export async function measureAbortLatency(options: { aborts: number }, say: (line: string) => void): Promise<Outcome> {
  const { aborts } = options;
  await using level = await Level.open();
  await using ours = await Installation.start({
    config: (folder) => ({
      sites: { [SITE]: { host: { groups: { [GROUP]: { pidFiles: join(folder, 'victims', `${GROUP}-*.pid`) } } } } },
      probes: { level: { type: 'http', url: level.url, jsonPointer: '/level', unit: 'count', timeout: '1s' } },
    }),
    workers: [['control'], ['site']],
    durable: false,
  });
  const random = randomFrom('abort latency');
  const steps: Steps[] = [];
  for (let i = 0; i < aborts; i++) {
    say(`abort ${i + 1} of ${aborts}`);
    steps.push(await abortOnce(ours, level, `abort-${i}`, random() * SAMPLE_MS));
  }
  return outcome(steps);
}

async function abortOnce(ours: Installation, level: Level, run: string, waitMs: number): Promise<Steps> {
  const victims = await Victims.start(join(ours.folder, 'victims'), GROUP, TARGETS);
  try {
    const shape = { probe: 'level', above: 5, forMs: SUSTAIN_MS, sampleEveryMs: SAMPLE_MS };
    await ours.begin(run, pausing({ ...shape, group: GROUP, targets: TARGETS }));
    while ((await ours.phase(run)) !== 'holding') await sleep(50);
    await sleep(waitMs);
    level.rise();
    const { status, reason } = await ours.end(run);
    if (status !== 'aborted') throw new Error(`${run} ended ${status}: ${reason}`);
    const runs = await historyOf(ours.client, run);
    const lease = await historyOf(ours.client, `${run}/stage-1`);
    const revert = activity(lease, 'revert');
    return {
      crossed: level.crossedMs,
      seen: level.seenMs,
      sustained: timerOf(runs, SUSTAIN_MS),
      reverting: revert.startedMs,
      verified: revert.completedMs,
      running: performance.timeOrigin + (victims.lastStoppedMs ?? 0),
    };
  } finally {
    level.fall();
    await victims.end();
  }
}

function outcome(all: readonly Steps[]): Outcome {
  const between = (from: keyof Steps, to: keyof Steps): number[] => all.map((steps) => steps[to] - steps[from]);
  const figures = {
    'crossed → seen by the watch': distributionOf(between('crossed', 'seen')),
    [`seen → sustained for ${SUSTAIN_MS / 1000} s`]: distributionOf(between('seen', 'sustained')),
    'sustained → first revert starts': distributionOf(between('sustained', 'reverting')),
    'revert starts → last revert verified': distributionOf(between('reverting', 'verified')),
    'crossed → first revert starts': distributionOf(between('crossed', 'reverting')),
    'crossed → last revert verified': distributionOf(between('crossed', 'verified')),
    'crossed → last target seen running': distributionOf(between('crossed', 'running')),
  };
  const after = distributionOf(between('sustained', 'reverting')).p95;
  const beyond = distributionOf(between('crossed', 'reverting')).p95;
  const allowed = SAMPLE_MS + SUSTAIN_MS + BEYOND_MS;
  return {
    tables: [
      {
        title: `Abort latency: ${all.length} aborts, a sample every ${SAMPLE_MS / 1000} s, sustained for ${SUSTAIN_MS / 1000} s, ${TARGETS} processes`,
        head: ['', 'p50', 'p95', 'max'],
        rows: Object.entries(figures).map(([name, { p50, p95, max }]) => [name, ...[p50, p95, max].map(milliseconds)]),
      },
    ],
    goals: [
      {
        goal: `sustained → first revert starts, p95 under ${REVERT_WITHIN_MS} ms`,
        found: milliseconds(after),
        met: after < REVERT_WITHIN_MS,
      },
      {
        goal: `crossed → first revert starts, p95 at most a sampling interval + the sustained time + ${BEYOND_MS} ms = ${allowed} ms`,
        found: milliseconds(beyond),
        met: beyond <= allowed,
      },
    ],
    notes: ['The targets are read from the kernel every 20 ms, without asking Squall.'],
    figures: { aborts: all.length, sampleMs: SAMPLE_MS, sustainMs: SUSTAIN_MS, ...figures },
  };
}

/** A number that a probe reads over HTTP, and when it was first read above its limit. */
class Level {
  readonly #server = createServer((_request, response) => {
    if (this.#level > 0 && this.seenMs === 0) this.seenMs = now();
    response.end(JSON.stringify({ level: this.#level }));
  });
  #level = 0;
  crossedMs = 0;
  seenMs = 0;

  static async open(): Promise<Level> {
    const level = new Level();
    await new Promise<void>((resolve) => level.#server.listen(0, '127.0.0.1', resolve));
    return level;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  rise(): void {
    this.seenMs = 0;
    this.#level = 10;
    this.crossedMs = now();
  }

  fall(): void {
    this.#level = 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Milliseconds since the Unix epoch, with fractions, on the monotonic clock. */
function now(): number {
  return performance.timeOrigin + performance.now();
}

/** When the timer of `ms` fired. */
function timerOf(events: readonly Event[], ms: number): number {
  const started = events.find(({ timerStartedEventAttributes: timer }) => {
    const { seconds, nanos } = timer?.startToFireTimeout ?? {};
    return Number(seconds ?? 0) * 1000 + (nanos ?? 0) / 1e6 === ms;
  });
  return timeOf(
    events.find(
      ({ timerFiredEventAttributes: fired }) => fired && String(fired.startedEventId) === String(started?.eventId),
    ),
  );
}
