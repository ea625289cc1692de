/**
 * The stage of a demo: the shop, Temporal with a worker for it, and who interrupts.
 *
 * Owns what is opened, and that all of it ends with the stage. Journals and reports stay, for looking at.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serveLocally } from '../starters/dev.ts';
import { interrupts } from '../starters/interrupts.ts';
import type { Output } from '../starters/output.ts';
import { readConfig } from '../workers/config.ts';
import type { Config } from '../workers/config.ts';
import { demoConfig } from './config.ts';
import { openShop } from './shop/shop.ts';

/** What is open while a demo goes on. */
export interface Stage extends AsyncDisposable {
  readonly config: Config;
  /** Of Temporal's UI; undefined where Temporal is somebody else's. */
  readonly ui: string | undefined;
}

/** Whether somebody wants the demo to end, from the first Ctrl-C on. */
export class Wish {
  #came = false;
  readonly #first = Promise.withResolvers<undefined>();
  readonly #second = Promise.withResolvers<undefined>();

  constructor() {
    for (const name of interrupts())
      process.on(name, () => {
        if (this.#came) this.#second.resolve(undefined);
        this.#came = true;
        this.#first.resolve(undefined);
      });
  }

  /** Resolves once it came. */
  get first(): Promise<undefined> {
    return this.#first.promise;
  }

  /** Resolves once it came again: nobody wants to wait any more. */
  get second(): Promise<undefined> {
    return this.#second.promise;
  }

  get came(): boolean {
    return this.#came;
  }
}

/** Opens it; undefined where somebody wants it to end before. */
export async function openStage(out: Output, wish: Wish): Promise<Stage | undefined> {
  await using stack = new AsyncDisposableStack();
  const home = await mkdtemp(join(tmpdir(), 'squall-demo-'));
  const pids = join(home, 'pids');
  await mkdir(pids);
  stack.defer(() => rm(pids, { recursive: true, force: true }));
  out.line('opening the demo shop: a gateway and twelve replicas of three services');
  const shop = await openShop(pids);
  stack.defer(() => shop.close());
  const file = join(home, 'squall.yaml');
  await writeFile(file, demoConfig(shop.url, pids, home));
  const config = await readConfig(file);
  out.line('starting Temporal and a worker');
  const starting = serveLocally(config, {}, (line) => void process.stderr.write(`${line}\n`));
  // What has not started yet ends with this process.
  const local = await Promise.race([starting, wish.first]);
  if (local === undefined) return undefined;
  stack.use(local);
  if (local.ui) out.line(`Temporal UI: ${local.ui}`);
  const kept = stack.move();
  return { config, ui: local.ui, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}
