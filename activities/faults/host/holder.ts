/**
 * The holder: a small detached process that keeps a batch of host faults up, and ends each when its time is over.
 *
 * Owns the faults it could claim in the ledger, and nothing else: it needs no worker and no Temporal. It ends a fault
 * when the ledger shows a tombstone or a deadline that has passed, when its target is gone, when it is told to stop, and
 * when it can no longer read the ledger.
 *
 * Why no order of events leaves a fault: a revert first puts the tombstone, then waits until the holder has let go or is
 * dead, then continues the target. A holder that claims later finds no active row. One that claimed earlier and acts
 * late learns from `applied` or from its next turn that it is fenced, and undoes. One that hangs in between is killed
 * by the revert before the revert continues the target. One that is killed by anybody leaves the row, whose deadline
 * the sweep sees. One target that resists, or one look that fails, never keeps the holder from the others.
 *
 * Arguments: the state folder and the batch.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { monotonicMs } from '../clock.ts';
import { faultOf, Ledger } from '../ledger.ts';
import type { LedgerRow } from '../ledger.ts';
import type { Holding, HoldingFactory } from './holding.ts';
import { holding as pause } from './pause.ts';
import { processTable, send } from './process-table.ts';
import { holding as stutter } from './stutter.ts';
import { parseTarget } from './target.ts';

/** What it can hold. */
const HOLDINGS: Readonly<Record<string, HoldingFactory>> = { 'host/pause': pause, 'host/stutter': stutter };
/** Time between two looks at the ledger, in milliseconds. */
const TURN_MS = 100;
/** Failed looks in a row after which the holder ends everything it holds. */
const BLIND_TURNS = 10;
/** How long the ledger may be busy, in milliseconds: while it is waited for, no target is let go. */
const BUSY_MS = 200;

interface Held {
  readonly row: LedgerRow;
  readonly holding: Holding;
  /** It is to end. */
  over: boolean;
  /** The target is as it was; only the ledger may not know it yet. */
  off: boolean;
}

const [stateDir = '', batch = ''] = process.argv.slice(2);
const table = processTable();
const ledger = new Ledger(stateDir, BUSY_MS);
const held = new Map<string, Held>();
let told = false;
let blind = 0;
let untold = 0;
process.on('SIGTERM', () => (told = true));
process.on('SIGINT', () => (told = true));

const self = await table.get(process.pid);
for (const row of ledger.hold(batch, process.pid, self?.start ?? '')) {
  const holding = HOLDINGS[row.kind]?.(parseTarget(row.target), table, row.params);
  if (holding === undefined) throw new Error(`${row.kind} is not held by a holder`);
  held.set(row.id, { row, holding, over: false, off: false });
}
for (const one of held.values()) await begin(one);
while (held.size > 0) {
  await letGo();
  await sleep(TURN_MS);
  try {
    look();
    blind = 0;
  } catch {
    blind += 1;
  }
  if (told || blind >= BLIND_TURNS) for (const one of held.values()) one.over = true;
}
ledger.close();

/** A fenced row is not touched at all. `applied` is written after the signal: until then the row says that it may be on. */
async function begin(one: Held): Promise<void> {
  try {
    if (ledger.rows([one.row])[0]?.state === 'active') await one.holding.begin();
  } catch {
    // A target that may not be signalled was not touched.
    one.over = true;
    one.off = true;
    return;
  }
  try {
    if (!ledger.applied(one.row)) one.over = true;
  } catch {
    one.over = true;
  }
}

/** Finds out what is to end: what is fenced, past its time, or without its target. */
function look(): void {
  const rows = ledger.rows([...held.values()].map(({ row }) => row));
  const now = monotonicMs();
  for (const [i, one] of [...held.values()].entries()) {
    const present = rows[i];
    if (present?.state !== 'active' || present.deadline <= now || isGone(one)) one.over = true;
  }
}

/**
 * Asks only whether the pid is in use: that needs no look at the process table, which may take long and would keep every
 * target waiting. The fault of a pid that is used again ends with its time, and is refused at its next renewal.
 */
function isGone({ row }: Held): boolean {
  try {
    return !send(parseTarget(row.target).pid, 0);
  } catch {
    return false;
  }
}

/** Takes off all that is over, and only then says so: no target waits for the ledger, nor for another target. */
async function letGo(): Promise<void> {
  const over = [...held.values()].filter((one) => one.over);
  await Promise.all(over.map(async (one) => (one.off ||= await ended(one))));
  const off = over.flatMap((one) => (one.off ? [one.row] : []));
  const [first] = off;
  if (first === undefined) return;
  try {
    ledger.fence(
      off.map((row) => faultOf(row)),
      first.kind,
    );
    ledger.undone(off);
  } catch {
    // Tried again, but a ledger that cannot be told, though the targets are as they were, is no reason to stay.
    untold += 1;
    if (!told && untold < BLIND_TURNS) return;
  }
  for (const { id } of off) held.delete(id);
}

/** A target that resists is tried again in the next turn. */
async function ended(one: Held): Promise<boolean> {
  return one.holding.end().then(
    () => true,
    () => false,
  );
}
