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
import { until } from '../until.ts';
import { experiment, ScheduledProgram } from './scheduled.ts';

const TICKS = Number(process.env['SQUALL_TICKS'] ?? 32);
const CADENCES = Array.from({ length: 8 }, (_, i) => `c${i + 1}`);
/** What one tick's history may have more than another's: who answers together shares a workflow task. */
const EVENTS_APART = 9;

const document = `program: compressed
cadences:
${CADENCES.map((name) => `  - { cadence: ${name}, every: 30d, pool: [of-${name}] }\n`).join('')}${CADENCES.map((name) => experiment(`of-${name}`, 'host/pause', '1s', '', name)).join('')}`;

let scheduled: ScheduledProgram;
before(async () => (scheduled = await ScheduledProgram.open(CADENCES)));
after(() => scheduled.close());

it(`${TICKS} ticks of eight cadences`, async (t) => {
  const { client } = scheduled.lane;
  await scheduled.apply(document);
  for (const name of CADENCES)
    await client.schedule
      .getHandle(`squall-program/compressed/${name}`)
      .update((found) => ({ ...found, spec: { intervals: [{ every: '1s' }] } }));
  const over = 'WorkflowType = "program" AND ExecutionStatus != "Running"';
  while ((await client.workflow.count(over)).count < TICKS) await sleep(1_000);
  await scheduled.schedule('remove', 'compressed');
  const open = async (): Promise<string[]> => {
    const running = await Array.fromAsync(client.workflow.list({ query: 'ExecutionStatus = "Running"' }));
    return running.map(({ workflowId }) => workflowId).filter((id) => !/^(?:blast-radius|stop)\//.test(id));
  };
  await until(async () => (await open()).length === 0, 'what was under way is over');

  const ticks = await Array.fromAsync(client.workflow.list({ query: 'WorkflowType = "program"' }));
  const cadenceOf = ({ workflowId }: WorkflowExecutionInfo): string =>
    /^squall-program\/compressed\/(c\d)-/.exec(workflowId)?.[1] ?? assert.fail(workflowId);
  const ofCadence = Map.groupBy(
    ticks.toSorted((a, b) => a.startTime.getTime() - b.startTime.getTime()),
    cadenceOf,
  );
  assert.equal(ofCadence.size, CADENCES.length);
  const endings: string[] = [];
  for (const [name, inOrder] of ofCadence) {
    for (const [i, tick] of inOrder.entries()) {
      const next = inOrder[i + 1];
      assert.ok(tick.closeTime, `${tick.workflowId} is over`);
      if (next) assert.ok(tick.closeTime <= next.startTime, `${next.workflowId} began before ${tick.workflowId} ended`);
      endings.push((await scheduled.resultOf(tick.workflowId)).status ?? 'nothing was begun');
    }
    const [first, last] = [inOrder[0], inOrder.at(-1)];
    assert.ok(first && last && first !== last, `${name} came more than once`);
    const weights = await Promise.all([first, last].map(({ workflowId }) => weigh(client, workflowId)));
    const [least = 0, most = 0] = weights.map(({ events }) => events).toSorted((a, b) => a - b);
    assert.ok(most - least <= EVENTS_APART, `${name}: ${JSON.stringify(weights)}`);
  }
  const counted = Object.fromEntries([...Map.groupBy(endings, (one) => one)].map(([one, all]) => [one, all.length]));
  t.diagnostic(`${ticks.length} ticks: ${JSON.stringify(counted)}`);
  assert.ok((counted['completed'] ?? 0) > ticks.length / 2, JSON.stringify(counted));

  assert.deepEqual(scheduled.stopped(), []);
  assert.deepEqual(holdersOf(scheduled.lane), []);
  const ledger = new DatabaseSync(ledgerFile(scheduled.lane.state), { readOnly: true });
  assert.deepEqual(ledger.prepare("SELECT id FROM faults WHERE state = 'active'").all(), []);
  ledger.close();
  assert.match(await scheduled.schedule('list'), /nothing is scheduled/);
});
