/**
 * `npm run shop`: the demo shop alone, until Ctrl-C, for trying Squall on.
 *
 * Writes the `squall.yaml` that reads its metrics and knows its processes; the tour in README.md uses it.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { demoConfig } from '../config.ts';
import { openShop } from './shop.ts';

const home = resolve('.cache', 'shop');
const pids = join(home, 'pids');
const file = join(home, 'squall.yaml');

await mkdir(home, { recursive: true });
const shop = await openShop(pids);
await writeFile(file, demoConfig(shop.url, pids, home));
process.stdout.write(
  `the shop is open at ${shop.url}/metrics\nsquall.yaml is .cache/shop/squall.yaml\nCtrl-C closes it\n`,
);
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void shop.close().then(() => process.exit(0)));
