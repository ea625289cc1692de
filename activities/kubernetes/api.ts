/**
 * The Kubernetes API of a site, as drivers and target providers use it.
 *
 * Owns what every request has in common: how many are made at once, how long each may take, what is tried again and how
 * politely, what a status means, and what time it is at the server. Answers are parsed by whoever asks, with its own schema.
 */
import { z } from 'zod';
import { isOver } from '../faults/driver.ts';
import type { Attempt } from '../faults/driver.ts';
import { pause, unlessEnded } from '../pause.ts';
import type { KubernetesSettings } from '../targets/kubernetes-settings.ts';
import { openChannel } from './channel.ts';
import type { Executed, Execute, Execution } from './channel.ts';
import { Futile, openTransport, wayTo } from './transport.ts';
import type { Answered, Asked, Send } from './transport.ts';
import { Turnstile } from './turnstile.ts';
import { Window } from './window.ts';

/** The most programs under way at once in containers, of all drivers of a site together. */
const EXECUTED_AT_ONCE = 32;
/** One request takes no longer than this, in milliseconds. */
const REQUEST_MS = 10_000;
/** Objects on one page of a list. */
const PAGE = 500;
/** The first wait after a refusal, which doubles up to the longest, both in milliseconds. Each is drawn from zero up to that. */
const BACKOFF_MS = 200;
const BACKOFF_MAX_MS = 5_000;
/** A server whose clock is found this much behind what was known of it was set back, in milliseconds. */
const SET_BACK_MS = 2_000;
/** How long whoever brings no attempt may take, in milliseconds. */
const UNHURRIED_MS = 20_000;

const MERGE_PATCH = 'application/merge-patch+json';
/** Adds to lists whose items have names. */
export const STRATEGIC_MERGE_PATCH = 'application/strategic-merge-patch+json';

/** Names, labels and annotations are all that is wanted of an object, or of the objects of a list. */
export const METADATA = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
export const METADATA_LIST = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';

const statusSchema = z.object({
  message: z.string().max(2_000).catch(''),
  reason: z.string().max(200).catch(''),
  details: z.object({ causes: z.array(z.object({ reason: z.string().catch('') })).catch([]) }).catch({ causes: [] }),
});

/** The server's refusal of a request. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly status: number;
  readonly reason: string;
  readonly causes: readonly string[];

  constructor({ method, path }: Asked, { status, body }: Answered) {
    const { message, reason, details } = statusSchema
      .catch({ message: '', reason: '', details: { causes: [] } })
      .parse(body);
    super(`${method} ${path}: ${status} ${message || reason}`.trim());
    this.status = status;
    this.reason = reason;
    this.causes = details.causes.map((cause) => cause.reason);
  }

  /** An eviction that a disruption budget does not allow; time may allow it. */
  get overBudget(): boolean {
    return this.status === 429 && this.causes.includes('DisruptionBudget');
  }
}

const listSchema = z.object({
  items: z.array(z.unknown()).nullish(),
  metadata: z.object({ continue: z.string().optional() }).optional(),
});

/** An attempt of somebody who is in no hurry. */
export function unhurried(): Attempt {
  const endsAtMs = performance.now() + UNHURRIED_MS;
  return { signal: AbortSignal.timeout(UNHURRIED_MS), remainingMs: () => endsAtMs - performance.now() };
}

/** One cluster's API. */
export class KubernetesApi {
  readonly #send: Send;
  readonly #execute: Execute;
  readonly #window = new Window();
  /** Of all drivers of a site together. */
  readonly #requests = new Turnstile(() => this.#window.size);
  readonly #executions = new Turnstile(() => EXECUTED_AT_ONCE);
  /** The server's clock less this machine's monotonic one, in milliseconds. */
  #offsetMs: number | undefined;

  constructor(send: Send, execute: Execute) {
    this.#send = send;
    this.#execute = execute;
  }

  /**
   * The time at the server, in milliseconds since 1970, at most a second and the way of an answer behind it: it says so with every answer. Throws
   * before the first one.
   */
  nowMs(): number {
    if (this.#offsetMs === undefined) throw new Error('the API server has not said what time it is');
    return performance.now() + this.#offsetMs;
  }

  /** What is at `path`; undefined where nothing is. */
  async get<T>(path: string, schema: z.ZodType<T>, attempt: Attempt): Promise<T | undefined> {
    const answered = await this.#answer({ method: 'GET', path }, attempt);
    return answered.status === 404 ? undefined : schema.parse(answered.body);
  }

  /** Everything that is listed at `path`, page by page. */
  async *list<T>(
    path: string,
    query: Readonly<Record<string, string>>,
    schema: z.ZodType<T>,
    attempt: Attempt,
    accept?: string,
  ): AsyncGenerator<T> {
    let next: string | undefined;
    do {
      const page = { ...query, limit: `${PAGE}`, ...(next === undefined ? {} : { continue: next }) };
      const asked: Asked = { method: 'GET', path, query: page, ...(accept === undefined ? {} : { accept }) };
      const answered = await this.#answer(asked, attempt);
      if (answered.status === 404) throw new Refused(asked, answered);
      const { items, metadata } = listSchema.parse(answered.body);
      for (const item of items ?? []) yield schema.parse(item);
      next = metadata?.continue || undefined;
    } while (next !== undefined);
  }

  /**
   * Changes what is at `path` by a patch, by default a merge patch, that names the `resourceVersion` it was made for, so that it may be sent
   * again. `conflict` where the object has changed since; undefined where there is none.
   */
  async patch<T>(
    path: string,
    body: unknown,
    schema: z.ZodType<T>,
    attempt: Attempt,
    { contentType = MERGE_PATCH, accept }: { readonly contentType?: string; readonly accept?: string } = {},
  ): Promise<T | 'conflict' | undefined> {
    const asked: Asked = { method: 'PATCH', path, body, contentType, ...(accept === undefined ? {} : { accept }) };
    const answered = await this.#answer(asked, attempt, [409]);
    if (answered.status === 404) return undefined;
    return answered.status === 409 ? 'conflict' : schema.parse(answered.body);
  }

  /** Creates `body` below `path`; `conflict` where its name is taken, or was by an earlier attempt. */
  async create<T>(path: string, body: unknown, schema: z.ZodType<T>, attempt: Attempt): Promise<T | 'conflict'> {
    const asked: Asked = { method: 'POST', path, body };
    const answered = await this.#answer(asked, attempt, [409]);
    if (answered.status === 404) throw new Refused(asked, answered);
    return answered.status === 409 ? 'conflict' : schema.parse(answered.body);
  }

  /** Deletes what is at `path`, as far as `preconditions` hold: false where nothing is, or something else. */
  async remove(path: string, body: unknown, attempt: Attempt): Promise<boolean> {
    const { status } = await this.#answer({ method: 'DELETE', path, body }, attempt, [409]);
    return status < 400;
  }

  /** Runs a program to its end in a running container of a pod. Tries once; rejects where nobody can say how it ended. */
  async execute(execution: Execution, attempt: Attempt): Promise<Executed> {
    const what = `exec in ${execution.pod}`;
    return this.#executions.pass(() => within(attempt, what, (signal) => this.#execute(execution, signal)));
  }

  /** Answers with success, with 404, or with one of `expected`; rejects with a {@link Refused} or with what went wrong last. */
  async #answer(asked: Asked, attempt: Attempt, expected: readonly number[] = []): Promise<Answered> {
    let problem = new Error(`${asked.method} ${asked.path}: the attempt is over`);
    for (let tries = 0; !isOver(attempt); tries++) {
      let waitMs: number | undefined;
      try {
        const answered = await this.#once(asked, attempt);
        const { status } = answered;
        if (status < 400 || status === 404 || expected.includes(status)) return answered;
        const refused = new Refused(asked, answered);
        if ((status !== 429 && status < 500) || refused.overBudget) throw refused;
        problem = refused;
        waitMs = answered.retryAfterMs;
      } catch (error) {
        if (error instanceof Refused || error instanceof Futile) throw error;
        const failed = error instanceof Error ? error : new Error(String(error));
        // That time ran out in a later try says less than what the server said in an earlier one.
        const outOfTime = isOver(attempt) || failed.name === 'TimeoutError';
        if (!(outOfTime && problem instanceof Refused)) problem = failed;
      }
      const backoffMs = Math.random() * Math.min(BACKOFF_MAX_MS, BACKOFF_MS * 2 ** tries);
      const againInMs = (waitMs ?? 0) + backoffMs;
      if (againInMs >= attempt.remainingMs()) break;
      await pause(againInMs, attempt.signal);
    }
    throw problem;
  }

  async #once(asked: Asked, attempt: Attempt): Promise<Answered> {
    return this.#requests.pass((underWay) =>
      within(attempt, `${asked.method} ${asked.path}`, async (signal) => {
        const fromMs = performance.now();
        const answered = await this.#send(asked, signal);
        const nowMs = performance.now();
        // A list takes as long as it is, and a refusal takes no time.
        if (asked.query === undefined && answered.status < 400)
          this.#window.heard(kindOf(asked), nowMs - fromMs, underWay(), nowMs);
        if (answered.serverMs !== undefined) this.#hear(answered.serverMs);
        return answered;
      }),
    );
  }

  /** What a server says is cut off to the second, and late by the way here: the greatest of its words is the nearest. */
  #hear(serverMs: number): void {
    const offsetMs = serverMs - performance.now();
    const known = this.#offsetMs ?? offsetMs;
    this.#offsetMs = known - offsetMs > SET_BACK_MS ? offsetMs : Math.max(known, offsetMs);
  }
}

/** Requests of one kind take about equally long: `PATCH pods`. */
function kindOf({ method, path }: Asked): string {
  const [, resource = ''] = /^\/(?:api\/[^/]+|apis\/[^/]+\/[^/]+)(?:\/namespaces\/[^/]+)?\/([^/]+)/.exec(path) ?? [];
  return `${method} ${resource}`;
}

/** Does one thing within the attempt, and within the time of a request, whether it heeds the signal or not. */
async function within<T>(attempt: Attempt, what: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  if (isOver(attempt)) throw new Error(`${what}: the attempt is over`);
  const timeoutMs = Math.max(1, Math.min(REQUEST_MS, attempt.remainingMs()));
  const ended = new AbortController();
  const stop = (): void => ended.abort(attempt.signal.reason);
  const late = (): void =>
    ended.abort(new DOMException(`${what}: not within ${Math.ceil(timeoutMs)} ms`, 'TimeoutError'));
  // Neither outlives the work: an attempt may last for days, and thousands of timers left to run out cost more than what they bound.
  attempt.signal.addEventListener('abort', stop, { once: true });
  const timer = setTimeout(late, timeoutMs);
  try {
    return await unlessEnded(work(ended.signal), ended.signal);
  } finally {
    clearTimeout(timer);
    attempt.signal.removeEventListener('abort', stop);
  }
}

const opened = new Map<string, KubernetesApi>();

/** The API of a site's cluster: one for all drivers of it in this process, so that they share its bounds. */
export function kubernetesApi(settings: KubernetesSettings): KubernetesApi {
  const key = JSON.stringify([settings.kubeconfig, settings.context]);
  let api = opened.get(key);
  if (api === undefined) {
    const way = wayTo(settings);
    opened.set(key, (api = new KubernetesApi(openTransport(way), openChannel(way))));
  }
  return api;
}
