/**
 * A program run in a container, over the API server's web socket, bounded in time and size.
 *
 * Owns the frames of that protocol. Must never decide what an exit code means, nor try twice: what was begun may have been
 * done.
 */
import { PassThrough } from 'node:stream';
import type { KubeConfig } from '@kubernetes/client-node';
import { z } from 'zod';
import type { Opened } from './transport.ts';

/** The most bytes that are read of what a program says. */
const SAID_MAX_BYTES = 16_384;
/** The longest frame: a status may quote what was said. */
const FRAME_MAX_BYTES = 65_536;

/** The channels of frames, by their first byte. */
const STDOUT = 1;
const STATUS = 3;

const NOWHERE = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() };

/** What is to be run, and where. */
export interface Execution {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  /** The program and its arguments. No shell is needed. */
  readonly command: readonly string[];
}

/** How a program ended, and what it said on its standard output. */
export interface Executed {
  readonly code: number;
  readonly said: string;
}

/** As much as is needed of the client's web socket, whose types it does not bring. */
interface Socket {
  onclose: (() => void) | null;
  onerror: (() => void) | null;
  terminate(): void;
}

/** Runs a program once. Rejects where it could not be run, or nobody can say how it ended. */
export type Execute = (execution: Execution, signal: AbortSignal) => Promise<Executed>;

const statusSchema = z.object({
  status: z.string(),
  message: z.string().max(4_000).catch(''),
  reason: z.string().max(200).catch(''),
  details: z
    .object({ causes: z.array(z.object({ reason: z.string().catch(''), message: z.string().catch('') })).catch([]) })
    .catch({ causes: [] }),
});

/** Opens the channel on a way to a cluster. */
export function openChannel(way: () => Promise<Opened>): Execute {
  return async (execution, signal) => {
    const { client, config } = await way();
    const { handler } = new client.Exec(bounded(config, signal));
    // A server could close this process's own otherwise.
    Object.assign(handler, { streams: NOWHERE });
    const heard = new Heard();
    const connecting = handler.connect(pathOf(execution), null, (channel, bytes) => heard.frame(channel, bytes));
    const socket = await (connecting as Promise<Socket>).catch((error: unknown) => {
      throw new Error(`exec in ${execution.pod}: ${wordsOf(error)}`);
    });
    const stop = (): void => socket.terminate();
    signal.addEventListener('abort', stop);
    try {
      await new Promise<void>((resolve) => {
        // Nobody waits for a server that has said how it ended to close its end too.
        void heard.ended.then(() => resolve());
        socket.onclose = () => resolve();
        // A close follows.
        socket.onerror = () => undefined;
        if (signal.aborted) stop();
      });
    } finally {
      signal.removeEventListener('abort', stop);
      stop();
    }
    return heard.ending(execution.pod);
  };
}

/** What comes over the socket. Nothing that a server sends makes it throw. */
class Heard {
  readonly #ended = Promise.withResolvers<undefined>();
  /** Resolves once somebody has said how it ended. */
  readonly ended: Promise<undefined> = this.#ended.promise;
  #said = Buffer.alloc(0);
  #status: unknown;

  /** Whether more is to come. */
  frame(channel: number, bytes: Buffer): boolean {
    if (channel === STDOUT) this.#said = Buffer.concat([this.#said, bytes]).subarray(0, SAID_MAX_BYTES);
    if (channel !== STATUS) return true;
    try {
      this.#status = JSON.parse(bytes.toString('utf8'));
    } catch {
      // Then nobody can say how it ended.
    }
    this.#ended.resolve(undefined);
    return false;
  }

  ending(pod: string): Executed {
    const { data } = statusSchema.safeParse(this.#status);
    if (data === undefined) throw new Error(`exec in ${pod}: nobody has said how it ended`);
    const said = this.#said.toString('utf8');
    if (data.status === 'Success') return { code: 0, said };
    const code = data.details.causes.find(({ reason }) => reason === 'ExitCode')?.message ?? '';
    if (!/^\d{1,3}$/.test(code)) throw new Error(`exec in ${pod}: ${data.message || data.reason}`);
    return { code: Number(code), said };
  }
}

function pathOf({ namespace, pod, container, command }: Execution): string {
  const query = new URLSearchParams({ container, stdout: 'true' });
  for (const word of command) query.append('command', word);
  return `/api/v1/namespaces/${namespace}/pods/${pod}/exec?${query.toString()}`;
}

/** The credentials of `config` for a socket that lives no longer than `signal`, and takes no frame that is too long. */
function bounded(config: KubeConfig, signal: AbortSignal): KubeConfig {
  const limited = Object.create(config) as KubeConfig;
  limited.applyToHTTPSOptions = async (options) => {
    await config.applyToHTTPSOptions(options);
    Object.assign(options, { signal, maxPayload: FRAME_MAX_BYTES });
  };
  return limited;
}

function wordsOf(error: unknown): string {
  const { data } = z.object({ message: z.string() }).safeParse(error);
  return data?.message ?? String(error);
}
