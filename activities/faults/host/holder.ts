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
import { Ledger } from '../ledger.ts';
import type { LedgerRow } from '../ledger.ts';
import { monotonicMs } from '../clock.ts';
import { faultOf } from '../ledger.ts';
import { holdingOf } from './holding.ts';
import type { Holding } from './holding.ts';
import { find, processTable } from './process-table.ts';
import { parseTarget } from './target.ts';

/** Time between two looks at the ledger, in milliseconds. */
const TURN_MS = 100;
/** Failed looks in a row after which the holder ends everything it holds. */
const BLIND_TURNS = 10;

interface Held {
  readonly row: LedgerRow;
  readonly holding: Holding;
  /** It is to end. */
  over: boolean;
  /** The target is as it was; only the ledger may not know it yet. */
  off: boolean;
  /** Times that the ledger could not be told. */
  untold: number;
}

const [stateDir = '', batch = ''] = process.argv.slice(2);
const table = processTable();
const ledger = new Ledger(stateDir);
const held = new Map<string, Held>();
let told = false;
process.on('SIGTERM', () => (told = true));
process.on('SIGINT', () => (told = true));

const self = await table.get(process.pid);
for (const row of ledger.hold(batch, process.pid, self?.start ?? '')) {
  const holding = holdingOf(row.kind, row.params, parseTarget(row.target), table);
  held.set(row.id, { row, holding, over: false, off: false, untold: 0 });
}
for (const one of held.values()) await begin(one).catch(() => (one.over = true));
let blind = 0;
while (held.size > 0) {
  await letGo();
  await sleep(TURN_MS);
  try {
    await look();
    blind = 0;
  } catch {
    blind += 1;
  }
  if (told || blind >= BLIND_TURNS) for (const one of held.values()) one.over = true;
}
ledger.close();

/** Written before the signal, so that `applied` never says less than was done; a fenced row is not touched at all. */
async function begin(one: Held): Promise<void> {
  if (ledger.rows([one.row])[0]?.state === 'active') await one.holding.begin();
  if (!ledger.applied(one.row)) one.over = true;
}

/** Finds out what is to end: what is fenced, past its time, or without its target. */
async function look(): Promise<void> {
  const rows = ledger.rows([...held.values()].map(({ row }) => row));
  const now = monotonicMs();
  for (const [i, one] of [...held.values()].entries()) {
    const present = rows[i];
    if (present?.state !== 'active' || present.deadline <= now) one.over = true;
    else if ((await find(table, parseTarget(one.row.target))) === undefined) one.over = true;
  }
}

/** Takes off whatever is over, and only then says so. */
async function letGo(): Promise<void> {
  for (const [id, one] of held) {
    if (!one.over) continue;
    try {
      if (!one.off) await one.holding.end();
      one.off = true;
      ledger.fence([faultOf(one.row)], one.row.kind);
      ledger.undone([one.row]);
      held.delete(id);
    } catch {
      // Tried again in the next turn; a ledger that cannot be told, though the target is as it was, is no reason to stay.
      if (one.off && (told || ++one.untold >= BLIND_TURNS)) held.delete(id);
    }
  }
}
