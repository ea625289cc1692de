/**
 * A proxy before moto, which an SDK is told is AWS: it writes down what is asked, and can be as rough as AWS is on a bad day.
 *
 * Owns the log of calls, and the hooks by which a test holds, refuses or answers one. Calm, it passes everything on; rough, what
 * happens is drawn from a seed (`shim/roughness.ts`). Must never lose an effect: what moto has done stays done, whoever heard of it.
 */
import { once } from 'node:events';
import { createServer, request as ask } from 'node:http';
import type { IncomingMessage, OutgoingHttpHeaders, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { CUT } from './shim/answer.ts';
import type { Answer, AnswerOrCut } from './shim/answer.ts';
import { readCall } from './shim/call.ts';
import type { Call } from './shim/call.ts';
import { Roughness } from './shim/roughness.ts';
import type { Happening, Rough } from './shim/roughness.ts';

export { CUT, refusal } from './shim/answer.ts';
export type { Answer } from './shim/answer.ts';
export type { Happening, Rough } from './shim/roughness.ts';
export { isRead } from './shim/call.ts';
export type { Call } from './shim/call.ts';

/** A call as it went. */
export interface Logged {
  readonly call: Call;
  /** When it came, by `performance.now()`. */
  readonly atMs: number;
  /** What was rough about it. */
  readonly happenings: Happening[];
  /** What was answered; undefined while it is under way. */
  status?: number | typeof CUT;
}

/** In the place of moto, or before it where it answers nothing. */
export type Before = (call: Call) => AnswerOrCut | undefined | Promise<AnswerOrCut | undefined>;
/** After moto, which has done what it was asked. Answers nothing where the answer is right. */
export type After = (call: Call, answer: Answer) => AnswerOrCut | undefined | Promise<AnswerOrCut | undefined>;

export interface ShimOptions {
  /** Where moto, or another shim, listens. */
  readonly to: string;
  /** What is drawn is drawn from it; the default is 0. */
  readonly seed?: number;
  /** How rough it is. Default: not at all. */
  readonly rough?: Rough;
}

export class Shim {
  /** Every call since the beginning, in the order in which they came. */
  readonly log: Logged[] = [];
  readonly #server: Server;
  readonly #to: URL;
  readonly #roughness: Roughness | undefined;
  readonly #before: Hooks<Before> = new Set();
  readonly #after: Hooks<After> = new Set();

  private constructor(server: Server, { to, seed = 0, rough }: ShimOptions) {
    this.#server = server;
    this.#to = new URL(to);
    if (rough !== undefined) this.#roughness = new Roughness(seed, rough);
  }

  /** Listens on a free port of the loopback. */
  static async open(options: ShimOptions): Promise<Shim> {
    const server = createServer();
    const shim = new Shim(server, options);
    server.on('request', (request, response) => void shim.#serve(request, response));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return shim;
  }

  /** For `endpoint` in a site's settings. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** What was asked, as IAM's policies name it, each once and in order: `ec2:DescribeInstances`. */
  get asked(): string[] {
    return [...new Set(this.log.map(({ call }) => call.name))].toSorted();
  }

  /** The calls of one action, `ec2:StopInstances`. */
  callsOf(name: string): Call[] {
    return this.log.filter(({ call }) => call.name === name).map(({ call }) => call);
  }

  /**
   * Asks `hook` before each call of an action (`ec2:StopInstances`, or `*`) is passed on; returns what takes it away again.
   * Roughness is outside of it: a call that is throttled does not come here, and what it answers may be lost.
   * A hook that throws cuts the connection.
   */
  before(name: string, hook: Before): () => void {
    return hooked(this.#before, name, hook);
  }

  /** The same for what moto has answered. */
  after(name: string, hook: After): () => void {
    return hooked(this.#after, name, hook);
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let answer: AnswerOrCut = CUT;
    const atMs = performance.now();
    try {
      const { method = 'GET', url = '/', headers } = request;
      const call = readCall(method, url, headers, await text(request));
      const logged: Logged = { call, atMs, happenings: [] };
      this.log.push(logged);
      const note = (happening: Happening): number => logged.happenings.push(happening);
      answer = await (this.#roughness?.answer(call, this.#pass, note) ?? this.#pass(call));
      logged.status = answer === CUT ? CUT : answer.status;
    } catch {
      // The client is gone, or moto is: the one hears nothing, and nor does a client of the other.
    }
    if (answer === CUT) response.destroy();
    else response.writeHead(answer.status, lengthOf(answer)).end(answer.body);
  }

  /** Has it done, by hooks or by moto. */
  readonly #pass = async (call: Call): Promise<AnswerOrCut> => {
    for (const hook of of(this.#before, call)) {
      const answer = await hook(call);
      if (answer !== undefined) return answer;
    }
    let answer: AnswerOrCut = await this.#ask(call);
    for (const hook of of(this.#after, call)) {
      if (answer === CUT) break;
      answer = (await hook(call, answer)) ?? answer;
    }
    return answer;
  };

  async #ask({
    method,
    path,
    headers: { 'content-length': _, connection: __, ...headers },
    body,
  }: Call): Promise<Answer> {
    const asked = ask({
      ...{ host: this.#to.hostname, port: this.#to.port, method, path, agent: false },
      headers: { ...headers, 'content-length': Buffer.byteLength(body) },
    });
    asked.end(body);
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    const { connection: ___, server: ____, 'transfer-encoding': _____, ...kept } = answer.headers;
    return { status: answer.statusCode ?? 502, headers: kept, body: await text(answer) };
  }
}

type Hooks<Hook> = Set<readonly [name: string, hook: Hook]>;

function hooked<Hook>(hooks: Hooks<Hook>, name: string, hook: Hook): () => void {
  const entry = [name, hook] as const;
  hooks.add(entry);
  return () => void hooks.delete(entry);
}

function of<Hook>(hooks: Hooks<Hook>, call: Call): Hook[] {
  return [...hooks].filter(([name]) => name === '*' || name === call.name).map(([, hook]) => hook);
}

function lengthOf({ headers, body }: Answer): OutgoingHttpHeaders {
  return { ...headers, 'content-length': Buffer.byteLength(body) };
}
