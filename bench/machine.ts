/** The machine that figures were taken on. */
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os';

/** What must be said beside every figure. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly system: string;
  readonly node: string;
  /** ISO 8601, UTC. */
  readonly date: string;
  /** Processes that wanted a core, on average over the last minute: what else the machine was doing. */
  readonly load: number;
}

/** This machine, now. */
export function machineNow(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    system: `${type()} ${release()}`,
    node: process.versions.node,
    date: new Date().toISOString().slice(0, 16).replace('T', ' '),
    load: loadavg()[0] ?? 0,
  };
}
