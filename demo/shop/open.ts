/**
 * `npm run shop`: the demo shop alone, until Ctrl-C, for trying Squall on.
 *
 * Writes the `squall.yaml` that reads its metrics and knows its processes; the tour in README.md uses it. In a container
 * it is told where to listen, and has a folder for its pid files that the site worker beside it shares; the configuration is
 * deploy/squall.yaml then.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { demoConfig } from '../config.ts';
import { openShop } from './shop.ts';

const { values } = parseArgs({
  options: {
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '0' },
    pids: { type: 'string' },
  },
});
const home = resolve('.cache', 'shop');
const pids = values.pids ?? join(home, 'pids');

const shop = await openShop(pids, { host: values.host, port: Number(values.port) });
process.stdout.write(`the shop is open at ${shop.url}/metrics\n`);
if (values.pids === undefined) {
  await mkdir(home, { recursive: true });
  await writeFile(
    join(home, 'squall.yaml'),
    demoConfig(shop.url, pids, home, await statusPage(join(home, 'incident'))),
  );
  process.stdout.write('squall.yaml is .cache/shop/squall.yaml\nCtrl-C closes it\n');
}

/** Serves what is written in `file`, one incident a line, while there is such a file; returns where. */
async function statusPage(file: string): Promise<string> {
  const server = createServer((_, response) => {
    const lines = readFile(file, 'utf8').then(
      (text) => text.split('\n').filter((line) => line !== ''),
      () => [],
    );
    void lines.then((open) => response.setHeader('content-type', 'application/json').end(JSON.stringify(open)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void shop.close().then(() => process.exit(0)));
