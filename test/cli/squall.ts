/**
 * `squall` as a person or a script starts it.
 *
 * Owns the process: what it says on either side, how it ends.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { ROOT } from '../readme/blocks.ts';

/** A command that has ended. */
export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A command under way. */
export interface Started {
  readonly child: ChildProcess;
  readonly out: () => string;
  readonly ended: Promise<Ended>;
}

/** Starts `squall` with its output in pipes. */
export function start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Started {
  return open(join(ROOT, 'bin', 'squall'), args, env);
}

/** Starts `command` in the root of the repository, with its output in pipes. */
export function open(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Started {
  const child = spawn(command, args, {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, out, err }));
  return { child, out: () => out, ended };
}

/** Runs `squall` to its end. */
export function squall(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return start(args, env).ended;
}

/** What `--json` printed: one object a line, each with `event` and `at`. Throws where a line is not. */
export function eventsOf(
  out: string,
): readonly (Record<string, unknown> & { readonly event: string; readonly at: string })[] {
  return out
    .trim()
    .split('\n')
    .map((line) => {
      const event = JSON.parse(line) as Record<string, unknown>;
      if (typeof event['event'] !== 'string' || typeof event['at'] !== 'string') throw new Error(`no event: ${line}`);
      return event as Record<string, unknown> & { event: string; at: string };
    });
}
