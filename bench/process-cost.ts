/**
 * What processes cost, as the kernel counts it.
 *
 * Owns the reading of /proc. Linux only: elsewhere there is no /proc, and the bench says so before it starts.
 */
import { existsSync, readFileSync } from 'node:fs';

/** Ticks a second in which /proc counts CPU time; the kernel's USER_HZ, 100 on every architecture Node runs on. */
const TICKS_PER_SECOND = 100;

/** CPU time since a process started, and its resident memory now. */
export interface ProcessCost {
  /** User and system time of all its threads, in seconds, in steps of 0.01. */
  readonly cpuS: number;
  /** In bytes. */
  readonly rssBytes: number;
}

/** Whether this machine counts what processes cost where this module reads it. */
export function canMeasureProcesses(): boolean {
  return existsSync('/proc/self/stat');
}

/** What the process has cost so far. Throws when there is none of this pid. */
export function costOf(pid: number): ProcessCost {
  return { cpuS: (statOf(pid, 14) + statOf(pid, 15)) / TICKS_PER_SECOND, rssBytes: rssOf(pid) };
}

/** CPU time of all children of this process that have ended, with their own ended children, in seconds. */
export function endedChildrenCpuS(): number {
  return (statOf('self', 16) + statOf('self', 17)) / TICKS_PER_SECOND;
}

/** Resident memory in bytes; 0 when the process has just gone. */
export function rssOf(pid: number): number {
  try {
    const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(kilobytes ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** Field `number` of /proc/<pid>/stat, counted from 1 as in proc(5); the name in field 2 may hold spaces. */
function statOf(pid: number | 'self', number: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const afterName = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(afterName[number - 3] ?? 0);
}

/** Follows the memory of processes: the highest sum that was seen. */
export class PeakMemory {
  readonly #timer: NodeJS.Timeout;
  #peakBytes = 0;

  /** Looks every `everyMs` at the processes that `pids` names then. */
  constructor(pids: () => readonly number[], everyMs: number) {
    this.#timer = setInterval(() => {
      const sum = pids().reduce((bytes, pid) => bytes + rssOf(pid), 0);
      this.#peakBytes = Math.max(this.#peakBytes, sum);
    }, everyMs);
  }

  /** Stops looking; the highest sum in bytes. */
  end(): number {
    clearInterval(this.#timer);
    return this.#peakBytes;
  }
}
