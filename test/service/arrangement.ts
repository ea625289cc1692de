/**
 * The services of docker-compose.yml, as processes on this machine.
 *
 * Owns their addresses, volumes, secrets and lives: nothing of them is left once it is closed. Ports are as the file has them,
 * each on its service's own address, which takes the place of `0.0.0.0` and `127.0.0.1`; Prometheus, which the file lets ask
 * a DNS, is given the same targets outright.
 */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { findTemporal, freePort } from '../../workers/temporal-server.ts';
import { open } from '../cli/squall.ts';
import type { Ended } from '../cli/squall.ts';
import { ROOT } from '../readme/blocks.ts';
import { until } from '../until.ts';
import { COMPOSE, serviceOf } from './compose.ts';
import { containerOf, runContained, startContained, world } from './container.ts';
import type { Contained, Ground } from './container.ts';
import { buildImage, entrypoint } from './image.ts';

/** What starts the programs of other images, where the file leaves that to them. */
const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  'prom/prometheus': ['prometheus', '--web.listen-address=0.0.0.0:9090'],
  'prom/alertmanager': ['prometheus-alertmanager', '--web.listen-address=0.0.0.0:9093'],
  'temporalio/server': ['temporal-server', 'start'],
  postgres: ['/usr/lib/postgresql/15/bin/postgres', '--listen-addresses=0.0.0.0', '-D', '/var/lib/postgresql/data'],
};

/** How long a health check may take, and a step of the image, in milliseconds: a busy machine is slow. */
const HEALTH_MS = 20_000;
const BUILD_MS = 120_000;

/** What else there is to start with. */
export interface ArrangementOptions {
  /** Programs of other images, by name. */
  readonly programs?: Readonly<Record<string, string>>;
}

/** The services. */
export class Arrangement {
  readonly #folder: string;
  readonly #ground: Ground;
  /** Of this arrangement alone, so that several can be at once. */
  readonly #net = `127.${randomInt(1, 255)}.${randomInt(0, 256)}`;
  readonly #running = new Map<string, Contained>();
  /** Addresses that are others here. */
  readonly #elsewhere = new Map<string, string>();

  private constructor(folder: string, programs: Readonly<Record<string, string>>) {
    this.#folder = folder;
    const inFolder = (kind: string) => (name: string) => join(folder, kind, name);
    this.#ground = {
      image: join(folder, 'image'),
      volume: inFolder('volumes'),
      secret: inFolder('secrets'),
      etc: join(folder, 'etc'),
      file: (path) => (path.endsWith('/prometheus.yml') ? join(folder, 'prometheus.yml') : join(ROOT, path)),
      programs,
    };
  }

  /** Builds the image, and gives every secret a value. */
  static async open(options: ArrangementOptions = {}): Promise<Arrangement> {
    // Beside node_modules, so that the image can be made of links.
    const cache = join(ROOT, '.cache');
    await mkdir(cache, { recursive: true });
    const folder = await mkdtemp(join(cache, 'service-'));
    const temporal = await findTemporal(() => undefined);
    const programs = { node: process.execPath, temporal, ...options.programs };
    const arrangement = new Arrangement(folder, programs);
    try {
      await arrangement.#prepare();
    } catch (error) {
      await arrangement.close();
      throw error;
    }
    return arrangement;
  }

  /** The address that the name of a service stands for. */
  addressOf(name: string): string {
    const index = Object.keys(COMPOSE.services).indexOf(name);
    assert.ok(index >= 0, name);
    return `${this.#net}.${index + 2}`;
  }

  /** The folder of a named volume. */
  volume(name: string): string {
    return this.#ground.volume(name);
  }

  /** Starts a service as the file states it, with other variables where a test wants that. */
  async start(name: string, changed: Readonly<Record<string, string>> = {}): Promise<Contained> {
    const { image, build, entrypoint: own, command } = serviceOf(name);
    if (name === 'prometheus') await writeFile(join(this.#folder, 'prometheus.yml'), this.#prometheus());
    const entry = own ?? (build ? entrypoint() : (PROGRAMS[image.split(':')[0] ?? ''] ?? []));
    return this.#run(name, [...this.#container(name, changed), ...this.#local(name, [...entry, ...command])]);
  }

  /** Starts a development server in Temporal's place, since its server is on no registry but Docker's. */
  async startDevTemporal(): Promise<void> {
    const [port, metricsPort] = [await freePort(), await freePort()];
    // It cannot be at an address of its own: its parts look for each other at 127.0.0.1.
    this.#elsewhere.set('temporal:7233', `127.0.0.1:${port}`).set('temporal:8000', `127.0.0.1:${metricsPort}`);
    const args = ['--headless', '--port', `${port}`, '--metrics-port', `${metricsPort}`, '--log-level', 'error'];
    const command = [this.#ground.programs['temporal'] ?? '', 'server', 'start-dev', ...args];
    await this.#run('temporal', ['--die-with-parent', '--dev-bind', '/', '/', ...command]);
  }

  /** Where Temporal is, as the host reaches it. */
  get temporal(): string {
    return this.#elsewhere.get('temporal:7233') ?? `${this.addressOf('temporal')}:7233`;
  }

  /** Starts a service that ends by itself; what it says is why it did not succeed. */
  async complete(name: string, changed: Readonly<Record<string, string>> = {}): Promise<void> {
    const { ended } = await this.start(name, changed);
    this.#running.delete(name);
    assert.equal(await ended, 0, this.saidBy(name));
  }

  /** Runs the health check of a service once, as a container engine does. */
  async health(name: string): Promise<Ended> {
    const [kind, ...test] = serviceOf(name).healthcheck?.test ?? [];
    assert.equal(kind, 'CMD', name);
    return runContained([...this.#container(name), ...this.#local(name, test)], HEALTH_MS);
  }

  /** Rejects, with what the service says, when it does not become healthy. */
  async healthy(name: string): Promise<void> {
    let last = '';
    await until(async () => {
      const { code, out, err } = await this.health(name);
      last = `${out}${err}`;
      return code === 0;
    }).catch((error: unknown) => {
      throw new Error(`${name} is not healthy: ${last}\n${this.saidBy(name)}`, { cause: error });
    });
  }

  /** `docker compose run --rm` with another command. */
  runIn(name: string, command: readonly string[]): Promise<Ended> {
    return runContained([...this.#container(name), ...this.#local(name, command)], BUILD_MS);
  }

  /** `docker compose exec control bin/squall …`. */
  squall(...args: readonly string[]): Promise<Ended> {
    return open('bwrap', [...this.#container('control'), ...entrypoint(), ...args]).ended;
  }

  /** What a service has printed. */
  saidBy(name: string): string {
    return readFileSync(this.#logOf(name), 'utf8');
  }

  /** Ends a service as `docker compose stop` does, or with another signal; resolves with its exit code. */
  async end(name: string, signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    const running = this.#running.get(name);
    assert.ok(running, `${name} does not run`);
    this.#running.delete(name);
    process.kill(running.pid, signal);
    return running.ended;
  }

  async close(): Promise<void> {
    for (const name of [...this.#running.keys()].toReversed()) await this.end(name, 'SIGKILL');
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #run(name: string, args: readonly string[]): Promise<Contained> {
    const contained = await startContained(args, this.#logOf(name));
    this.#running.set(name, contained);
    // Its pid is another's once it has ended.
    void contained.ended.then(() => {
      if (this.#running.get(name) === contained) this.#running.delete(name);
    });
    return contained;
  }

  #container(name: string, changed: Readonly<Record<string, string>> = {}): string[] {
    const stated = { ...serviceOf(name).environment, ...changed };
    const local = Object.entries(stated).map(([key, value]) => [key, this.#local(name, [value]).join('')]);
    return containerOf(name, this.#ground, Object.fromEntries(local) as Record<string, string>);
  }

  /** Words of the file as they are on this machine. */
  #local(name: string, words: readonly string[]): string[] {
    const own = this.addressOf(name);
    return words.map((word) =>
      [...this.#elsewhere].reduce(
        (text, [stated, here]) => text.replaceAll(stated, here),
        word.replaceAll('0.0.0.0', own).replaceAll('127.0.0.1', own),
      ),
    );
  }

  #logOf(name: string): string {
    return join(this.#folder, `${name}.log`);
  }

  async #prepare(): Promise<void> {
    const { etc, image } = this.#ground;
    for (const folder of ['etc', 'secrets', ...Object.keys(COMPOSE.volumes).map((name) => join('volumes', name))])
      await mkdir(join(this.#folder, folder), { recursive: true });
    const hosts = Object.keys(COMPOSE.services).map((name) => `${this.addressOf(name)} ${name}\n`);
    await writeFile(join(etc, 'hosts'), `127.0.0.1 localhost\n${hosts.join('')}`);
    await writeFile(join(etc, 'nsswitch.conf'), 'hosts: files\n');
    await writeFile(join(etc, 'passwd'), 'node:x:1000:1000::/home/node:/bin/sh\n');
    await writeFile(join(etc, 'group'), 'node:x:1000:\n');
    for (const name of Object.keys(COMPOSE.secrets)) await writeFile(this.#ground.secret(name), 'a-secret\n');
    await buildImage(image, async (script) => {
      const squall = [
        '--tmpfs',
        '/tmp',
        '--proc',
        '/proc',
        '--unshare-pid',
        '--bind',
        image,
        '/squall',
        '--chdir',
        '/squall',
      ];
      const { code, out, err } = await runContained([...world(this.#ground, squall), 'sh', '-c', script], BUILD_MS);
      assert.equal(code, 0, `${script}\n${out}${err}`);
    });
  }

  /** deploy/prometheus.yml with what Docker's DNS would have told. */
  #prometheus(): string {
    const config = parse(readFileSync(join(ROOT, 'deploy', 'prometheus.yml'), 'utf8')) as {
      scrape_configs: { dns_sd_configs?: { names: string[]; port: number }[]; static_configs?: unknown[] }[];
    };
    for (const job of config.scrape_configs) {
      const { dns_sd_configs: asked } = job;
      if (asked === undefined) continue;
      delete job.dns_sd_configs;
      job.static_configs = asked.flatMap(({ names, port }) =>
        names.map((name) => ({ targets: [`${name}:${port}`], labels: { __meta_dns_name: name } })),
      );
    }
    return this.#local('prometheus', [stringify(config)]).join('');
  }
}
