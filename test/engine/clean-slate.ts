/**
 * The clean slate: what must be true after every run, however it ended.
 *
 * Looks past Squall: at the kernel, the ledger's rows, the process table, and Temporal.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { ledgerFile } from '../../activities/faults/ledger-file.ts';
import type { Lane } from '../../bench/torture/lane.ts';
import type { Victims } from '../../bench/torture/victims.ts';

/** Between two looks, in milliseconds. */
const LOOK_MS = 200;
/** A fault that is still there after this long stays, in milliseconds. Far beyond any time-to-live that tests use. */
const FOREVER_MS = 60_000;

/** What is left of `run`, in words; empty when the slate is clean. */
export async function leftovers(lane: Lane, run: string, victims: Victims): Promise<string[]> {
  const left = victims.stopped().map((pid) => `process ${pid} is stopped`);
  const ledger = new DatabaseSync(ledgerFile(lane.state), { readOnly: true });
  try {
    const rows = ledger.prepare("SELECT id, holder_pid FROM faults WHERE run = ? AND state = 'active'").all(run);
    left.push(...rows.map(({ id }) => `the ledger holds ${String(id)}`));
  } finally {
    ledger.close();
  }
  for (const id of [run, ...[1, 2, 3].map((stage) => `${run}/stage-${stage}`)]) {
    const description = await lane.client.workflow
      .getHandle(id)
      .describe()
      .catch(() => undefined);
    if (description?.status.name === 'RUNNING') left.push(`workflow ${id} is open`);
  }
  return left;
}

/** Waits until nothing of `run` is left; fails with what stays. */
export async function assertCleanSlate(lane: Lane, run: string, victims: Victims): Promise<void> {
  const until = performance.now() + FOREVER_MS;
  let left = await leftovers(lane, run, victims);
  while (left.length > 0 && performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    left = await leftovers(lane, run, victims);
  }
  assert.deepEqual(left, [], run);
}

/** Holder processes of this lane that are alive. */
export function holdersOf(lane: Lane): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        return command.includes('holder.ts') && command.includes(lane.state);
      } catch {
        return false;
      }
    });
}
