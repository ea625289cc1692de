/**
 * One end of the traffic, in a namespace: a process that is told what to send and what came back.
 *
 * Owns that process and its protocol with `traffic.ts`.
 */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';

/** What an end can be told. */
export type Command =
  | { readonly do: 'serve'; readonly host: string; readonly port: number }
  | {
      readonly do: 'ping';
      readonly host: string;
      readonly port: number;
      readonly count: number;
      readonly waitMs: number;
    }
  | {
      readonly do: 'fetch';
      readonly host: string;
      readonly port: number;
      readonly bytes: number;
      readonly waitMs: number;
    }
  | { readonly do: 'wrongChecksums' };

/** What became of datagrams that were to be answered. */
export interface Pinged {
  readonly sent: number;
  readonly answered: number;
  /** That the kernel would not take from who sent them. */
  readonly refused: number;
  readonly roundTripsMs: readonly number[];
}

/** How much slower than usual this machine is. */
export const PATIENCE = Number(process.env['SQUALL_FAULT_PATIENCE'] ?? '1');
/** Enough for an answer that comes at all, in milliseconds; only what is lost takes as long. */
const WAIT_MS = 2_000 * PATIENCE;

export class Endpoint {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #answers: Interface;

  constructor(namespace: string) {
    const script = join(import.meta.dirname, 'traffic.ts');
    this.#child = spawn('nsenter', [
      `--net=/run/netns/${namespace}`,
      process.execPath,
      '--disable-warning=ExperimentalWarning',
      script,
    ]);
    this.#child.stderr.pipe(process.stderr);
    this.#answers = createInterface({ input: this.#child.stdout });
  }

  async #tell(command: Command): Promise<unknown> {
    const answer = once(this.#answers, 'line');
    this.#child.stdin.write(`${JSON.stringify(command)}\n`);
    const [line] = (await answer) as [string];
    return JSON.parse(line) as unknown;
  }

  /** Answers datagrams and streams there from now on. */
  async serve(host: string, port: number): Promise<void> {
    await this.#tell({ do: 'serve', host, port });
  }

  async ping(host: string, port: number, count = 10, waitMs = WAIT_MS): Promise<Pinged> {
    return (await this.#tell({ do: 'ping', host, port, count, waitMs })) as Pinged;
  }

  /** Whether one of a few datagrams is answered. */
  async reaches(host: string, port: number): Promise<boolean> {
    return (await this.ping(host, port, 3, WAIT_MS / 2)).answered > 0;
  }

  /** How long so many bytes took over a stream, in milliseconds; -1 where they did not come. */
  async fetch(host: string, port: number, bytes: number, waitMs = 60_000): Promise<number> {
    return (await this.#tell({ do: 'fetch', host, port, bytes, waitMs })) as number;
  }

  async wrongChecksums(): Promise<number> {
    return (await this.#tell({ do: 'wrongChecksums' })) as number;
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.stdin.end();
    await exited;
  }
}
