/**
 * The cluster's API as the observer asks it: a few requests with short patience, and nothing of Squall's own client.
 *
 * Owns one connection. What is not answered in time is an error: whoever observes then knows no more than before.
 */
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';

/** Who does not answer within this time does not answer, in milliseconds. */
const PATIENCE_MS = 1_500;

/** What of an object is looked at. */
export interface Live {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly generation?: number;
    readonly resourceVersion?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly { readonly name: string }[];
  };
  readonly spec?: {
    readonly unschedulable?: boolean;
    readonly replicas?: number;
    readonly taints?: readonly { readonly key: string }[];
  };
  readonly status?: {
    readonly podIP?: string;
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly updatedReplicas?: number;
    readonly readyReplicas?: number;
    readonly containerStatuses?: readonly Container[];
    readonly ephemeralContainerStatuses?: readonly Container[];
  };
  readonly data?: Readonly<Record<string, string>>;
}

export interface Container {
  readonly name: string;
  readonly containerID?: string;
  readonly state?: { readonly running?: unknown };
}

interface Kubeconfig {
  readonly clusters: readonly {
    readonly cluster: { readonly server: string; readonly 'certificate-authority-data': string };
  }[];
  readonly users: readonly { readonly user: { readonly token: string } }[];
}

/** Asks the API server of a test's own cluster. */
export class Api {
  readonly #server: string;
  readonly #token: string;
  readonly #agent: Agent;

  /** `kubeconfig`: as the cluster's owner has written it, which is JSON. */
  constructor(kubeconfig: string) {
    const { clusters, users } = JSON.parse(readFileSync(kubeconfig, 'utf8')) as Kubeconfig;
    const { server = '', 'certificate-authority-data': ca = '' } = clusters[0]?.cluster ?? {};
    this.#server = server;
    this.#token = users[0]?.user.token ?? '';
    this.#agent = new Agent({ keepAlive: true, ca: Buffer.from(ca, 'base64') });
  }

  async list(path: string): Promise<readonly Live[]> {
    return ((await this.#send('GET', path)) as { items: readonly Live[] }).items;
  }

  async isReady(): Promise<boolean> {
    return this.#send('GET', '/api/v1/namespaces/default').then(
      () => true,
      () => false,
    );
  }

  /** A merge patch. */
  async patch(path: string, body: unknown): Promise<void> {
    await this.#send('PATCH', path, JSON.stringify(body));
  }

  close(): void {
    this.#agent.destroy();
  }

  #send(method: string, path: string, body?: string): Promise<unknown> {
    const headers = { Authorization: `Bearer ${this.#token}`, 'Content-Type': 'application/merge-patch+json' };
    return new Promise((resolve, reject) => {
      const signal = AbortSignal.timeout(PATIENCE_MS);
      const asked = request(`${this.#server}${path}`, { method, headers, agent: this.#agent, signal }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.once('error', reject);
        response.once('end', () => {
          if (response.statusCode === 200) resolve(JSON.parse(text));
          else reject(new Error(`${method} ${path}: ${response.statusCode}`));
        });
      });
      asked.once('error', reject);
      asked.end(body);
    });
  }
}
