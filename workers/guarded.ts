/**
 * A guarded child: a process that ends when its starter does, in whatever way.
 *
 * Owns the guard: a shell between the two that reads from a pipe of which only the starter has the other end. The system
 * closes that end when the starter is killed too. Must never signal a process but the child, nor that once it is gone.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess, ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

/**
 * Arguments: the folder to remove, or nothing; the command. Says the child's pid. The watch ends the child at the end of
 * the pipe: TERM, and KILL after five seconds. A child that ends by itself ends the watch; only the shell that waits for
 * it frees its pid, and ends the watch at once.
 */
const GUARD = `
folder=$1
shift
exec 3<&0
"$@" </dev/null >&2 3<&- &
child=$!
(
  read -r line <&3
  trap 'exit 0' TERM
  kill -TERM "$child" 2>/dev/null
  left=50
  while kill -0 "$child" 2>/dev/null; do
    [ "$left" -gt 0 ] || kill -KILL "$child" 2>/dev/null
    left=$((left - 1))
    sleep 0.1
  done
) &
watch=$!
echo "$child"
wait "$child"
code=$?
kill -TERM "$watch" 2>/dev/null
wait "$watch" && [ -n "$folder" ] && rm -rf "$folder"
exit "$code"
`;

/** A process that runs under a guard. */
export interface Guarded {
  /** The child's own, not the guard's. */
  readonly pid: number;
  /** Whether it has ended. */
  readonly ended: () => boolean;
  /** SIGTERM, and SIGKILL after five seconds. */
  stop(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
}

/** How a process is guarded. */
export interface GuardedOptions {
  /** The file descriptor that takes its output. */
  readonly output: number;
  /** Removed after it was stopped, or its starter ended. */
  readonly folder?: string;
}

/**
 * Starts `path` under a guard, in a session of its own: Ctrl-C is for the starter, who ends the child in order. What
 * cannot be run has ended at once, and its output says why.
 */
export async function startGuarded(
  path: string,
  args: readonly string[],
  { output, folder = '' }: GuardedOptions,
): Promise<Guarded> {
  const guard = spawn('/bin/sh', ['-c', GUARD, 'guard', folder, path, ...args], {
    stdio: ['pipe', 'pipe', output],
    detached: true,
  }) as ChildProcessByStdio<Writable, Readable, null>;
  const pid = await pidFrom(guard);
  const ended = (): boolean => guard.exitCode !== null || guard.signalCode !== null;
  return {
    pid,
    ended,
    async stop() {
      guard.stdin.end();
      await gone(guard);
    },
    async kill() {
      // While the guard lives, the pid is the child's.
      if (!ended()) killIfThere(pid);
      await gone(guard);
    },
  };
}

async function pidFrom(guard: ChildProcessByStdio<Writable, Readable, null>): Promise<number> {
  const silent = once(guard, 'close').then(() => Promise.reject(new Error('the guard ended before it said a pid')));
  const [line] = (await Promise.race([once(createInterface({ input: guard.stdout }), 'line'), silent])) as [string];
  return Number(line);
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function gone(guard: ChildProcess): Promise<void> {
  if (guard.exitCode === null && guard.signalCode === null) await once(guard, 'exit');
}
