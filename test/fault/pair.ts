/**
 * Two network namespaces with a wire between them: `a` is the pod, `b` is everybody else.
 *
 * Owns the program, the namespaces, whose names no other test has, and everything that runs in them: `remove` leaves nothing.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before } from 'node:test';
import { until } from '../until.ts';
import { Endpoint } from './endpoint.ts';
import { Fault, verb, type Line } from './fault.ts';
import { build, type Built } from './program.ts';

/** The other end, which has two addresses of each layer; `FIRST` is the pod's gateway where a test makes it that. */
export const FIRST = '10.77.0.2';
export const SECOND = '10.77.0.3';
export const FIRST6 = 'fd77::2';
export const POD = '10.77.0.1';
export const POD6 = 'fd77::1';
/** Ports that the other end answers at. */
export const PORT = 7001;
export const OTHER_PORT = 7002;
export const DNS = 53;

let made = 0;

/** A pair for the tests of one `describe`, from the first of them to the last; `prepare` comes before the first. */
export function pairHere(prepare: (pair: Pair) => void = () => undefined): Pair {
  const pair = new Pair();
  before(async () => {
    await pair.open();
    prepare(pair);
  });
  after(() => pair.remove());
  return pair;
}

class Pair {
  readonly a: string;
  readonly #b: string;
  #built: Built | undefined;
  readonly #faults: Fault[] = [];
  #ids = 0;
  /** The pod's traffic, and the other end's. */
  pod!: Endpoint;
  other!: Endpoint;

  constructor() {
    const name = `squall-fault-${process.pid}-${(made += 1)}`;
    this.a = `${name}-a`;
    this.#b = `${name}-b`;
  }

  /** Where the program is. */
  get program(): string {
    return this.#built?.path ?? assert.fail('it is not open');
  }

  async open(): Promise<void> {
    this.#built = build();
    run('ip', 'netns', 'add', this.a);
    run('ip', 'netns', 'add', this.#b);
    run('ip', 'link', 'add', 'eth0', 'netns', this.a, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', this.#b);
    for (const address of [`${POD}/24`, `${POD6}/64`]) this.#address(this.a, address);
    for (const address of [`${FIRST}/24`, `${SECOND}/24`, `${FIRST6}/64`]) this.#address(this.#b, address);
    for (const namespace of [this.a, this.#b])
      for (const link of ['lo', 'eth0']) run('ip', '-n', namespace, 'link', 'set', link, 'up');
    this.pod = new Endpoint(this.a);
    this.other = new Endpoint(this.#b);
    for (const host of [FIRST, SECOND, FIRST6])
      for (const port of [PORT, OTHER_PORT, DNS]) await this.other.serve(host, port);
    for (const host of [POD, POD6, '127.0.0.1']) await this.pod.serve(host, PORT);
    // A link takes a moment until it carries both layers.
    for (const host of [FIRST, SECOND, FIRST6]) await until(async () => await this.pod.reaches(host, PORT), host);
    for (const host of [POD, POD6]) await until(async () => await this.other.reaches(host, PORT), host);
  }

  #address(namespace: string, address: string): void {
    const flags = address.includes(':') ? ['nodad'] : [];
    run('ip', '-n', namespace, 'address', 'add', address, 'dev', 'eth0', ...flags);
  }

  /** Runs a command in the pod's namespace. */
  inPod(...command: string[]): string {
    return run('nsenter', `--net=/run/netns/${this.a}`, ...command);
  }

  inOther(...command: string[]): string {
    return run('nsenter', `--net=/run/netns/${this.#b}`, ...command);
  }

  /** All that a fault could leave in the pod's namespace. */
  traces(): string {
    return this.inPod('nft', 'list', 'ruleset') + this.inPod('tc', 'qdisc', 'show') + this.inPod('ip', 'link', 'show');
  }

  /** A new fault, with an id of its own unless one is given. */
  start(args: readonly string[], id = `fault-${(this.#ids += 1)}`): Fault {
    const fault = new Fault(this.a, this.program, [...args, '--id', id]);
    this.#faults.push(fault);
    return fault;
  }

  verb(...args: string[]): { code: number | null; said: Line } {
    return verb(this.a, this.program, args);
  }

  async remove(): Promise<void> {
    for (const { child } of this.#faults)
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await Promise.all(this.#faults.map(async (fault) => await fault.ended()));
    await this.pod.stop();
    await this.other.stop();
    for (const namespace of [this.a, this.#b]) run('ip', 'netns', 'delete', namespace);
    await this.#built?.remove();
  }
}

function run(command: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  assert.equal(status, 0, `${command} ${args.join(' ')}: ${stderr}`);
  return stdout;
}
