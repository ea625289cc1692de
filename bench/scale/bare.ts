/**
 * The bare client: the requests that a fault on many pods takes, and nothing else — no slots are read, nothing is parsed that need
 * not be.
 *
 * Owns its own connections.
 */
import { readFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { z } from 'zod';

const MERGE_PATCH = 'application/merge-patch+json';

const configSchema = z.object({
  clusters: z.tuple([
    z.object({ cluster: z.object({ server: z.string(), 'certificate-authority-data': z.string() }) }),
  ]),
  users: z.tuple([z.object({ user: z.object({ token: z.string() }) })]),
});

/** What it does to one object. */
export type Touch = (path: string) => Promise<void>;

export class BareClient {
  readonly #server: string;
  readonly #token: string;
  readonly #agent: Agent;

  private constructor(server: string, token: string, ca: string) {
    this.#server = server;
    this.#token = token;
    this.#agent = new Agent({ keepAlive: true, ca });
  }

  /** Of the one cluster that a kubeconfig of ours has. */
  static async of(kubeconfig: string): Promise<BareClient> {
    const { clusters, users } = configSchema.parse(JSON.parse(await readFile(kubeconfig, 'utf8')));
    const { server, 'certificate-authority-data': authority } = clusters[0].cluster;
    return new BareClient(server, users[0].user.token, Buffer.from(authority, 'base64').toString());
  }

  close(): void {
    this.#agent.destroy();
  }

  /** The body of an answer. Rejects where it is no success. */
  send(method: string, path: string, body?: string): Promise<string> {
    const headers = {
      Authorization: `Bearer ${this.#token}`,
      ...(body === undefined ? {} : { 'Content-Type': MERGE_PATCH }),
    };
    return new Promise((resolve, reject) => {
      const asked = request(this.#server + path, { method, agent: this.#agent, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('error', reject);
        response.once('end', () => {
          const { statusCode = 0 } = response;
          if (statusCode < 300) resolve(Buffer.concat(chunks).toString());
          else reject(new Error(`${method} ${path}: ${statusCode}`));
        });
      });
      asked.once('error', reject);
      asked.end(body);
    });
  }

  /** Lists `path` page by page, to the end. */
  async list(path: string): Promise<void> {
    let next = '';
    do {
      const page = await this.send(
        'GET',
        `${path}?limit=500${next === '' ? '' : `&continue=${encodeURIComponent(next)}`}`,
      );
      next = z.object({ metadata: z.object({ continue: z.string().default('') }) }).parse(JSON.parse(page))
        .metadata.continue;
    } while (next !== '');
  }

  /** Reads an object and writes an annotation of it, made for the version that was read; null takes it away. */
  writing(value: string | null): Touch {
    return async (path) => {
      const { metadata } = z
        .object({ metadata: z.object({ uid: z.string(), resourceVersion: z.string() }) })
        .parse(JSON.parse(await this.send('GET', path)));
      await this.send(
        'PATCH',
        path,
        JSON.stringify({ metadata: { ...metadata, annotations: { 'bare/annotate': value } } }),
      );
    };
  }

  /** Only reads it. */
  reading(): Touch {
    return async (path) => void (await this.send('GET', path));
  }
}

/** Does `touch` to all `paths`, so many at once; the time it took in milliseconds. */
export async function timed(paths: readonly string[], atOnce: number, touch: Touch): Promise<number> {
  const fromMs = performance.now();
  const left = paths.values();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const path of left) await touch(path);
    }),
  );
  return performance.now() - fromMs;
}
