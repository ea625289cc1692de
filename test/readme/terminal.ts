/**
 * A terminal of a test: bash, its output, and everything that was started in it.
 *
 * A mark in the environment finds what outlives it, whatever process group it moved to.
 */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';

/** Commands that run. */
export interface Terminal {
  readonly output: () => string;
  readonly code: Promise<number | null>;
  /** Resolves when the output matches; rejects with the output when the commands end before. */
  until(pattern: RegExp): Promise<void>;
  /** As Ctrl-C does: to the whole foreground group. */
  interrupt(): void;
  /** Pids of what was started here and still runs. Linux only; elsewhere empty. */
  left(): number[];
}

/** Runs `commands` in `cwd`. */
export function open(commands: string, cwd: string, env: Readonly<Record<string, string>> = {}): Terminal {
  const mark = `SQUALL_TEST_TERMINAL=${randomUUID()}`;
  const [name = '', value = ''] = mark.split('=');
  const child = spawn('bash', ['-euo', 'pipefail', '-c', commands], {
    cwd,
    env: { ...process.env, ...env, [name]: value },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  const waiting = new Set<() => void>();
  const take = (chunk: Buffer): void => {
    text += chunk.toString();
    for (const look of waiting) look();
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  const code = new Promise<number | null>((resolve) => child.once('close', resolve));
  return {
    output: () => text,
    code,
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (!pattern.test(text)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
        void code.then(() => reject(new Error(`ended before ${String(pattern)}:\n${text}`)));
      }),
    interrupt() {
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGINT');
    },
    left: () => carrying(mark),
  };
}

function carrying(mark: string): number[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(mark);
      } catch {
        return false;
      }
    });
}
