/**
 * The `command` probe: a program's output as a number, or its exit code.
 *
 * Owns running it without a shell, in a process group of its own that is killed whole when the program ends, is too slow
 * or says too much. Off unless the worker's configuration allows it. Must never hand the worker's environment on.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { z } from 'zod';
import type { Reading } from '../../domain/probe.ts';
import type { ProbeCommon, ProbeProvider } from './probe.ts';
import { noData, reading, reasonOf } from './reading.ts';

/** The most bytes a command may say on each stream. */
const OUTPUT_MAX_BYTES = 64 * 1024;
/** How long output is awaited after the program's group was killed, in milliseconds: what left the group may hold the pipe. */
const DRAIN_MS = 200;
/** What a command finds in its environment; `env` names more. */
const ENVIRONMENT = ['PATH', 'HOME', 'LANG', 'TMPDIR'];
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

const settings = z.strictObject({
  run: z.array(z.string()).min(1).max(100).describe('The program and its arguments, one each. No shell reads them.'),
  parse: z.enum(['number', 'exit-code']).default('number').describe('The number it prints, or its exit code.'),
  env: z
    .array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected the name of an environment variable'))
    .default([])
    .describe(`Environment variables handed on, besides ${ENVIRONMENT.join(', ')}.`),
});

/** The settings of a `command` probe. */
export type CommandSettings = z.infer<typeof settings>;

/** What the worker's configuration says of commands. */
export interface CommandLeave {
  readonly allowed: boolean;
}

/** Runs commands, where they are allowed. */
export function commandProvider({ allowed }: CommandLeave): ProbeProvider<CommandSettings> {
  const refusal = 'commands may not run on this worker: set allowCommands: true in squall.yaml';
  return {
    type: 'command',
    settings,
    check: ({ run: [program = ''] }) => {
      if (!allowed) return [refusal];
      return isThere(program) ? [] : [`there is no program ${program} on this worker`];
    },
    open: (command, common) => ({
      read: async (signal) => (allowed ? read(command, common, signal) : noData(refusal)),
    }),
  };
}

/** Runs no commands: what a worker has that was not told otherwise. */
export const provider: ProbeProvider<CommandSettings> = commandProvider({ allowed: false });

/** Why `unit` cannot be right for these settings, if it cannot. */
export function unitObjection({ parse }: CommandSettings, unit: string): string | undefined {
  return parse === 'exit-code' && unit !== 'count' ? 'an exit code is a plain number: write `unit: count`' : undefined;
}

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Why it was killed, if it was. */
  readonly killed: string | undefined;
}

async function read(
  command: CommandSettings,
  { timeoutMs, scale }: ProbeCommon,
  signal: AbortSignal,
): Promise<Reading> {
  if (signal.aborted) return noData('it was no longer wanted');
  let ended: Ended;
  try {
    ended = await runBounded(command, timeoutMs, signal);
  } catch (error) {
    return noData(`it could not be run: ${reasonOf(error)}`);
  }
  const { code, stdout, stderr, killed } = ended;
  if (killed !== undefined) return noData(killed);
  if (code === null) return noData('it was ended by a signal');
  if (command.parse === 'exit-code') return reading(code, scale);
  if (code !== 0) return noData(`it ended with ${code}: ${reasonOf(stderr)}`);
  const text = stdout.trim();
  return NUMBER.test(text) ? reading(Number(text), scale) : noData(`it printed no number: ${text.slice(0, 50)}`);
}

async function runBounded(command: CommandSettings, timeoutMs: number, signal: AbortSignal): Promise<Ended> {
  const [program = '', ...args] = command.run;
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  // `detached` makes it the leader of a group of its own, which can be killed whole.
  const child = spawn(program, args, {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environment(command.env),
  });
  let killed: string | undefined;
  const kill = (why: string): void => {
    killed ??= why;
    killGroup(child);
  };
  const stdout = collect(child.stdout, () => kill(`it printed more than ${OUTPUT_MAX_BYTES} bytes`));
  const stderr = collect(child.stderr, () => kill(`it printed more than ${OUTPUT_MAX_BYTES} bytes`));
  const cancelled = (): void => kill('it was no longer wanted');
  const timer = setTimeout(() => kill(`it did not end within ${timeoutMs} ms`), timeoutMs);
  let drain: NodeJS.Timeout | undefined;
  signal.addEventListener('abort', cancelled, { once: true });
  child.once('error', reject);
  child.once('close', (code) => resolve(code));
  child.once('exit', () => {
    killGroup(child);
    drain = setTimeout(() => [child.stdout, child.stderr].forEach((stream) => stream.destroy()), DRAIN_MS);
  });
  try {
    const code = await promise;
    return { code, stdout: stdout(), stderr: stderr(), killed };
  } finally {
    clearTimeout(timer);
    clearTimeout(drain);
    signal.removeEventListener('abort', cancelled);
  }
}

/** Kills whatever is left of the child's group; none being left is as good. */
function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    // macOS says EPERM of a group that holds only what has ended.
    if (code !== 'ESRCH' && code !== 'EPERM') throw error;
  }
}

function collect(stream: NodeJS.ReadableStream, onTooMuch: () => void): () => string {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.byteLength;
    if (bytes > OUTPUT_MAX_BYTES) onTooMuch();
    else chunks.push(chunk);
  });
  return () => Buffer.concat(chunks).toString('utf8');
}

function environment(names: readonly string[]): Record<string, string> {
  const found = [...ENVIRONMENT, ...names].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(found);
}

function isThere(program: string): boolean {
  const paths = program.includes('/')
    ? [program]
    : (process.env['PATH'] ?? '').split(delimiter).map((dir) => join(dir, program));
  return paths.some((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
