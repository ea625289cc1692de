/** What a holder does to a target while it holds a fault. Must never decide when to end. */
import type { ProcessId, ProcessTable } from './process-table.ts';

/** One fault as a holder keeps it up. */
export interface Holding {
  /** Puts the fault on. */
  begin(): Promise<void>;
  /** Takes it off with SIGCONT, as a revert does: afterwards the process runs, unless it is gone. */
  end(): Promise<void>;
}

/** How a fault is kept up on a process, with parameters as they were written down. Throws when they mean nothing to it. */
export type HoldingFactory = (target: ProcessId, table: ProcessTable, params: unknown) => Holding;
