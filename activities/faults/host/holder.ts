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
 * the sweep sees.
 *
 * Arguments: the state folder and the batch.
 */
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
}

const [stateDir = '', batch = ''] = process.argv.slice(2);
const table = processTable();
const ledger = new Ledger(stateDir);
const held = new Map<string, Held>();
let told = false;
process.on('SIGTERM', () => (told = true));
process.on('SIGINT', () => (told = true));

const self = await table.get(process.pid);
for (const row of ledger.hold(batch, process.pid, self?.start ?? '')) await begin(row);
let blind = 0;
while (held.size > 0) {
  await new Promise((resolve) => setTimeout(resolve, TURN_MS));
  try {
    await turn();
    blind = 0;
  } catch {
    blind += 1;
    if (blind >= BLIND_TURNS) told = true;
  }
  if (told) await letGoOfAll();
}
ledger.close();

async function begin(row: LedgerRow): Promise<void> {
  const holding = holdingOf(row.kind, row.params, parseTarget(row.target), table);
  held.set(row.id, { row, holding });
  // Written before the signal, so that `applied` never says less than was done; a fenced row is not touched at all.
  if (ledger.rows([row])[0]?.state === 'active') await holding.begin();
  if (!ledger.applied(row)) await letGo(row.id);
}

async function turn(): Promise<void> {
  const rows = ledger.rows([...held.values()].map(({ row }) => row));
  const now = monotonicMs();
  for (const [i, { row }] of [...held.values()].entries()) {
    const present = rows[i];
    const over = present?.state !== 'active' || present.deadline <= now;
    if (over || (await find(table, parseTarget(row.target))) === undefined) await letGo(row.id);
  }
}

/** Takes the fault off, and only then says so. */
async function letGo(id: string): Promise<void> {
  const mine = held.get(id);
  if (mine === undefined) return;
  await mine.holding.end();
  held.delete(id);
  ledger.fence([faultOf(mine.row)], mine.row.kind);
  ledger.undone([mine.row]);
}

/** Takes everything off; what the ledger does not take note of is still off. */
async function letGoOfAll(): Promise<void> {
  for (const { holding } of held.values()) await holding.end();
  for (const id of [...held.keys()]) {
    await letGo(id).catch(() => undefined);
    held.delete(id);
  }
}
