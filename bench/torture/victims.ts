/**
 * Victims: real processes to do faults to, and an observer that does not ask Squall.
 *
 * Owns the processes of one trial and the reading of their state from the kernel.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Every victim of this process; those that are left end with it. */
const alive = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

/** A victim that has been seen stopped within this time is harmed, in milliseconds: one that stutters runs in between. */
const HARMED_MS = 1_000;

/** Processes of one group, each with its pid file. */
export class Victims {
  readonly group: string;
  readonly #folder: string;
  readonly #children: ChildProcess[] = [];
  /** When a victim was first and last seen stopped, in milliseconds of `performance.now()`. */
  firstStoppedMs: number | undefined;
  lastStoppedMs: number | undefined;
  /** Of each victim that is harmed: since when, and when it was last seen stopped. */
  readonly #harmed = new Map<number, { readonly sinceMs: number; seenMs: number }>();
  #observer: NodeJS.Timeout | undefined;

  private constructor(folder: string, group: string) {
    this.#folder = folder;
    this.group = group;
  }

  /** Starts `count` processes and begins to observe them. */
  static async start(folder: string, group: string, count: number): Promise<Victims> {
    const victims = new Victims(folder, group);
    await mkdir(folder, { recursive: true });
    for (let i = 1; i <= count; i++) {
      const child = spawn('sleep', ['3600'], { stdio: 'ignore' });
      await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject));
      victims.#children.push(child);
      alive.add(child);
      child.once('exit', () => alive.delete(child));
      await writeFile(join(folder, `${group}-${i}.pid`), `${child.pid}\n`);
    }
    victims.#observer = setInterval(() => victims.#observe(), 20);
    return victims;
  }

  get pids(): number[] {
    return this.#children.flatMap(({ pid }) => pid ?? []);
  }

  /** The victims that the kernel says are stopped now. */
  stopped(): number[] {
    return this.#children.flatMap(({ pid }) => (pid !== undefined && stateOf(pid) === 'T' ? [pid] : []));
  }

  /** The victims that have been harmed without a break for at least `ms`. */
  harmedFor(ms: number): number[] {
    this.#observe();
    const beforeMs = performance.now() - ms;
    return [...this.#harmed].flatMap(([pid, { sinceMs }]) => (sinceMs <= beforeMs ? [pid] : []));
  }

  /** Ends the victims, stopped or not, and removes their files. */
  async end(): Promise<void> {
    clearInterval(this.#observer);
    for (const child of this.#children) child.kill('SIGKILL');
    for (const child of this.#children) {
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    }
    for (let i = 1; i <= this.#children.length; i++)
      await rm(join(this.#folder, `${this.group}-${i}.pid`), { force: true });
  }

  #observe(): void {
    const stopped = new Set(this.stopped());
    const nowMs = performance.now();
    for (const [pid, { seenMs }] of this.#harmed) if (seenMs < nowMs - HARMED_MS) this.#harmed.delete(pid);
    for (const pid of stopped) {
      const harmed = this.#harmed.get(pid);
      if (harmed) harmed.seenMs = nowMs;
      else this.#harmed.set(pid, { sinceMs: nowMs, seenMs: nowMs });
    }
    if (stopped.size === 0) return;
    this.firstStoppedMs ??= nowMs;
    this.lastStoppedMs = nowMs;
  }
}

/** The state letter of a process, from the kernel; undefined when there is none of this pid. */
function stateOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
  } catch {
    return undefined;
  }
}
