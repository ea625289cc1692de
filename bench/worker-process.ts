/**
 * A worker as a process of its own: `squall worker`, started, measured, ended.
 *
 * Owns that one process and ends it by its pid. It has a process group of its own, so that Ctrl-C reaches the bench alone,
 * which then ends things in order.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const ROOT = join(import.meta.dirname, '..');
/** How long a worker may take to end by itself, in milliseconds. */
const STOP_MS = 8_000;

/** How a worker is started. */
export interface WorkerStart {
  /** `--control`, `--site NAME`, or both. */
  readonly serve: readonly string[];
  readonly config: string;
  readonly temporalAddress: string;
  /** Where its own output goes. */
  readonly logFile: string;
  /** Whether {@link WorkerProcess.memoryAfterCollection} will be asked for. */
  readonly memoryOnRequest?: boolean;
}

/** A serving worker. */
export class WorkerProcess {
  readonly #child: ChildProcess;
  readonly #atExit: () => void;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#atExit = () => void child.kill('SIGKILL');
    process.once('exit', this.#atExit);
  }

  /** Starts a worker; resolves once it serves. Throws when it ends instead, saying where its log is. */
  static async start(start: WorkerStart): Promise<WorkerProcess> {
    const preload = pathToFileURL(join(import.meta.dirname, 'memory-on-request.ts')).href;
    const child = spawn(
      process.execPath,
      [
        // As `bin/squall` does.
        ...['--disable-warning=ExperimentalWarning', '--max-semi-space-size=4', '--heap-growing-percent=30'],
        ...(start.memoryOnRequest ? ['--expose-gc', '--import', preload] : []),
        ...[join(ROOT, 'starters', 'squall.ts'), '--json', 'worker', ...start.serve],
      ],
      {
        cwd: ROOT,
        env: { ...process.env, TEMPORAL_ADDRESS: start.temporalAddress, SQUALL_CONFIG: start.config },
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
        detached: true,
      },
    );
    const worker = new WorkerProcess(child);
    const log = createWriteStream(start.logFile, { flags: 'a' });
    child.stderr?.pipe(log);
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) =>
        reject(new Error(`a worker ended (${code ?? signal}); its log is ${start.logFile}`)),
      );
      if (child.stdout === null) return;
      createInterface({ input: child.stdout }).on('line', (line) => {
        log.write(`${line}\n`);
        if (line.includes('"event":"serving"')) resolve();
      });
    });
    return worker;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Memory once every thread has collected its garbage. The heap is the main thread's. */
  async memoryAfterCollection(): Promise<NodeJS.MemoryUsage> {
    const answer = once(this.#child, 'message');
    this.#child.send('collect');
    const [usage] = (await answer) as [NodeJS.MemoryUsage];
    return usage;
  }

  async end(): Promise<void> {
    process.off('exit', this.#atExit);
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const late = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS);
    await gone;
    clearTimeout(late);
  }
}
