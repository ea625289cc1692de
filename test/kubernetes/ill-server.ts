/**
 * An API server that is not well: a relay before the real one, which answers late, with errors, or that it has had too much.
 *
 * Owns the relay and the kubeconfig that leads to it. What it does not refuse it passes on as it is.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Agent, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** What is wrong with it. */
export interface Illness {
  /** Each answer comes so much later, in milliseconds. */
  readonly lateMs?: number;
  /** Of so many requests one is refused with this status. */
  readonly refused?: { readonly status: 429 | 500 | 503; readonly oneIn: number };
}

interface Kubeconfig {
  readonly clusters: readonly {
    readonly cluster: { readonly server: string; readonly 'certificate-authority-data': string };
  }[];
}

/** Relays to the API server of a test's own cluster. */
export class IllServer {
  readonly #server: Server;
  readonly #real: string;
  readonly #agent: Agent;
  #asked = 0;
  illness: Illness = {};
  /** How many requests have been refused. */
  refusals = 0;

  private constructor({ clusters }: Kubeconfig) {
    const { server = '', 'certificate-authority-data': ca = '' } = clusters[0]?.cluster ?? {};
    this.#real = server;
    this.#agent = new Agent({ keepAlive: true, ca: Buffer.from(ca, 'base64') });
    this.#server = createServer((asked, answer) => void this.#relay(asked, answer).catch(() => answer.destroy()));
  }

  /** Writes the file `kubeconfig`, which is like that of the cluster, but leads here. */
  static async before(clusterConfig: string, kubeconfig: string): Promise<IllServer> {
    const config = JSON.parse(await readFile(clusterConfig, 'utf8')) as Kubeconfig;
    const ill = new IllServer(config);
    await new Promise<void>((resolve) => ill.#server.listen(0, '127.0.0.1', resolve));
    const { port } = ill.#server.address() as AddressInfo;
    const clusters = [
      { name: 'test', cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } },
    ];
    await writeFile(kubeconfig, JSON.stringify({ ...config, clusters }), { mode: 0o600 });
    return ill;
  }

  async close(): Promise<void> {
    this.#agent.destroy();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #relay(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const { lateMs = 0, refused } = this.illness;
    this.#asked += 1;
    if (lateMs > 0) await sleep(lateMs);
    if (refused !== undefined && this.#asked % refused.oneIn === 0) {
      this.refusals += 1;
      asked.resume();
      const { status: code } = refused;
      const body = { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, message: 'it is not well', reason: '' };
      answer.writeHead(code, { 'content-type': 'application/json', ...(code === 429 ? { 'retry-after': '1' } : {}) });
      answer.end(JSON.stringify(body));
      return;
    }
    const { method, url = '', headers } = asked;
    await new Promise<void>((resolve, reject) => {
      const relayed = request(`${this.#real}${url}`, { method, headers, agent: this.#agent }, (response) => {
        answer.writeHead(response.statusCode ?? 502, response.headers);
        response.pipe(answer).once('finish', resolve).once('error', reject);
      });
      relayed.once('error', reject);
      asked.pipe(relayed);
    });
  }
}
