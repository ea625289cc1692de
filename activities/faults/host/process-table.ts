/**
 * The process table: which process is which.
 *
 * Owns the identity of a process, its pid with its start time, since pids are used again. A signal is sent only right
 * after the identity was read; without a handle on the process itself (which Node does not offer) that statement is the
 * whole of the remaining window.
 */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';

/** A process, by a name that is never used again. */
export interface ProcessId {
  readonly pid: number;
  /** When it started, in the system's own words; only ever compared. */
  readonly start: string;
}

/** What is known of a process. */
export interface ProcessInfo extends ProcessId {
  readonly ppid: number;
  readonly uid: number;
  readonly state: 'stopped' | 'zombie' | 'running';
  readonly command: string;
  /** When it started, in milliseconds since the Unix epoch; to the second. */
  readonly startedAtMs: number;
}

/** Reads processes. */
export interface ProcessTable {
  /** Undefined when there is no such process. Throws when it cannot be told. */
  get(pid: number): Promise<ProcessInfo | undefined>;
  all(): Promise<ProcessInfo[]>;
}

/** The way to read processes on this system. */
export function processTable(): ProcessTable {
  return process.platform === 'linux' ? procTable : psTable;
}

/** Reads a process of exactly this identity. */
export async function find(table: ProcessTable, { pid, start }: ProcessId): Promise<ProcessInfo | undefined> {
  const found = await table.get(pid);
  return found?.start === start && found.state !== 'zombie' ? found : undefined;
}

/** Sends a signal; false when there is no such process, or not of this identity. */
export async function signal(table: ProcessTable, id: ProcessId, name: NodeJS.Signals): Promise<boolean> {
  return (await find(table, id)) !== undefined && send(id.pid, name);
}

/**
 * Sends a signal to whatever has this pid, for whoever has just read its identity; false when there is no such process.
 * Signal 0 only asks whether there is.
 */
export function send(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch (error) {
    if (isErrno(error, 'ESRCH')) return false;
    throw error;
  }
}

/** Kernel clock ticks a second that `/proc` counts in: fixed at 100 for user space on Linux. */
const TICKS = 100;

const procTable: ProcessTable = {
  async get(pid) {
    try {
      return readProc(pid);
    } catch (error) {
      if (isErrno(error, 'ENOENT') || isErrno(error, 'ESRCH')) return undefined;
      throw error;
    }
  },
  async all() {
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
    const found = await Promise.all(pids.map((pid) => procTable.get(Number(pid))));
    return found.filter((info) => info !== undefined);
  },
};

/** proc(5): after the command's closing parenthesis come state (field 3), ppid (4) and, as field 22, the start time. */
function readProc(pid: number): ProcessInfo {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state = '', ppid = ''] = fields;
  const start = fields[19] ?? '';
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  return {
    pid,
    start,
    ppid: Number(ppid),
    uid: Number(/^Uid:\s+(\d+)/m.exec(status)?.[1]),
    state: state === 'T' || state === 't' ? 'stopped' : state === 'Z' || state === 'X' ? 'zombie' : 'running',
    command,
    startedAtMs: bootedAtMs() + (Number(start) / TICKS) * 1_000,
  };
}

function bootedAtMs(): number {
  const booted = /^btime (\d+)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1];
  return Number(booted) * 1_000;
}

const run = promisify(execFile);
const COLUMNS = 'pid=,ppid=,uid=,stat=,lstart=,command=';
/** `lstart` is five words: `Mon Nov 23 18:49:00 2026`. */
const PS_LINE = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(\S+\s+\S+\s+\d+\s+[\d:]+\s+\d+)\s+(.*)$/;

/** For systems without `/proc`; start times are to the second. */
export const psTable: ProcessTable = {
  async get(pid) {
    return (await ps(['-p', `${pid}`]))[0];
  },
  all: () => ps(['-A']),
};

async function ps(which: readonly string[]): Promise<ProcessInfo[]> {
  try {
    const { stdout } = await run('ps', ['-ww', '-o', COLUMNS, ...which], {
      timeout: 10_000,
      maxBuffer: 16 << 20,
      env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' },
    });
    return stdout.split('\n').flatMap(parsePs);
  } catch (error) {
    // `ps -p` says that there is no such process by its exit code.
    if (error instanceof Error && 'code' in error && error.code === 1) return [];
    throw error;
  }
}

function parsePs(line: string): ProcessInfo[] {
  const [, pid, ppid, uid, stat = '', lstart = '', command = ''] = PS_LINE.exec(line) ?? [];
  if (pid === undefined) return [];
  const state = stat.startsWith('T') ? 'stopped' : stat.startsWith('Z') ? 'zombie' : 'running';
  const start = lstart.replaceAll(/\s+/g, '_');
  return [
    {
      pid: Number(pid),
      ppid: Number(ppid),
      uid: Number(uid),
      start,
      state,
      command,
      startedAtMs: Date.parse(`${lstart} UTC`),
    },
  ];
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
