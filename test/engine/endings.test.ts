/** How runs end, on a real server with real processes: each ending by its cause, and a clean slate after each. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { WorkflowHandle } from '@temporalio/client';
import { openFileStore } from '../../activities/journal/file.ts';
import { pausing } from '../../bench/torture/experiment.ts';
import { setMood } from '../../bench/torture/blows.ts';
import { Lane } from '../../bench/torture/lane.ts';
import { Victims } from '../../bench/torture/victims.ts';
import type { Experiment, StopCondition } from '../../domain/experiment.ts';
import type { JournalEvent } from '../../domain/journal.ts';
import type { RunResult, Story } from '../../workflows/messages.ts';
import { startRun } from '../../workers/start-run.ts';
import { record } from '../replay/record.ts';
import { until } from '../until.ts';
import { assertCleanSlate } from './clean-slate.ts';

const NAMES = [
  'signal',
  'by-hand-0undefined',
  'by-hand-1object',
  'by-hand-1string',
  'graceful',
  'communicate',
  'cancel',
  'sustained',
  'passing',
  'silence',
  'unsteady',
  'first',
  'reset',
  'stuck',
] as const;
type Name = (typeof NAMES)[number];
const count = (value: number) => ({ value, dimension: 'count', text: `${value}` }) as const;
const levelAbove5: StopCondition = {
  probe: 'level',
  breach: { kind: 'above', limit: count(5) },
  forMs: 1_500,
  abort: 'immediate',
};

describe('how runs end', () => {
  let folder: string;
  let lane: Lane;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'squall-endings-'));
    lane = new Lane(folder, 'endings', { groups: NAMES });
    await lane.up();
  });
  after(async () => {
    await lane.down();
    await rm(folder, { recursive: true, force: true });
  });

  /** A run of its own under way, the fault on; ended by what `act` does. */
  async function ends(
    name: Name,
    change: Partial<Experiment>,
    act: (handle: WorkflowHandle, victims: Victims) => Promise<unknown>,
  ): Promise<{ result: RunResult; events: readonly JournalEvent[] }> {
    const victims = await Victims.start(join(folder, 'victims'), name, 3);
    try {
      const handle = await start(name, name, change);
      await until(() => victims.stopped().length > 0);
      await act(handle, victims);
      // By name, since a reset goes on in another execution.
      const result = (await lane.client.workflow.getHandle(name).result()) as RunResult;
      await assertCleanSlate(lane, name, victims);
      await record(lane.client, name);
      const journal = await openFileStore(join(folder, 'journal')).read(name);
      return { result, events: journal?.events ?? assert.fail('no journal') };
    } finally {
      await victims.end();
    }
  }

  async function start(run: string, group: Name, change: Partial<Experiment> = {}): Promise<WorkflowHandle> {
    const experiment = {
      ...pausing({ fault: 'host/moody-pause', group, seed: run, ttlMs: 30_000, stages: [1, 2], holdMs: 20_000 }),
      ...change,
    };
    return startRun(lane.client, run, { experiment, documentHash: '', startedBy: 'a test' });
  }

  const phaseOf = async (handle: WorkflowHandle): Promise<string> =>
    (await handle.query<Story, [number]>('story', 0)).state.phase;
  const stages = (holdMs: number): Partial<Experiment> => ({
    blastRadius: {
      stages: [1, 2].map((size) => ({ kind: 'count', count: size, text: `${size}` })),
      holdMs,
      seed: 'any',
    },
  });

  describe('by what people do and ask for', { concurrency: true }, () => {
    it('a signal aborts, and the journal says who and why', async () => {
      const { result, events } = await ends('signal', {}, (handle) =>
        handle.signal('abort', { mode: 'immediate', reason: 'enough', by: 'ada' }),
      );
      assert.equal(result.status, 'aborted');
      const abort = events.find((event) => event.type === 'abort');
      assert.deepEqual([abort?.cause, abort?.by, abort?.evidence], ['person', 'ada (not authenticated)', 'enough']);
    });

    for (const [name, payload] of [
      ['nothing', []],
      ['an object', [{}]],
      ['a text', ['enough']],
    ] as const)
      it(`a signal from the Temporal UI aborts too, with ${name} in it`, async () => {
        const { result, events } = await ends(
          `by-hand-${payload.length}${typeof payload[0]}` as Name,
          {},
          async (handle) => {
            // What cannot be read must not wedge the run either.
            await handle.signal('leaseNews');
            await handle.signal('abort', ...payload);
          },
        );
        assert.equal(result.status, 'aborted');
        const abort = events.find((event) => event.type === 'abort');
        assert.deepEqual(
          [abort?.cause, abort?.mode, abort?.by, abort?.evidence],
          ['person', 'immediate', 'somebody who gave no name', name === 'a text' ? 'enough' : 'no reason was given'],
        );
      });

    it('a graceful abort reverts last in first out, and looks at the steady state in between', async () => {
      const { result, events } = await ends('graceful', stages(12_000), async (handle, victims) => {
        await until(() => victims.stopped().length === 2);
        await handle.signal('abort', { mode: 'graceful', reason: 'wind down', by: 'ada' });
      });
      assert.equal(result.status, 'aborted');
      const order = events.flatMap((event) => {
        if (event.type === 'reverted') return [`stage ${event.stage + 1}`];
        return event.type === 'samples' ? ['samples'] : [];
      });
      assert.deepEqual(order.filter((word, i) => word !== order[i - 1]).slice(-4), [
        'stage 2',
        'samples',
        'stage 1',
        'samples',
      ]);
    });

    it('a stop condition that is to communicate ends all at once: nobody looks at the steady state in between', async () => {
      const { result, events } = await ends(
        'communicate',
        // No other run here has a stop condition on the level.
        { ...stages(12_000), stopConditions: [{ ...levelAbove5, forMs: 0, abort: 'communicate' }] },
        async (_, victims) => {
          await until(() => victims.stopped().length === 2);
          lane.level = 9;
        },
      ).finally(() => (lane.level = 0));
      assert.deepEqual([result.status, result.deviated], ['aborted', true]);
      const abort = events.find((event) => event.type === 'abort') ?? assert.fail();
      assert.equal(abort.mode, 'communicate');
      const why = 'no destination for aborts is configured';
      assert.deepEqual(
        events.filter((event) => event.type === 'told'),
        [{ seq: abort.seq, atMs: abort.atMs, type: 'told', delivered: false, why }],
      );
      assert.equal(events.filter((event) => event.type === 'reverted').length, 2);
      const { events: history } = await lane.client.workflow.getHandle('communicate').fetchHistory();
      const asked = (history ?? []).map((event) => event.activityTaskScheduledEventAttributes?.activityType?.name);
      assert.equal(asked.filter((name) => name === 'recover').length, 1);
    });

    it('a cancel from Temporal is an abort, and waits for the rollback', async () => {
      const { result, events } = await ends('cancel', {}, (handle) => handle.cancel());
      assert.equal(result.status, 'aborted');
      assert.equal(events.find((event) => event.type === 'abort')?.cause, 'cancelled');
    });

    it('a reset run begins anew, and the faults of the run before are gone', async () => {
      const { result } = await ends('reset', stages(3_000), async (handle) => {
        const { events } = await handle.fetchHistory();
        const point = (events ?? []).find((event) => event.workflowTaskCompletedEventAttributes);
        await lane.client.workflowService.resetWorkflowExecution({
          namespace: 'default',
          workflowExecution: { workflowId: handle.workflowId },
          workflowTaskFinishEventId: point?.eventId ?? null,
          requestId: crypto.randomUUID(),
          reason: 'a test',
        });
      });
      // It meets the lease of the execution before, or its fault, or comes after both.
      const deviated = { inconclusive: null, refused: null, completed: false } as const;
      assert.ok(result.status !== 'aborted' && result.deviated === deviated[result.status], JSON.stringify(result));
    });

    it('a run on targets that another run holds is refused, and touches nothing', async () => {
      const noop: Partial<Experiment> = {
        ...stages(600_000),
        fault: 'noop/noop',
        targets: { site: 'torture', selector: { count: 2 } },
      };
      const first = await start('first', 'first', noop);
      await until(async () => (await phaseOf(first)) === 'holding');
      const second = await start('second', 'first', noop);
      const { status, reason } = (await second.result()) as RunResult;
      assert.equal(status, 'refused');
      assert.match(reason, /first/);
      await first.signal('abort', { mode: 'immediate', reason: 'enough', by: 'ada' });
      await first.result();
    });
  });

  // These share one probe, `level`, and go one after the other.
  describe('by what the probes say', () => {
    it('a breach that lasts aborts, and the run has deviated', async () => {
      const { result, events } = await ends(
        'sustained',
        { stopConditions: [levelAbove5] },
        async () => (lane.level = 9),
      );
      lane.level = 0;
      assert.deepEqual([result.status, result.deviated], ['aborted', true]);
      const words = events.flatMap((event) => (event.type === 'timer' ? [event.timer] : []));
      assert.deepEqual(words, ['started', 'fired']);
      assert.match(
        events.find((event) => event.type === 'abort')?.evidence ?? '',
        /level 9 is above 5, sustained for 1\.5 s/,
      );
    });

    it('a breach that passes costs a timer and nothing else', async () => {
      const { result, events } = await ends(
        'passing',
        { ...stages(12_000), stopConditions: [{ ...levelAbove5, forMs: 60_000 }] },
        async (handle) => {
          lane.level = 9;
          await until(async () =>
            (await handle.query<Story, [number]>('story', 0)).events.some(({ type }) => type === 'timer'),
          );
          lane.level = 0;
        },
      );
      assert.equal(result.status, 'completed');
      const words = events.flatMap((event) => (event.type === 'timer' ? [event.timer] : []));
      assert.deepEqual(words, ['started', 'cancelled']);
    });

    it('no data aborts', async () => {
      const { result, events } = await ends(
        'silence',
        { stopConditions: [levelAbove5] },
        async () => (lane.level = undefined),
      );
      lane.level = 0;
      assert.notEqual(result.status, 'completed');
      assert.equal(events.find((event) => event.type === 'abort')?.cause, 'no-data');
    });

    it('a system that is not in its steady state is refused, and not touched', async () => {
      const victims = await Victims.start(join(folder, 'victims'), 'unsteady', 3);
      const handle = await start('unsteady', 'unsteady', {
        steadyState: [{ probe: 'level', group: 'system', tolerance: { kind: 'range', min: count(1) } }],
      });
      const { status, reason } = (await handle.result()) as RunResult;
      await victims.end();
      assert.equal(status, 'refused');
      assert.match(reason, /level is 0, expected at least 1/);
      assert.equal(victims.firstStoppedMs, undefined);
    });

    it('a revert that fails makes the run stuck, and the run ends when the revert succeeds', async () => {
      const { result, events } = await ends('stuck', {}, async (handle) => {
        await setMood(lane, 'fail-revert');
        await handle.signal('abort', { mode: 'immediate', reason: 'enough', by: 'ada' });
        await until(async () => (await phaseOf(handle)) === 'stuck');
        await setMood(lane, undefined);
      });
      assert.equal(result.status, 'aborted');
      assert.ok(events.some((event) => event.type === 'stuck'));
    });
  });
});
