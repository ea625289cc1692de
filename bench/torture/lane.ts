/**
 * A lane: one installation of Squall to be beaten — Temporal on a database file, a control worker, a site worker, each a
 * process of its own, with a cuttable wire before each worker.
 *
 * Owns those processes: starting, killing, restarting, ending. Ends only what it started, by pid.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Client, Connection } from '@temporalio/client';
import { dataConverter } from '../../activities/packing.ts';
import type { Config } from '../../workers/config.ts';
import { startDevServer } from '../../workers/temporal-server.ts';
import type { DevServer } from '../../workers/temporal-server.ts';
import { UNGUARDED } from '../unguarded.ts';
import { Wire } from './wire.ts';

const ROOT = join(import.meta.dirname, '..', '..');
/** The processes that can be killed. */
export type Part = 'temporal' | 'control' | 'site';

interface WorkerProcess {
  readonly child: ChildProcess;
  /** Known once it serves. */
  metricsPort?: number;
}

/** What a lane may differ in. */
export interface LaneOptions {
  /** Host groups of the site; each is made of the processes whose pid files are `victims/<group>-*.pid`. */
  readonly groups: readonly string[];
  /** More sections of the site, each on one line. */
  readonly sections?: readonly string[];
  /** More probes, and what else belongs into its `squall.yaml`. */
  readonly probes?: string;
  readonly configuration?: string;
  /** Its `squall.yaml` says nothing of what is required of every run, which refuses every run. */
  readonly unsaid?: true;
  /** What `journal:` says; a folder of the lane's unless told otherwise. */
  readonly journal?: Config['journal'];
  /** A script to run in the place of `squall worker`, with `control` or `site` as its argument. */
  readonly worker?: string;
}

/** One installation. */
export class Lane {
  readonly folder: string;
  readonly name: string;
  readonly #options: LaneOptions;
  /** Bundle of workflows that cannot replay what the real ones did; set while the run is wedged. */
  wedged = false;
  /** What the probe `level` reads; undefined: no answer. */
  level: number | undefined = 0;
  #temporal: DevServer | undefined;
  #port = 0;
  #health: Server | undefined;
  readonly #wires = new Map<'control' | 'site', Wire>();
  readonly #workers = new Map<'control' | 'site', WorkerProcess>();
  #client: Client | undefined;

  constructor(folder: string, name: string, options: LaneOptions) {
    this.folder = folder;
    this.name = name;
    this.#options = options;
  }

  get config(): string {
    return join(this.folder, 'squall.yaml');
  }

  get state(): string {
    return join(this.folder, 'state');
  }

  /** Where the server listens. */
  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** Connected past the wires. */
  get client(): Client {
    if (!this.#client) throw new Error('the lane is not up');
    return this.#client;
  }

  async up(): Promise<void> {
    await mkdir(this.state, { recursive: true });
    this.#health = createServer((request, response) => {
      if (request.url !== '/level') response.end('{"ok":1}');
      else if (this.level === undefined) request.destroy();
      else response.end(JSON.stringify({ level: this.level }));
    });
    await new Promise<void>((resolve) => this.#health?.listen(0, '127.0.0.1', resolve));
    const health = `http://127.0.0.1:${(this.#health.address() as AddressInfo).port}/`;
    await writeFile(this.config, configText(this.name, this.folder, this.#options, health));
    await this.start('temporal');
    const connection = await Connection.connect({ address: this.address });
    this.#client = new Client({ connection, dataConverter });
    for (const part of ['control', 'site'] as const) this.#wires.set(part, await Wire.to(this.#port));
    await Promise.all([this.start('control'), this.start('site')]);
  }

  async down(): Promise<void> {
    await Promise.all([this.kill('control'), this.kill('site')]);
    await this.#client?.connection.close();
    for (const wire of this.#wires.values()) await wire.close();
    await this.kill('temporal');
    await new Promise((resolve) => this.#health?.close(resolve));
  }

  /** Starts a part and waits until it serves. */
  async start(part: Part): Promise<void> {
    if (part !== 'temporal') return this.#startWorker(part);
    this.#temporal = await startDevServer({
      dbFile: join(this.folder, 'temporal.db'),
      ...(this.#port === 0 ? {} : { port: this.#port }),
      headless: true,
      namespace: 'default',
      logFile: join(this.folder, 'temporal.log'),
    });
    this.#port = Number(this.#temporal.address.split(':').at(-1));
  }

  /** Resolves when the worker that serves `part` now has ended, whoever ended it. */
  async gone(part: 'control' | 'site'): Promise<void> {
    const child = this.#workers.get(part)?.child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    await new Promise((resolve) => child.once('exit', resolve));
  }

  /** What the worker that serves `part` says of itself, in Prometheus' format. */
  async metrics(part: 'control' | 'site'): Promise<string> {
    const answer = await fetch(`http://127.0.0.1:${this.#workers.get(part)?.metricsPort ?? 0}/metrics`);
    return answer.text();
  }

  /** SIGKILL. */
  async kill(part: Part): Promise<void> {
    if (part === 'temporal') return this.#temporal?.kill();
    await this.#end(part, 'SIGKILL');
  }

  /** SIGTERM, as a release does; resolves when the worker has ended in its own way. */
  async stop(part: 'control' | 'site'): Promise<void> {
    await this.#end(part, 'SIGTERM');
  }

  async #end(part: 'control' | 'site', signal: NodeJS.Signals): Promise<void> {
    const worker = this.#workers.get(part);
    if (!worker || worker.child.exitCode !== null || worker.child.signalCode !== null) return;
    const gone = new Promise((resolve) => worker.child.once('exit', resolve));
    worker.child.kill(signal);
    await gone;
  }

  cut(part: 'control' | 'site'): void {
    this.#wires.get(part)?.cut();
  }

  mend(): void {
    for (const wire of this.#wires.values()) wire.mend();
  }

  async #startWorker(part: 'control' | 'site'): Promise<void> {
    const log = createWriteStream(join(this.folder, `${part}.log`), { flags: 'a' });
    const args =
      part === 'control' && this.wedged ? [join(import.meta.dirname, 'wedged-control.ts')] : this.#workerArgs(part);
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...args], {
      cwd: ROOT,
      env: { ...process.env, TEMPORAL_ADDRESS: this.#wires.get(part)?.address, SQUALL_CONFIG: this.config },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stderr.pipe(log);
    const worker: WorkerProcess = { child };
    this.#workers.set(part, worker);
    await new Promise<void>((resolve, reject) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        log.write(`${line}\n`);
        if (!line.includes('"event":"serving"')) return;
        worker.metricsPort = (JSON.parse(line) as { metricsPort: number }).metricsPort;
        resolve();
      });
      child.once('exit', (code, signal) =>
        reject(new Error(`the ${part} worker ended (${code ?? signal}); see ${this.folder}/${part}.log`)),
      );
    });
  }

  #workerArgs(part: 'control' | 'site'): string[] {
    if (this.#options.worker !== undefined) return [this.#options.worker, part];
    const serve = part === 'control' ? ['--control'] : ['--site', 'torture'];
    return [join(ROOT, 'starters', 'squall.ts'), '--json', 'worker', ...serve];
  }
}

function configText(
  name: string,
  folder: string,
  { groups, sections = [], journal, probes = '', configuration = '', unsaid }: LaneOptions,
  health: string,
): string {
  return `installation: ${name}
journal: ${JSON.stringify(journal ?? join(folder, 'journal'))}
state: ${join(folder, 'state')}
sweepEvery: 1s
sites:
  torture:
    host:
      groups: {${groups.map((group) => ` ${group}: { pidFiles: '${join(folder, 'victims')}/${group}-*.pid' }`).join(',')} }
${sections.map((section) => `    ${section}\n`).join('')}probes:
  alive: { type: http, url: '${health}', measure: up, unit: count, timeout: 2s }
  level: { type: http, url: '${health}level', jsonPointer: /level, unit: count, timeout: 2s }
  error-rate: { type: http, url: '${health}level', jsonPointer: /level, unit: ratio, timeout: 2s }
${probes}plugins: ['${join(import.meta.dirname, 'plugin.ts')}']
${unsaid || /^admission:/m.test(configuration) ? '' : `admission: ${JSON.stringify(UNGUARDED)}\n`}${configuration}`;
}
