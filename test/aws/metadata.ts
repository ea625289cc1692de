/**
 * The service of instance metadata, as EC2 has it at a link-local address, on the loopback.
 *
 * Owns what it says and how ill it is. The second version only, and tasks of ECS besides.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What it says at each path; of what is not there it says 404. */
export type Says = Readonly<Record<string, string>>;

const TOKEN = 'AQAEAtoken==';

/** How it is. `slow`: it takes connections, and never answers. */
export interface MetadataOptions {
  readonly token?: number | 'slow';
  /** The first requests that it answers with 503. */
  readonly broken?: number;
}

export class Metadata {
  readonly asked: string[] = [];
  readonly #server = createServer();

  static async open(says: Says, { token = 200, broken = 0 }: MetadataOptions = {}): Promise<Metadata> {
    const service = new Metadata();
    let ill = broken;
    service.#server.on('request', ({ method, url = '', headers }, response) => {
      service.asked.push(`${method} ${url}`);
      const isToken = url === '/latest/api/token';
      if (isToken && token === 'slow') return;
      const answer = (status: number, body = ''): void => void response.writeHead(status).end(body);
      if ((ill -= 1) >= 0) return answer(503);
      if (isToken) return method === 'PUT' ? answer(Number(token), TOKEN) : answer(405);
      const isOpen = !url.startsWith('/latest/') || headers['x-aws-ec2-metadata-token'] === TOKEN;
      const said = says[url];
      answer(!isOpen ? 401 : said === undefined ? 404 : 200, said);
    });
    service.#server.listen(0, '127.0.0.1');
    await once(service.#server, 'listening');
    return service;
  }

  /** `http://127.0.0.1:PORT`. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}

/** What it says of an instance. */
export function instanceSays(id: string, subnet = 'subnet-0a1b2c3d'): Says {
  const at = '/latest/meta-data';
  const mac = '0e:49:61:0f:c3:11';
  return {
    [`${at}/instance-id`]: id,
    [`${at}/mac`]: mac,
    [`${at}/network/interfaces/macs/${mac}/subnet-id`]: subnet,
  };
}
