/**
 * The torture of the budget: real runs want the same few processes, while its workflow is terminated and its worker killed at
 * random moments. Never two hold one target at once, every run ends, and nothing stays behind.
 *
 * `SQUALL_BUDGET_TRIALS` says how many blows, `SQUALL_BUDGET_SEED` chooses them. A blow counts where a process stood still.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ledgerFile, openLedger } from '../../activities/faults/ledger-file.ts';
import { openFileStore } from '../../activities/journal/file.ts';
import { pausing } from '../../bench/torture/experiment.ts';
import type { Lane } from '../../bench/torture/lane.ts';
import { Victims } from '../../bench/torture/victims.ts';
import { budgetId } from '../../domain/budget-id.ts';
import { randomFrom } from '../../domain/random.ts';
import { startRun } from '../../workers/start-run.ts';
import type { RunResult } from '../../workflows/messages.ts';
import { Installation } from '../cli/installation.ts';
import { assertCleanSlate, holdersOf } from '../engine/clean-slate.ts';
import { until } from '../until.ts';

const TRIALS = Number(process.env['SQUALL_BUDGET_TRIALS'] ?? 15);
const SEED = process.env['SQUALL_BUDGET_SEED'] ?? '1';
/** Processes, and runs that want two of them each, at once. */
const [PROCESSES, RUNS] = [3, 5];
/** Between two looks at the ledger, in milliseconds: far less than a stage is held. */
const LOOK_MS = 20;
const HOLD_MS = 400;
/** Rounds may end before a blow was struck; so many in a row that count for nothing are a fault of the test. */
const IDLE_MAX = 5;

const BLOWS = ['terminate', 'terminate', 'terminate', 'kill', 'both'] as const;
type Blow = (typeof BLOWS)[number];

/** Who has a target that another has as well: a fault that was put on and is not undone, whatever its slot says. */
function shared(ledger: DatabaseSync): string[] {
  const rows = ledger
    .prepare('SELECT DISTINCT target, run FROM faults WHERE claimed = 1 AND undone = 0 ORDER BY target, run')
    .all();
  const runs = Map.groupBy(rows, ({ target }) => String(target));
  return [...runs].flatMap(([target, of]) =>
    of.length > 1 ? [`${target} is held by ${of.map(({ run }) => String(run)).join(' and ')}`] : [],
  );
}

/** How many targets have been taken so far. */
function begunIn(ledger: DatabaseSync): number {
  return Number(ledger.prepare('SELECT count(*) AS taken FROM faults WHERE claimed = 1').get()?.['taken']);
}

describe('the torture of the budget', () => {
  let installation: Installation<'few'>;
  let lane: Lane;
  before(async () => {
    installation = await Installation.open(['few']);
    ({ lane } = installation);
  });
  after(() => installation.close());

  async function strike(blow: Blow): Promise<void> {
    const budget = lane.client.workflow.getHandle(budgetId('torture'));
    // It may not have been there.
    if (blow !== 'kill') await budget.terminate().catch(() => undefined);
    if (blow === 'terminate') return;
    await lane.kill('control');
    // As whoever supervises it does: on a busy machine it may not find Temporal at once.
    await until(() =>
      lane.start('control').then(
        () => true,
        () => false,
      ),
    );
  }

  /** Runs that all want the same processes, struck until they have ended; returns their ends, in words. */
  async function round(
    number: number,
    random: () => number,
    more: () => boolean,
    { victims, ledger }: { readonly victims: Victims; readonly ledger: DatabaseSync },
  ): Promise<string[]> {
    const names = Array.from({ length: RUNS }, (_, i) => `round-${number}-${i}`);
    const paused = pausing({
      fault: 'host/pause',
      group: 'few',
      seed: '',
      ttlMs: 20_000,
      stages: [1, 2],
      holdMs: HOLD_MS,
    });
    const start = async (run: string): Promise<RunResult> => {
      await sleep(random() * 300);
      const blastRadius = { ...paused.blastRadius, seed: run, waitMs: 600_000 };
      const experiment = { ...paused, name: run, sampleEveryMs: 200, blastRadius };
      const handle = await startRun(lane.client, run, { experiment, documentHash: '', startedBy: 'a test' });
      return (await handle.result()) as RunResult;
    };
    let open = true;
    const ended = Promise.all(names.map(start)).finally(() => (open = false));
    const beaten = (async () => {
      for (let begun = -1; more();) {
        // Runs whose worker is killed again before anything has begun anew only stand still.
        while (open && (victims.stopped().length === 0 || begunIn(ledger) === begun)) await sleep(LOOK_MS);
        await sleep(random() * 600);
        if (!open) return;
        const blow = BLOWS[Math.floor(random() * BLOWS.length)] ?? 'both';
        if (victims.stopped().length > 0) struck.push(blow);
        await strike(blow);
        if (blow !== 'terminate') begun = begunIn(ledger);
      }
    })();
    const [results] = await Promise.all([ended, beaten]);
    for (const run of names) await assertCleanSlate(lane, run, victims);
    return results.map(({ status, reason }) => (/: occupied$/.test(reason) ? `${status}, occupied` : status));
  }

  const struck: Blow[] = [];

  it(`never two hold one target in ${TRIALS} blows`, async (t: TestContext) => {
    const victims = await Victims.start(join(installation.folder, 'victims'), 'few', PROCESSES);
    const ledger = new DatabaseSync(ledgerFile(lane.state), { readOnly: true, timeout: 1_000 });
    const found = new Set<string>();
    let looks = 0;
    const looking = setInterval(() => {
      for (const words of shared(ledger)) found.add(words);
      looks += 1;
    }, LOOK_MS);
    const random = randomFrom(SEED);
    const ends: string[] = [];
    try {
      for (let [number, idle] = [1, 0]; struck.length < TRIALS && idle < IDLE_MAX; number++) {
        const before = struck.length;
        ends.push(...(await round(number, random, () => struck.length < TRIALS, { victims, ledger })));
        idle = struck.length === before ? idle + 1 : 0;
      }
      await until(() => holdersOf(lane).length === 0);
      assert.deepEqual([...found], []);
      const store = openFileStore(join(installation.folder, 'journal'));
      const journals = await Promise.all((await store.list()).map(({ run }) => store.read(run)));
      const waited = journals.filter((journal) =>
        journal?.events.some((event) => event.type === 'admission' && event.guards.some(({ waits }) => waits === true)),
      ).length;
      const held = Number(
        ledger.prepare('SELECT count(DISTINCT run) AS runs FROM faults WHERE applied = 1').get()?.['runs'],
      );
      const counts = (of: readonly string[]): string =>
        [...Map.groupBy(of.toSorted(), (one) => one)].map(([one, all]) => `${all.length} ${one}`).join(', ');
      t.diagnostic(
        `${struck.length} blows (${counts(struck)}) on ${ends.length} runs (${counts(ends)}): ` +
          `${held} held a target, ${waited} waited, ${found.size} targets held by two in ${looks} looks`,
      );
      // Else the torture was none.
      assert.equal(struck.length, TRIALS);
      assert.ok(waited > 0 && held > 0, `${waited} waited, ${held} held`);
      assert.ok(ends.includes('completed'));
    } finally {
      clearInterval(looking);
      ledger.close();
      await victims.end();
    }
  });

  it('the look finds two that hold one target, also where one has given its slot back and not undone its fault', () => {
    const folder = join(installation.folder, 'made-up');
    const ledger = openLedger(folder, 1_000);
    try {
      const write = (run: string, target: string, state: string, claimed: number, undone: number): unknown =>
        ledger
          .prepare(
            `INSERT INTO faults VALUES ('i', ?, 'host/pause', ?, ?, ?, '{}', '{}', 1, 1, 1, 1, 1, ?, ?, 1, ?, 0, NULL, NULL, NULL)`,
          )
          .run(`${run}/${target}`, run, target, target, state, claimed, undone);
      write('a', 'one', 'active', 1, 0);
      write('b', 'one', 'tombstone', 1, 1);
      write('c', 'one', 'tombstone', 0, 0);
      write('a', 'two', 'active', 1, 0);
      assert.deepEqual(shared(ledger), []);
      write('d', 'one', 'tombstone', 1, 0);
      assert.deepEqual(shared(ledger), ['one is held by a and d']);
    } finally {
      ledger.close();
    }
  });
});
