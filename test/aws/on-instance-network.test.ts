/**
 * The scripts that run on an instance: its network, which is a namespace of the test's own with a wire to another.
 *
 * Where this kernel has no netem, what is late or lost is shown to be refused; whatever is slow needs none.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Endpoint } from '../fault/endpoint.ts';
import { until } from '../until.ts';
import { Instance, NOT_HERE } from './on-instance.ts';
import type { Fault } from './on-instance.ts';
import { ends } from './on-instance-life.ts';

const HERE = '10.78.0.1';
const THERE = '10.78.0.2';
const ELSEWHERE = '10.78.0.3';
const METADATA = '169.254.169.254';
const THERE6 = 'fd78::2';
const PORT = 7001;
const OTHER_PORT = 7002;
const KEPT = [
  [THERE, 53],
  [THERE, 22],
  [METADATA, PORT],
] as const;

/** The instance and everybody else. */
class Wire {
  readonly #a = `squall-ssm-${process.pid}-a`;
  readonly #b = `squall-ssm-${process.pid}-b`;
  #instance: Instance | undefined;
  here!: Endpoint;
  there!: Endpoint;

  get instance(): Instance {
    return this.#instance ?? assert.fail('it is not open');
  }

  async open(): Promise<void> {
    for (const namespace of [this.#a, this.#b]) run('ip', 'netns', 'add', namespace);
    run('ip', 'link', 'add', 'eth0', 'netns', this.#a, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', this.#b);
    for (const [namespace, addresses] of [
      [this.#a, [`${HERE}/24`, 'fd78::1/64']],
      [this.#b, [`${THERE}/24`, `${ELSEWHERE}/24`, `${METADATA}/32`, `${THERE6}/64`]],
    ] as const) {
      for (const address of addresses) {
        const flags = address.includes(':') ? ['nodad'] : [];
        run('ip', '-n', namespace, 'address', 'add', address, 'dev', 'eth0', ...flags);
      }
      for (const link of ['lo', 'eth0']) run('ip', '-n', namespace, 'link', 'set', link, 'up');
    }
    run('ip', '-n', this.#a, 'route', 'add', 'default', 'via', THERE);
    this.here = new Endpoint(this.#a);
    this.there = new Endpoint(this.#b);
    for (const host of [THERE, ELSEWHERE, THERE6])
      for (const port of [PORT, OTHER_PORT]) await this.there.serve(host, port);
    for (const [host, port] of KEPT) await this.there.serve(host, port);
    for (const host of [THERE, THERE6]) await until(() => this.here.reaches(host, PORT), host);
    this.#instance = new Instance(this.enter);
  }

  get enter(): string[] {
    return ['nsenter', `--net=/run/netns/${this.#a}`];
  }

  inside(...command: string[]): string {
    const [first = '', ...rest] = [...this.enter, ...command];
    return run(first, ...rest);
  }

  /** The root of the wire. */
  root(): string {
    return this.inside('tc', 'qdisc', 'show', 'dev', 'eth0').split('\n')[0] ?? '';
  }

  /** How many packets have gone the way that is harmed, by what a fault says of itself. */
  async harmed(fault: Fault, act: () => Promise<unknown>): Promise<number> {
    const packets = async (): Promise<number> =>
      (await fault.look()).measured?.['sentPackets'] ?? assert.fail('it is off');
    const before = await packets();
    await act();
    return (await packets()) - before;
  }

  async close(): Promise<void> {
    await this.here.stop();
    await this.there.stop();
    for (const namespace of [this.#a, this.#b]) run('ip', 'netns', 'delete', namespace);
  }
}

function run(command: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  assert.equal(status, 0, `${command} ${args.join(' ')}: ${stderr}`);
  return stdout;
}

const NETEM =
  NOT_HERE === false &&
  spawnSync('unshare', ['-n', 'tc', 'qdisc', 'add', 'dev', 'lo', 'root', 'netem', 'delay', '1ms']).status === 0;

void describe('on an instance: the network', { skip: NOT_HERE, concurrency: 1 }, () => {
  const wire = new Wire();
  let talking: ChildProcess | undefined;
  before(() => wire.open());
  const on = async (harm: readonly string[]): Promise<Fault> => {
    const fault = wire.instance.fault('network', harm);
    const said = await fault.putOn();
    assert.equal(said.result, 'injected', said.detail);
    return fault;
  };
  const off = async (fault: Fault): Promise<void> => {
    assert.equal((await fault.takeOff()).result, 'reverted');
    assert.match(wire.root(), /^qdisc noqueue 0:/);
    await wire.instance.nothingLeft();
  };
  ends(() => ({
    instance: wire.instance,
    resource: 'network',
    harm: ['rate=64'],
    isOn: () => wire.root().startsWith('qdisc htb'),
    dies: false,
  }));
  void it('harms everything but what keeps the instance in hand', async () => {
    const fault = await on(['rate=100000']);
    for (const host of [THERE, THERE6]) assert.equal(await wire.harmed(fault, () => wire.here.ping(host, PORT, 5)), 5);
    for (const [host, port] of KEPT) {
      let answered = 0;
      const act = async (): Promise<unknown> => (answered = (await wire.here.ping(host, port, 5)).answered);
      assert.equal(await wire.harmed(fault, act), port === 22 ? 5 : 0, `${host}:${port}`);
      assert.equal(answered, 5);
    }
    // Of ssh only streams are kept.
    assert.equal(await wire.harmed(fault, () => wire.here.fetch(THERE, 22, 1_000)), 0);
    await off(fault);
  });
  void it('is narrowed to ports and ranges, and what is to be kept is', async () => {
    const fault = await on(['rate=100000', `ports=${PORT}`, `cidrs=${THERE}/32,${THERE6}`]);
    for (const [host, port, count] of [
      [THERE, PORT, 5],
      [THERE6, PORT, 5],
      [THERE, OTHER_PORT, 0],
      [ELSEWHERE, PORT, 0],
    ] as const)
      assert.equal(await wire.harmed(fault, () => wire.here.ping(host, port, 5)), count, `${host}:${port}`);
    await off(fault);
    const keeping = await on(['rate=100000', `keep=${ELSEWHERE}`]);
    assert.equal(await wire.harmed(keeping, () => wire.here.ping(ELSEWHERE, PORT, 5)), 0);
    assert.equal(await wire.harmed(keeping, () => wire.here.ping(THERE, PORT, 5)), 5);
    await off(keeping);
  });
  void it('is as slow as was asked: nothing comes sooner than the rate lets it', async () => {
    const bytes = 200_000;
    const rateKbit = 1_000;
    const fault = await on([`rate=${rateKbit}`]);
    await wire.here.serve(HERE, PORT);
    const tookMs = await wire.there.fetch(HERE, PORT, bytes);
    // One large segment more may go at any time, as long as the next one waits for it.
    assert.ok(tookMs > (8 * (bytes - 70_000)) / rateKbit, `${tookMs} ms`);
    await off(fault);
  });
  void it('keeps the endpoints that are named, and whatever an agent talks to, now or later', async () => {
    const fault = await on(['rate=100000', `hosts=${THERE}`]);
    const harmed = async (host: string): Promise<number> =>
      await wire.harmed(fault, () => wire.here.ping(host, PORT, 5));
    assert.deepEqual([await harmed(THERE), await harmed(ELSEWHERE)], [0, 5]);
    const agent = join(wire.instance.folder, 'ssm-agent-worker');
    symlinkSync('/bin/bash', agent);
    const talk = `exec 3<>/dev/tcp/${ELSEWHERE}/${PORT} && read -r`;
    const [first, ...rest] = [...wire.enter, agent, '-c', talk];
    talking = spawn(first ?? '', rest, { stdio: ['pipe', 'ignore', 'inherit'] });
    await until(async () => (await harmed(ELSEWHERE)) === 0, 'it is kept as well');
    // It is seen at once by the next one.
    await off(fault);
    const next = await on(['rate=100000']);
    assert.equal(await wire.harmed(next, () => wire.here.ping(ELSEWHERE, PORT, 5)), 0);
    next.kill('SIGKILL', 'holder', 'watcher');
    await until(() => next.processes().length === 0, 'nobody keeps anything');
    talking.kill();
    await once(talking, 'exit');
    assert.equal((await next.takeOff()).result, 'reverted');
    await wire.instance.nothingLeft();
  });
  void it('is refused where the control plane could not be kept, where others shape, and where there is no way out', async () => {
    const refused = async (harm: readonly string[], why: RegExp): Promise<void> => {
      const said = await wire.instance.fault('network', harm).putOn();
      assert.equal(said.result, 'failed');
      assert.match(said.detail ?? '', why);
    };
    await refused(['rate=1000', 'hosts=nowhere.invalid'], /resolved/);
    wire.inside('tc', 'qdisc', 'add', 'dev', 'eth0', 'root', 'handle', '1:', 'htb');
    await refused(['rate=1000'], /somebody else: htb 1:/);
    wire.inside('tc', 'qdisc', 'delete', 'dev', 'eth0', 'root');
    wire.inside('ip', 'route', 'delete', 'default');
    await refused(['rate=1000'], /no default route/);
    wire.inside('ip', 'route', 'add', 'default', 'via', THERE);
    await wire.instance.nothingLeft();
  });
  void it('is ended by what systemd runs after a holder, where it is in charge', async () => {
    const fault = await on(['rate=1000']);
    const [slot = assert.fail('no slot')] = wire.instance.slots();
    const { key } = fault.there;
    fault.kill('SIGKILL', 'holder', 'watcher');
    const marks = [`SQUALL_RUN=${wire.instance.state}`, `SQUALL_FAULT=${key}`];
    wire.inside('env', ...marks, 'sh', join(slot, 'program'), 'after', `slot=${slot}`, `key=${key}`);
    assert.match(wire.root(), /^qdisc noqueue 0:/);
    await wire.instance.nothingLeft();
  });
  void it('is over when somebody else has taken it off', async () => {
    const fault = await on(['rate=1000']);
    wire.inside('tc', 'qdisc', 'delete', 'dev', 'eth0', 'root');
    await wire.instance.nothingLeft();
    assert.match((await fault.look()).detail ?? '', /somebody has taken it off/);
  });
  void it(
    NETEM ? 'is late, and lost' : 'refuses to be late or lost without netem, before it touches anything',
    async () => {
      if (!NETEM) {
        for (const harm of [['delay=100', 'jitter=10'], ['loss=5']]) {
          const said = await wire.instance.fault('network', harm).putOn();
          assert.equal(said.result, 'failed');
          assert.match(said.detail ?? '', /netem/);
        }
        assert.match(wire.root(), /^qdisc noqueue 0:/);
        return;
      }
      const late = await on(['delay=300', 'jitter=10']);
      const { roundTripsMs } = await wire.here.ping(THERE, PORT, 3);
      assert.ok(roundTripsMs.length === 3 && roundTripsMs.every((ms) => ms >= 280), roundTripsMs.join(' '));
      await off(late);
      const lost = await on(['loss=100']);
      assert.equal((await wire.here.ping(THERE, PORT, 5)).answered, 0);
      for (const [host, port] of KEPT)
        if (port !== 22) assert.equal((await wire.here.ping(host, port, 5)).answered, 5, `${host}:${port}`);
      assert.ok(((await lost.look()).measured?.['droppedPackets'] ?? 0) >= 5);
      await off(lost);
    },
  );
  after(async () => {
    talking?.kill();
    await wire.close();
  });
});
