/**
 * The demo shop: a gateway, replicas of three services, and customers.
 *
 * Owns the processes: it starts them, starts a replica again that died, and ends them all, stopped or not. They end by
 * themselves when this process is killed, and have process groups of their own, so that Ctrl-C is for this process alone,
 * which ends them in order. Contains nothing that injects a fault; faults are done to it from outside.
 */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { startCustomers } from './customers.ts';

/** Replicas of each service. */
export const SERVICES: Readonly<Record<string, number>> = { catalogue: 1, checkout: 1, payments: 10 };
/** A process of the shop lives in little memory. */
const SMALL = ['--max-old-space-size=32', '--max-semi-space-size=1', '--disable-warning=ExperimentalWarning'];
/** Before a replica that died is started again, in milliseconds. */
const BACK_OFF_MS = 500;

/** Where its gateway listens. */
export interface Where {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
}

/** A shop that is open. */
export interface Shop {
  readonly url: string;
  /** Pids of its processes now. */
  pids(): number[];
  close(): Promise<void>;
}

/** Opens a shop with its pid files in `runDir`; resolves once every replica serves and customers come. */
export async function openShop(runDir: string, where: Where = { host: '127.0.0.1', port: 0 }): Promise<Shop> {
  await mkdir(runDir, { recursive: true });
  const staff = new Staff(runDir, where);
  try {
    await staff.hire();
  } catch (error) {
    await staff.dismiss();
    throw error;
  }
  const url = `http://${where.host === '0.0.0.0' ? '127.0.0.1' : where.host}:${staff.port}`;
  const customers = startCustomers(url);
  return {
    url,
    pids: () => staff.pids(),
    async close() {
      await customers.stop();
      await staff.dismiss();
    },
  };
}

/** The shop's processes. */
class Staff {
  readonly #runDir: string;
  readonly #where: Where;
  readonly #replicas = new Map<string, { child: ChildProcess; port: number }>();
  #gateway: ChildProcess | undefined;
  #closing = false;
  port = 0;

  constructor(runDir: string, where: Where) {
    this.#runDir = runDir;
    this.#where = where;
  }

  async hire(): Promise<void> {
    const names = Object.entries(SERVICES).flatMap(([service, count]) =>
      Array.from({ length: count }, (_, i) => [service, i + 1] as const),
    );
    await Promise.all(names.map(([service, number]) => this.#hireReplica(service, number)));
    const { host, port } = this.#where;
    this.#gateway = fork(join(import.meta.dirname, 'gateway.ts'), [host, `${port}`], {
      execArgv: SMALL,
      detached: true,
    });
    this.port = await portOf(this.#gateway);
    this.#tellGateway();
  }

  pids(): number[] {
    return [this.#gateway, ...[...this.#replicas.values()].map(({ child }) => child)].flatMap((child) =>
      child?.pid ? [child.pid] : [],
    );
  }

  async dismiss(): Promise<void> {
    this.#closing = true;
    const children = [this.#gateway, ...[...this.#replicas.values()].map(({ child }) => child)].filter(
      (child) => child !== undefined,
    );
    for (const child of children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const gone = once(child, 'exit');
      // SIGKILL ends a stopped process too.
      child.kill('SIGKILL');
      await gone;
    }
    for (const name of this.#replicas.keys()) await rm(join(this.#runDir, `${name}.pid`), { force: true });
  }

  async #hireReplica(service: string, number: number): Promise<void> {
    const child = fork(join(import.meta.dirname, 'replica.mjs'), [service, `${number}`, this.#runDir], {
      execArgv: SMALL,
      detached: true,
    });
    const name = `${service}-${number}`;
    child.once('exit', () => {
      if (this.#closing) return;
      setTimeout(() => void this.#replace(service, number), BACK_OFF_MS).unref();
    });
    this.#replicas.set(name, { child, port: 0 });
    this.#replicas.set(name, { child, port: await portOf(child) });
  }

  async #replace(service: string, number: number): Promise<void> {
    if (this.#closing) return;
    await this.#hireReplica(service, number);
    this.#tellGateway();
  }

  #tellGateway(): void {
    const replicas: Record<string, number[]> = {};
    for (const [name, { port }] of this.#replicas) {
      const service = name.slice(0, name.lastIndexOf('-'));
      (replicas[service] ??= []).push(port);
    }
    if (this.#gateway?.connected) this.#gateway.send(replicas);
  }
}

/** The port a process says that it serves. Rejects when it ends before. */
async function portOf(child: ChildProcess): Promise<number> {
  const ended = new AbortController();
  const gone = (): void => ended.abort();
  child.once('exit', gone);
  try {
    const [message] = (await once(child, 'message', { signal: ended.signal })) as [{ port: number }];
    return message.port;
  } finally {
    child.off('exit', gone);
  }
}
