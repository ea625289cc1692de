/**
 * The gateway's view of its upstreams: which replicas there are, and which are ejected.
 *
 * Owns what a decent gateway does: a timeout for each try, another replica for the next one, ejection after failures in a
 * row, and re-admission by a health check.
 */
import { Agent, request } from 'node:http';

/** How long one try may take, in milliseconds. */
const TRY_MS = 250;
/** Tries of one request, each on another replica. */
const TRIES = 3;
/** Failures in a row that eject a replica. */
const EJECT_AFTER = 2;
/** Time between two health checks of an ejected replica, in milliseconds. */
const CHECK_MS = 1_000;

interface Upstream {
  readonly port: number;
  failures: number;
  ejected: boolean;
}

/** The replicas of one service. */
export class Upstreams {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 20 });
  #replicas: Upstream[] = [];
  #next = 0;

  constructor() {
    setInterval(() => void this.#checkEjected(), CHECK_MS).unref();
  }

  /** Replaces the list; replicas that stay keep their record. */
  set(ports: readonly number[]): void {
    this.#replicas = ports.map(
      (port) => this.#replicas.find((known) => known.port === port) ?? { port, failures: 0, ejected: false },
    );
  }

  /** The share of all that is not ejected (ratio). */
  get inService(): number {
    return this.#replicas.length === 0 ? 0 : 1 - this.ejected / this.#replicas.length;
  }

  get ejected(): number {
    return this.#replicas.filter(({ ejected }) => ejected).length;
  }

  get connections(): number {
    return Object.values(this.#agent.sockets).reduce((sum, sockets) => sum + (sockets?.length ?? 0), 0);
  }

  /** Sends a request to a replica, and to others when it fails; false when all tries failed. */
  async call(path: string): Promise<boolean> {
    const tried = new Set<Upstream>();
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const upstream = this.#pick(tried);
      if (upstream === undefined) return false;
      tried.add(upstream);
      if (await this.#send(upstream, path)) {
        upstream.failures = 0;
        return true;
      }
      upstream.failures += 1;
      if (upstream.failures >= EJECT_AFTER) upstream.ejected = true;
    }
    return false;
  }

  /** Round robin over those in service; when all are ejected, over all: a last try is better than none. */
  #pick(tried: ReadonlySet<Upstream>): Upstream | undefined {
    const untried = this.#replicas.filter((upstream) => !tried.has(upstream));
    const inService = untried.filter(({ ejected }) => !ejected);
    const candidates = inService.length > 0 ? inService : untried;
    this.#next += 1;
    return candidates[this.#next % candidates.length];
  }

  async #checkEjected(): Promise<void> {
    for (const upstream of this.#replicas.filter(({ ejected }) => ejected)) {
      if (!(await this.#send(upstream, '/healthz'))) continue;
      upstream.ejected = false;
      upstream.failures = 0;
    }
  }

  #send({ port }: Upstream, path: string): Promise<boolean> {
    return new Promise((resolve) => {
      const sent = request({ host: '127.0.0.1', port, path, agent: this.#agent, timeout: TRY_MS }, (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode === 200));
        response.on('error', () => resolve(false));
      });
      // A paused replica accepts the connection and never answers: the whole try is bounded, not only the connecting.
      const timer = setTimeout(() => sent.destroy(new Error('the try took too long')), TRY_MS);
      sent.on('error', () => resolve(false));
      sent.on('close', () => clearTimeout(timer));
      sent.end();
    });
  }
}
