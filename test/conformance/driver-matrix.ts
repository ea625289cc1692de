/**
 * The step matrix of every fault of a provider: whatever happens at a step that touches a target, the slate is clean afterwards.
 *
 * Owns the steps at which a driver works. Other steps, and what fails or is cancelled before a driver is asked, are the same whatever the fault
 * is: `test/engine/step-matrix.test.ts` has them all. Each fault is struck at one step by one blow, others each day; `SQUALL_WHOLE_MATRIX=1 npm test -- conformance/step-matrix` plays every
 * cell, which takes half an hour longer.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { Lab, LabTarget } from '../../activities/faults/conformance.ts';
import { pausing } from '../../bench/torture/experiment.ts';
import { Lane } from '../../bench/torture/lane.ts';
import type { Experiment, JsonObject } from '../../domain/experiment.ts';
import type { TargetId } from '../../domain/fault.ts';
import { startRun } from '../../workers/start-run.ts';
import type { RunResult } from '../../workflows/messages.ts';
import { steadily } from '../engine/steadily.ts';
import { endsOf, trapped } from '../engine/trap.ts';
import type { Blow, Step } from '../engine/trap.ts';
import { isToday, oneOfToday, TODAY, WHOLE } from './today.ts';

export const STEPS = ['inject', 'hold', 'revert'] as const satisfies readonly Step[];
const BLOWS = ['timeout', 'repeat', 'terminate'] as const satisfies readonly Blow[];
/** More than there are faults. */
const ALL = 100;
/** How often a run is begun that is refused before its trap. */
const ASKED_MAX = 4;
/** How often a fault meets the kill of its worker, if another's kill had it refused before. */
const ROUNDS = 2;
const TTL_MS = 30_000;
/** How late a kubelet may say that a program has ended, in milliseconds: less than a time-to-live. */
const SOON_MS = 20_000;
/** What is left for longer than this stays, in milliseconds: far beyond a time-to-live. */
const FOREVER_MS = 120_000;
/** Between two looks, which cost more than what is looked at, in milliseconds. */
const LOOK_MS = 1_500;
const WORKER = join(import.meta.dirname, '..', 'engine', 'trapped-worker.ts');

/** How a run has ended, and whether its trap has sprung. */
interface Lived {
  readonly status: string;
  readonly deviated: boolean | null;
  readonly reason: string;
  readonly sprung: boolean;
}

/** Where a matrix is played: a cluster, or an account. */
export interface Place {
  readonly provider: string;
  /** The site's settings, as JSON. */
  readonly section: unknown;
  /** `targets:` without `site`, for this target alone. */
  selector(target: TargetId): JsonObject;
  /** What of a fault is left on a target, besides the harm, in words. */
  left(target: TargetId): Promise<string[]>;
  /** Rejects where what was made for faults does not go. */
  empty(): Promise<void>;
  close(): Promise<void>;
}

/** A fault's name, with what is particular about the lab, and the lab. */
interface NamedLab<Where> {
  readonly name: string;
  readonly open: (place: Where, owned?: boolean) => Lab | Promise<Lab>;
}

/** How much of a matrix is played. */
interface Part {
  /** Which day of three it is played on, from 0, where not all is played. Default: each. */
  readonly turn?: number;
  /** With so many faults side by side, where all of it is played. Default: all. */
  readonly beside?: number;
  /** The steps at which each fault is struck. Default: all where all is played, else another one each day. */
  readonly steps?: readonly (typeof STEPS)[number][] | undefined;
}

/** Registers the matrix of `labs`, in a place of its own. */
export function stepMatrix<Where extends Place>(
  what: string,
  skip: string | false,
  open: () => Promise<Where>,
  labs: readonly NamedLab<Where>[],
  { turn, beside = ALL, steps = WHOLE ? STEPS : undefined }: Part = {},
): void {
  if (turn !== undefined && !isToday(turn)) {
    process.stdout.write(`the step matrix ${what} is played on another day\n`);
    return;
  }
  describe(`the step matrix ${what}`, { skip }, () => {
    const undo = new AsyncDisposableStack();
    let place: Where;
    let lane: Lane;
    const opened = new Map<string, Lab>();
    before(async () => {
      place = await open();
      undo.defer(() => place.close());
      const folder = await mkdtemp(join(tmpdir(), 'squall-matrix-'));
      undo.defer(() => rm(folder, { recursive: true, force: true }));
      for (const { name, open: openLab } of labs) {
        const lab = await openLab(place, true);
        undo.defer(async () => lab.close?.());
        opened.set(name, lab);
      }
      lane = new Lane(folder, 'matrix', {
        groups: [],
        sections: [`${place.provider}: ${JSON.stringify(place.section)}`],
        worker: WORKER,
        configuration: 'policy: { version: matrix, irreversible: true }\n',
      });
      undo.defer(() => lane.down());
      await lane.up();
    });
    after(() => undo.disposeAsync());

    // Of one fault one run after the other: some shut others out.
    const together = WHOLE ? beside : ALL;
    describe('one fault beside the others', { concurrency: together }, () => {
      for (const [at, { name }] of labs.entries()) {
        describe(name, { concurrency: 1 }, () => {
          for (const step of steps ?? [oneOfToday(STEPS, at)])
            for (const blow of WHOLE ? BLOWS : [oneOfToday(BLOWS, at + Math.floor(TODAY / STEPS.length))])
              it(`${step}: ${blow}`, async () => void (await live(name, step, blow)));
        });
      }
    });

    // A killed worker is everybody's: it is started again until all have had theirs. Who was refused by another's kill lives once more.
    for (const step of steps ?? [oneOfToday(STEPS)]) {
      it(`${step}: kill the worker, each fault its own`, async (t) => {
        const over = new AbortController();
        const supervised = supervise(over.signal);
        const failed: string[] = [];
        let sprung = 0;
        for (let from = 0; from < labs.length; from += together) {
          let spared = labs.slice(from, from + together).map(({ name }) => name);
          for (let round = 1; round <= ROUNDS; round += 1) {
            const lived = await Promise.allSettled(spared.map((name) => live(name, step, 'kill', `${round}`)));
            failed.push(
              ...lived.flatMap((each, i) =>
                each.status === 'rejected' ? [`${spared[i]}: ${String(each.reason)}`] : [],
              ),
            );
            sprung += lived.filter((each) => each.status === 'fulfilled' && each.value).length;
            spared = spared.filter((_, i) => lived[i]?.status === 'fulfilled' && !lived[i].value);
          }
        }
        over.abort();
        await lane.kill('site');
        await supervised;
        assert.deepEqual(failed, []);
        t.diagnostic(`${sprung} of ${labs.length} traps have sprung`);
        assert.ok(sprung > 0, 'no trap has sprung');
      });
    }

    it('nothing that was made for a fault is left', () => place.empty());

    async function supervise(over: AbortSignal): Promise<void> {
      while (!over.aborted) {
        await lane.gone('site');
        // One that is killed before it serves is started again as well.
        await lane.start('site').catch(() => undefined);
      }
    }

    /** Whether the trap has sprung. What can end only as completed lives again where somebody just came too late. */
    async function live(name: string, step: Step, blow: Blow, round = '1'): Promise<boolean> {
      const expected = endsOf(step, blow);
      const once = async (again = round): Promise<Lived> => {
        // What was made a moment ago may not be listed yet, and who asked may have had no answer. Who is refused for more is refused again.
        for (let time = 1; ; time += 1) {
          const lived = await play(name, step, blow, `${again}-${time}`);
          if (lived.status !== 'refused' || lived.sprung || blow === 'kill' || time === ASKED_MAX) return lived;
        }
      };
      const { status, reason, sprung } = await (expected.join() === 'completed' ? steadily(once) : once());
      assert.ok(sprung || blow === 'kill', `the trap has not sprung: ${status}, ${reason}`);
      // What kills the worker for another run may have refused or ended this one, or spared it the step.
      const ends = sprung ? expected : ['completed', 'refused', 'inconclusive'];
      assert.ok(ends.includes(status), `ended ${status}, expected ${ends.join(' or ')}: ${reason}`);
      return sprung;
    }

    async function play(name: string, step: Step, blow: Blow, round: string): Promise<Lived> {
      const lab = opened.get(name) as Lab;
      const run = trapped(step, blow, `${labs.findIndex((each) => each.name === name)}-${round}`);
      const target = await lab.target({ name: 'torture', installation: 'matrix', stateDir: lane.state, settings: {} });
      const handle = await startRun(lane.client, run, {
        experiment: experimentOn(lab, place, target, run, holdMsOf(step, blow)),
        documentHash: '',
        startedBy: 'the step matrix',
      });
      const ended = handle.result().then(
        (result) => result as RunResult,
        async () => ({ status: (await handle.describe()).status.name, deviated: null, reason: '' }),
      );
      const clean = new AbortController();
      const healing = heal(target, clean.signal);
      try {
        const { status, deviated, reason } = await ended;
        // What was reverted and verified is not to be waited for.
        await assertClean(run, target, status === 'completed' ? SOON_MS : FOREVER_MS);
        return { status, deviated, reason, sprung: existsSync(join(lane.folder, `${run}.sprung`)) };
      } finally {
        clean.abort();
        await healing;
        await target.remove?.();
      }
    }

    async function assertClean(run: string, target: LabTarget, withinMs: number): Promise<void> {
      let left = await leftovers(run, target);
      for (const endsAtMs = performance.now() + withinMs; left.length > 0 && performance.now() < endsAtMs;) {
        await sleep(LOOK_MS);
        left = await leftovers(run, target);
      }
      assert.deepEqual(left, [], run);
    }

    /** What is left of a run, in words. What costs least is asked first. */
    async function leftovers(run: string, target: LabTarget): Promise<string[]> {
      for (const id of [run, `${run}/stage-1`]) {
        const handle = lane.client.workflow.getHandle(id);
        const open = await handle.describe().then(
          ({ status }) => status.name === 'RUNNING',
          // A run that was refused has opened no lease; of whatever else cannot be told it may be.
          (error: unknown) => !(error instanceof WorkflowNotFoundError),
        );
        if (open) return [`workflow ${id} is open`];
      }
      const left = await place.left(target.id);
      return left.length > 0 || !(await target.harmed()) ? left : ['it is harmed'];
    }
  });
}

/** Long enough for a watch that is begun again to have seen most of it, and for a hold that is not heard of to be missed. */
function holdMsOf(step: Step, blow: Blow): number {
  if (blow === 'kill') return 1_500;
  return step === 'hold' && blow === 'timeout' ? 10_000 : 6_000;
}

function experimentOn(lab: Lab, place: Place, { id }: LabTarget, seed: string, holdMs: number): Experiment {
  const fault = `${place.provider}/${basename(lab.driver.pathname, '.ts')}`;
  return {
    ...pausing({ fault, group: '', seed, ttlMs: TTL_MS, stages: [1], holdMs }),
    with: lab.params as JsonObject,
    targets: { site: 'torture', selector: place.selector(id) },
    recoverWithinMs: 60_000,
  };
}

/** Plays the supervisor of what is harmed, where it has one. */
async function heal(target: LabTarget, clean: AbortSignal): Promise<void> {
  while (target.heal !== undefined && !clean.aborted) {
    await target.heal();
    await sleep(LOOK_MS);
  }
}
