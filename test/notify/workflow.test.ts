/** The notices of a run, on the time-skipping server: told once, in order, whoever is down, and confirmed where asked. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ApplicationFailure } from '@temporalio/common';
import type { WorkflowHandle } from '@temporalio/client';
import type { DeliverInput } from '../../activities/interface.ts';
import type { JournalEvent } from '../../domain/journal.ts';
import type { Notice } from '../../domain/notice.ts';
import type { Telling } from '../../workflows/messages.ts';
import { SkippingServer } from '../engine/skipping-server.ts';
import { until } from '../until.ts';
import { noticeOf } from './notices.ts';

/** What a destination of the test does with a delivery; by default it takes everything. */
type Receiver = (input: DeliverInput) => Readonly<Record<string, number>>;

const down: Receiver = () => {
  throw ApplicationFailure.retryable('the connection failed', 'Undelivered');
};
const refusing: Receiver = () => {
  throw ApplicationFailure.nonRetryable('it answers with status 400', 'Refused');
};

describe('the notices of a run', () => {
  let server: SkippingServer;
  /** By run: what was delivered, and what was written into the journal. */
  const delivered = new Map<string, DeliverInput[]>();
  const written = new Map<string, JournalEvent[]>();
  const receivers = new Map<string, Receiver>();
  const open = new Set<string>();

  before(async () => {
    server = await SkippingServer.open({
      control: {
        record: (run: string, events: JournalEvent[]) => {
          written.set(run, [...(written.get(run) ?? []), ...events]);
          return { searchAttributes: false };
        },
      },
      notify: {
        deliver: (input: DeliverInput) => {
          const left = receivers.get(input.to)?.(input) ?? {};
          const { run } = input.notice;
          delivered.set(run, [...(delivered.get(run) ?? []), input]);
          return left;
        },
        runIsOpen: (run: string) => open.has(run),
      },
    });
  });
  after(() => server.close());

  async function tell(run: string, notices: readonly Notice[], to: readonly string[]): Promise<WorkflowHandle> {
    const tellings: Telling[] = notices.map((notice) => ({ notice, to }));
    return server.environment.client.workflow.signalWithStart('notices', {
      workflowId: `notices/${run}`,
      taskQueue: 'control',
      args: [run],
      signal: 'tell',
      signalArgs: [tellings, to],
    });
  }

  const toldTo = (run: string, name: string): string[] =>
    (delivered.get(run) ?? []).flatMap(({ to, notice }) => (to === name ? [notice.event] : []));
  const confirmed = (run: string): [to: string, delivered: boolean, why: string][] =>
    (written.get(run) ?? []).map((event) =>
      event.type === 'told' ? [event.to ?? '', event.delivered, event.why ?? ''] : assert.fail(event.type),
    );

  it('are told although what nobody can read is among what is to be told', async () => {
    const run = 'odd';
    open.add(run);
    const handle = await tell(run, [noticeOf(run, 'started', 0)], ['a']);
    for (const payload of [[], [null, null], [[null, {}], [7]], ['tell', 'them'], [[{ notice: {}, to: ['a'] }], ['a']]])
      await handle.signal('tell', ...payload);
    await tell(run, [noticeOf(run, 'closed', 1)], ['a']);
    await handle.result();
    assert.deepEqual(toldTo(run, 'a'), ['started', 'closed']);
  });

  it('are each told once, in order, however often they are offered', async () => {
    const run = 'once';
    const [started, stage, closed] = [
      noticeOf(run, 'started', 0),
      noticeOf(run, 'stage', 1),
      noticeOf(run, 'closed', 2),
    ];
    await tell(run, [started], ['a', 'b']);
    await tell(run, [started, stage], ['a', 'b']);
    const handle = await tell(run, [stage, closed], ['a', 'b']);
    await until(() => toldTo(run, 'b').length === 3 && toldTo(run, 'a').length === 3);
    // The journal's last writing may be tried again for ten minutes.
    await server.environment.sleep('10 minutes');
    const { runId } = await handle.describe();
    await tell(run, [stage, closed], ['a', 'b']);
    await handle.result();
    assert.equal((await handle.describe()).runId, runId, 'it was still the same that heard it');
    for (const name of ['a', 'b']) assert.deepEqual(toldTo(run, name), ['started', 'stage', 'closed']);
  });

  it('reach everybody else although one destination is down, and are given up after a day each', async () => {
    const run = 'down';
    let tries = 0;
    receivers.set('down', (input) => {
      tries += 1;
      return down(input);
    });
    const handle = await tell(run, [noticeOf(run, 'started', 0), noticeOf(run, 'closed', 1)], ['down', 'up']);
    await until(() => toldTo(run, 'up').length === 2);
    const beganMs = await server.environment.currentTimeMs();
    await handle.result();
    assert.ok((await server.environment.currentTimeMs()) - beganMs >= 47 * 3_600_000, 'two days have passed');
    assert.deepEqual(toldTo(run, 'down'), []);
    assert.ok(tries > 2 * 1_000, `${tries} tries`);
    const { events } = await handle.fetchHistory();
    assert.ok((events?.length ?? Infinity) < 100, `${events?.length} events: tries are none`);
  });

  it('of an abort that is to be communicated are confirmed, or said not to have arrived', async () => {
    const run = 'communicate';
    let up = false;
    receivers.set('back-later', (input) => (up ? {} : down(input)));
    receivers.set('refuses', refusing);
    const to = ['works', 'works-too', 'refuses', 'back-later'];
    await tell(run, [noticeOf(run, 'started', 0)], to);
    const abort = noticeOf(run, 'aborted', 1, { confirm: true });
    const handle = await tell(run, [abort], to);
    await until(() => confirmed(run).length === 3);
    await server.environment.sleep('40 seconds');
    await until(() => confirmed(run).length === 4);
    // What nobody could be told at the start keeps nobody from hearing of the abort.
    const byName = (): string[] => confirmed(run).map(([name, told, why]) => `${name}: ${told}${why && `, ${why}`}`);
    assert.deepEqual(byName().toSorted(), [
      'back-later: false, the connection failed; it is tried again',
      'refuses: false, it answers with status 400',
      'works-too: true',
      'works: true',
    ]);
    up = true;
    await tell(run, [noticeOf(run, 'closed', 2)], to);
    await handle.result();
    assert.equal(byName().at(-1), 'back-later: true');
    assert.equal(confirmed(run).length, 5);
    assert.equal(toldTo(run, 'back-later').at(-1), 'closed', 'the end is told last');
    const keys = (written.get(run) ?? []).map(({ seq, atMs, type }) => `${seq} ${atMs} ${type}`);
    assert.deepEqual([new Set(keys).size, new Set((written.get(run) ?? []).map(({ seq }) => seq)).size], [5, 1]);
  });

  it('carry what a destination has to remember', async () => {
    const run = 'kept';
    receivers.set('remembers', ({ notice }): Record<string, number> => (notice.event === 'started' ? { made: 7 } : {}));
    const handle = await tell(run, [noticeOf(run, 'started', 0), noticeOf(run, 'closed', 1)], ['remembers']);
    await handle.result();
    assert.deepEqual(
      (delivered.get(run) ?? []).map(({ kept }) => kept),
      [{}, { made: 7 }],
    );
  });

  it('end with a run that was ended from outside, and say so', async () => {
    const run = 'lost';
    const handle = await tell(run, [noticeOf(run, 'started', 0)], ['a']);
    await handle.result();
    const last = delivered.get(run)?.at(-1)?.notice;
    assert.deepEqual([last?.event, last?.facts.status, last?.facts.experiment], ['closed', 'lost', 'slow-payments']);
    assert.deepEqual(toldTo(run, 'a'), ['started', 'closed']);
  });

  it('of a run of days go on in a new execution, which knows what was told', async () => {
    const run = 'long';
    open.add(run);
    receivers.set('keeps', () => ({ made: 1 }));
    const started = noticeOf(run, 'started', 0);
    const { workflowId } = await tell(run, [started], ['keeps']);
    const handle = server.environment.client.workflow.getHandle(workflowId);
    const { runId } = await handle.describe();
    while ((await handle.describe()).runId === runId) await server.environment.sleep('12 hours');
    await tell(run, [started, noticeOf(run, 'closed', 1)], ['keeps']);
    await handle.result();
    assert.deepEqual(toldTo(run, 'keeps'), ['started', 'closed']);
    assert.deepEqual(delivered.get(run)?.at(-1)?.kept, { made: 1 });
    const { events } = await server.environment.client.workflow.getHandle(workflowId, runId).fetchHistory();
    assert.ok((events?.length ?? Infinity) < 1_100, `${events?.length} events`);
  });
});
