/**
 * `npm run shop`: the demo shop alone, until Ctrl-C, for trying Squall on.
 *
 * Writes the `squall.yaml` that reads its metrics and knows its processes; the tour in README.md uses it. In a container
 * it is told where to listen, and has a folder for its pid files that the site worker beside it shares; the configuration is
 * deploy/squall.yaml then.
 */
import { mkdir, writeFile } from 'node:fs/promises';
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
  await writeFile(join(home, 'squall.yaml'), demoConfig(shop.url, pids, home));
  process.stdout.write('squall.yaml is .cache/shop/squall.yaml\nCtrl-C closes it\n');
}
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void shop.close().then(() => process.exit(0)));
