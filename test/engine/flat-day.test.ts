/** A run of a day has the history of a run of seconds: on the time-skipping server, with stubbed activities. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { activityInfo } from '@temporalio/activity';
import type { WatchInput, WatchReport } from '../../activities/interface.ts';
import type { Experiment } from '../../domain/experiment.ts';
import type { RunResult } from '../../workflows/messages.ts';
import { assertFlat, weighRun } from './history.ts';
import type { RunWeight } from './history.ts';
import { endless, goesOn, Skipping } from './skipping.ts';

const SECOND_MS = 1_000;
const HOUR_MS = 3_600 * SECOND_MS;
const STAGES = [1, 2, 3, 4, 5];

/**
 * When the watches report, and how long before that their last sample was, as shares of all stages: were the first one's
 * samples laid at its report, the first stage would have been watched for 40% of its hold.
 */
const REPORTS = [
  { after: 0.45, since: 0.12 },
  { after: 0.5, since: 0 },
];

/** Hands over what it saw, twice, and goes on. */
function watch({ experiment, resume }: WatchInput & { experiment: Experiment }): WatchReport {
  const { stages, holdMs } = experiment.blastRadius;
  const allMs = stages.length * holdMs;
  const told = resume?.conditions.length ?? 0;
  const report = REPORTS[told];
  if (report === undefined) return endless();
  if (activityInfo().attempt === 1) return goesOn(report.after * allMs);
  const points = [0, (report.after - report.since) * allMs].map((atMs): [number, number] => [atMs, 1]);
  return {
    ended: 'edge',
    edges: [],
    resume: { conditions: Array.from({ length: told + 1 }, () => ({ breached: false, clear: 0 })), silent: {} },
    series: { alive: { dimension: 'count', points } },
    sinceSampleMs: report.since * allMs,
  };
}

describe('a run of a day', () => {
  let skipping: Skipping;
  before(async () => (skipping = await Skipping.open({ watch })));
  after(() => skipping.close());

  it('has as many events as a run of a minute, and so have its leases', async (t) => {
    const short = await three('short', 60 * SECOND_MS);
    const long = await three('long', 24 * HOUR_MS);
    assertFlat(t, { weights: short, held: 'a minute' }, { weights: long, held: 'a day' });
  });

  async function three(name: string, holdMs: number): Promise<RunWeight[]> {
    const weights = [];
    for (const number of [1, 2, 3]) weights.push(await held(`${name}-${number}`, holdMs));
    return weights;
  }

  /** A run that holds five stages for `holdMs` in all. */
  async function held(run: string, holdMs: number): Promise<RunWeight> {
    const handle = await skipping.start(run, STAGES, holdMs / STAGES.length);
    const { status, reason } = (await handle.result()) as RunResult;
    assert.equal(status, 'completed', reason);
    const { startTime, closeTime } = await handle.describe();
    assert.ok(Number(closeTime) - Number(startTime) >= holdMs, 'the time has passed');
    return weighRun(skipping.environment.client, run, STAGES.length);
  }
});
