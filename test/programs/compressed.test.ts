/**
 * Many ticks, one right after the other, on a real server: none overlaps with the one before, none weighs more than the first, and nothing is left.
 *
 * Eight cadences whose schedules come every second. As many as a fortnight of every half hour has: SQUALL_TICKS=672 npm test -- programs/compressed
 */
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowExecutionInfo } from '@temporalio/client';
import { ledgerFile } from '../../activities/faults/ledger-file.ts';
import { holdersOf } from '../engine/clean-slate.ts';
import { weigh } from '../engine/history.ts';
import type { Weight } from '../engine/history.ts';
import { until } from '../until.ts';
import { experiment, ScheduledProgram } from './scheduled.ts';

const TICKS = Number(process.env['SQUALL_TICKS'] ?? 32);
const CADENCES = Array.from({ length: 8 }, (_, i) => `c${i + 1}`);
/** A cadence that comes to no other tick within this time comes to none, in milliseconds. */
const STUCK_MS = 120_000;
/** So many of the first and last ticks of each cadence are weighed: whoever is asked twice only adds to a history. */
const WEIGHED = 3;
/** What a history may have more, without its workflow tasks. */
const EVENTS_APART = 3;

const document = `program: compressed
cadences:
${CADENCES.map((name) => `  - { cadence: ${name}, every: 30d, pool: [of-${name}] }\n`).join('')}${CADENCES.map((name) => experiment(`of-${name}`, 'host/pause', '1s', '', name)).join('')}`;
const cadenceOf = ({ workflowId }: WorkflowExecutionInfo): string =>
  /^squall-program\/compressed\/(c\d)-/.exec(workflowId)?.[1] ?? assert.fail(workflowId);
const bare = ({ events, ofTasks }: Weight): number => events - ofTasks;

let scheduled: ScheduledProgram;
before(async () => (scheduled = await ScheduledProgram.open(CADENCES)));
after(() => scheduled.close());

it(`${TICKS} ticks of eight cadences`, { timeout: 1_000 * (300 + 2 * TICKS) }, async (t) => {
  const { client } = scheduled.lane;
  const list = (query: string): Promise<WorkflowExecutionInfo[]> => Array.fromAsync(client.workflow.list({ query }));
  await scheduled.apply(document);
  for (const name of CADENCES)
    await client.schedule
      .getHandle(`squall-program/compressed/${name}`)
      .update((found) => ({ ...found, spec: { intervals: [{ every: '1s' }] } }));
  const runs = "WorkflowType = 'experiment' AND ExecutionStatus != 'Running'";
  for (let [done, changedAtMs] = [0, performance.now()]; done < TICKS; await sleep(1_000)) {
    const { count } = await client.workflow.count(runs);
    if (count > done) changedAtMs = performance.now();
    done = count;
    assert.ok(performance.now() - changedAtMs < STUCK_MS, `no other run after ${done}`);
  }
  await scheduled.schedule('remove', 'compressed');
  const open = async (): Promise<string[]> => {
    const running = await list("ExecutionStatus = 'Running'");
    return running.map(({ workflowId }) => workflowId).filter((id) => !/^(?:blast-radius|stop)\//.test(id));
  };
  await until(async () => (await open()).length === 0, 'what was under way is over');

  const ticks = (await list("WorkflowType = 'program'")).toSorted((a, b) => +a.startTime - +b.startTime);
  const endings: string[] = [];
  for (const [name, inOrder] of Map.groupBy(ticks, cadenceOf)) {
    const ran: Weight[] = [];
    for (const [i, { workflowId, closeTime }] of inOrder.entries()) {
      const next = inOrder[i + 1];
      assert.ok(closeTime, `${workflowId} is over`);
      if (next) assert.ok(closeTime <= next.startTime, `${next.workflowId} began before ${workflowId} ended`);
      const { status, skipped } = await scheduled.resultOf(workflowId);
      endings.push(status ?? skipped ?? 'nothing');
      if (status === 'completed') ran.push(await weigh(client, workflowId));
    }
    const least = (some: readonly Weight[]): number => Math.min(...some.map(bare));
    const [first, last] = [least(ran.slice(0, WEIGHED)), least(ran.slice(-WEIGHED))];
    assert.ok(last - first <= EVENTS_APART, `${name}: ${first} events, then ${last}`);
  }
  const counted = Object.fromEntries([...Map.groupBy(endings, (one) => one)].map(([one, all]) => [one, all.length]));
  t.diagnostic(`${ticks.length} ticks: ${JSON.stringify(counted)}`);
  assert.ok((counted['completed'] ?? 0) >= TICKS / 2, JSON.stringify(counted));

  await until(() => holdersOf(scheduled.lane).length === 0, 'no holder is left');
  assert.deepEqual(scheduled.stopped(), []);
  const ledger = new DatabaseSync(ledgerFile(scheduled.lane.state), { readOnly: true });
  assert.deepEqual(ledger.prepare("SELECT id FROM faults WHERE state = 'active'").all(), []);
  ledger.close();
  assert.match(await scheduled.schedule('list'), /nothing is scheduled/);
  // The budget goes on for as long as the installation, and holds nothing.
  const budget = await weigh(client, 'blast-radius/torture');
  t.diagnostic(`the budget: ${JSON.stringify(budget)}`);
  assert.ok(budget.events < 10_000, JSON.stringify(budget));
});
