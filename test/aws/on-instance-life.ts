/**
 * What every fault that is a script must show, whatever it does to an instance.
 *
 * Owns the cases. A test brings what is asked for, and an observer that does not ask the program.
 */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { after, afterEach, it } from 'node:test';
import type { Resource } from '../../activities/faults/aws/on-instance/params.ts';
import { installationKey } from '../../activities/faults/aws/on-instance/command.ts';
import { until } from '../until.ts';
import { INSTALLATION } from './on-instance.ts';
import type { Fault, Instance } from './on-instance.ts';

/** What differs between them. */
export interface Lab {
  readonly instance: Instance;
  readonly resource: Resource;
  readonly harm: readonly string[];
  /** Whether this fault is on, by what the machine itself tells. */
  readonly isOn: (fault: Fault) => boolean;
  /** Whether the kernel ends it when every process of it is killed. */
  readonly dies: boolean;
}

/** Enough for a busy machine to put it on, in milliseconds. */
const SHORT_MS = 10_000;

/** Registers the cases that show it on, and off again by whatever ends it. */
export function ends(open: () => Lab): void {
  const on = async (times = {}): Promise<{ lab: Lab; fault: Fault }> => {
    const lab = open();
    const fault = lab.instance.fault(lab.resource, lab.harm);
    const said = await fault.putOn(times);
    assert.equal(said.result, 'injected', said.detail);
    assert.equal(lab.isOn(fault), true);
    return { lab, fault };
  };
  const off = async ({ instance, isOn }: Lab, fault: Fault, why: RegExp): Promise<void> => {
    await until(() => !isOn(fault), 'it is off');
    await instance.nothingLeft();
    const said = await fault.look();
    assert.equal(said.result, 'absent');
    assert.match(said.detail ?? '', why);
    assert.equal((await fault.renew(SHORT_MS)).result, 'lapsed');
    assert.match((await fault.putOn()).result, /^(?:fenced|lapsed)$/);
    assert.equal((await fault.takeOff()).result, 'absent');
    assert.equal(isOn(fault), false);
    await instance.nothingLeft();
  };
  afterEach(() => open().instance.clear());
  after(() => open().instance.remove());

  it('is put on, once, and taken off', async () => {
    const { lab, fault } = await on();
    const processes = fault.processes();
    const again = await fault.putOn();
    assert.equal(again.result, 'injected');
    assert.ok(Object.keys(again.measured ?? {}).length >= 2, JSON.stringify(again));
    for (const role of ['holder', 'watcher'] as const) assert.ok(processes.includes(fault.pid(role)));
    const seen = await fault.look();
    assert.equal(seen.result, 'active');
    assert.ok((seen.leftMs ?? 0) > 0 && (seen.leftMs ?? 0) <= (seen.atMostMs ?? 0));
    const { slots = [] } = await lab.instance.list();
    assert.deepEqual(
      slots.map(({ leftMs, atMostMs, ...slot }) => ({ ...slot, timed: leftMs > 0 && leftMs <= atMostMs })),
      [
        {
          key: fault.there.key,
          installation: installationKey(INSTALLATION),
          resource: lab.resource,
          id: fault.there.id,
          record: '{"what":"a “record”"}',
          held: true,
          fenced: false,
          timed: true,
        },
      ],
    );
    assert.equal((await fault.takeOff()).result, 'reverted');
    assert.equal(lab.isOn(fault), false);
    assert.equal((await fault.putOn()).result, 'fenced');
    await off(lab, fault, /taken off/);
    assert.deepEqual((await lab.instance.list()).slots, []);
  });
  it('ends by itself when nobody renews it', async () => {
    const { lab, fault } = await on({ ttlMs: SHORT_MS });
    await off(lab, fault, /time was over/);
  });
  it('ends when its holder is killed', async () => {
    const { lab, fault } = await on();
    fault.kill('SIGKILL', 'holder');
    await off(lab, fault, /holder was gone/);
  });
  it('ends when its holder and its watcher are killed, as far as a kernel can', async () => {
    const { lab, fault } = await on();
    fault.kill('SIGKILL', 'holder', 'watcher');
    if (lab.dies) {
      await until(() => !lab.isOn(fault), 'it is off');
      await until(() => fault.processes().length === 0, 'no process is left');
    }
    // Whoever comes next, the sweep first of all, takes it off where nobody is there to do it.
    assert.deepEqual((await lab.instance.list()).slots, []);
    await off(lab, fault, /nobody was there/);
  });
  turns(open, on, off);
}

type On = (times?: object) => Promise<{ lab: Lab; fault: Fault }>;
type Off = (lab: Lab, fault: Fault, why: RegExp) => Promise<void>;

/** Who comes first, too late, or twice. */
function turns(open: () => Lab, on: On, off: Off): void {
  it('is not put on once it was taken off, nor when the command comes too late', async () => {
    const { instance, resource, harm, isOn } = open();
    const [fenced, late] = [instance.fault(resource, harm), instance.fault(resource, harm)];
    assert.equal((await fenced.takeOff()).result, 'absent');
    assert.equal((await fenced.putOn()).result, 'fenced');
    const said = await late.putOn({ notLaterThanS: Date.now() / 1_000 - 5 });
    assert.equal(said.result, 'failed');
    assert.match(said.detail ?? '', /too late/);
    for (const fault of [fenced, late]) assert.equal(isOn(fault), false);
    await instance.nothingLeft();
  });
  it('is the only one, whoever asks', async () => {
    const { lab, fault } = await on();
    const second = lab.instance.fault(lab.resource, lab.harm);
    const said = await second.putOn();
    assert.deepEqual([said.result, said.detail], ['occupied', fault.there.key]);
    assert.equal((await second.takeOff()).result, 'absent');
    assert.equal(lab.isOn(fault), true);
    assert.equal((await fault.takeOff()).result, 'reverted');
    await off(lab, fault, /taken off/);
  });
}

/** Registers the cases about who may speak, and what becomes of processes that neither live nor die. */
export function withstands(open: () => Lab): void {
  const on = async (times = {}): Promise<{ lab: Lab; fault: Fault }> => {
    const lab = open();
    const fault = lab.instance.fault(lab.resource, lab.harm);
    assert.equal((await fault.putOn(times)).result, 'injected');
    return { lab, fault };
  };
  const gone = async ({ instance, isOn }: Lab, fault: Fault): Promise<void> => {
    await until(() => !isOn(fault), 'it is off');
    await instance.nothingLeft();
  };
  it('a renewal moves the end, and nothing moves it past the last', async () => {
    const { lab, fault } = await on({ ttlMs: SHORT_MS, notAfterMs: 2 * SHORT_MS });
    const renewed = await fault.renew(3_600_000);
    assert.equal(renewed.result, 'renewed');
    assert.ok((renewed.leftMs ?? 0) <= 2 * SHORT_MS);
    // As far as it goes, so that it is further than it was.
    assert.equal(renewed.leftMs, renewed.atMostMs);
    await until(async () => (await fault.renew(3_600_000)).result === 'lapsed', 'it cannot be renewed any more');
    await gone(lab, fault);
  });
  it('a renewal creates nothing', async () => {
    const { instance, resource, harm } = open();
    assert.equal((await instance.fault(resource, harm).renew(SHORT_MS)).result, 'lapsed');
    await instance.nothingLeft();
  });
  it('ends when its watcher is killed, and when its holder is told to end', async () => {
    for (const [signal, role] of [
      ['SIGKILL', 'watcher'],
      ['SIGTERM', 'holder'],
    ] as const) {
      const { lab, fault } = await on();
      fault.kill(signal, role);
      await gone(lab, fault);
    }
  });
  it('ends in time though its holder stands still', async () => {
    const { lab, fault } = await on({ ttlMs: SHORT_MS });
    fault.kill('SIGSTOP', 'holder');
    await gone(lab, fault);
    assert.match((await fault.look()).detail ?? '', /in time/);
  });
  it('is taken off though its holder and its watcher stand still', async () => {
    const { lab, fault } = await on();
    fault.kill('SIGSTOP', 'holder', 'watcher');
    assert.equal((await fault.takeOff()).result, 'reverted');
    await gone(lab, fault);
  });
  it('ends when what is written about it is deleted', async () => {
    const { lab, fault } = await on();
    rmSync(lab.instance.state, { recursive: true });
    await gone(lab, fault);
  });
  it('of many that come at once, one is put on; of one that comes many times, one', async () => {
    const { instance, resource, harm } = open();
    const [one, ...others] = [1, 2, 3].map(() => instance.fault(resource, harm)) as [Fault, ...Fault[]];
    const results = (await Promise.all([one, one, ...others].map((fault) => fault.putOn()))).map(
      ({ result }) => result,
    );
    const onTwice = results[0] === 'injected';
    assert.deepEqual(
      results.toSorted(),
      onTwice ? ['injected', 'injected', 'occupied', 'occupied'] : ['injected', 'occupied', 'occupied', 'occupied'],
    );
    assert.equal(instance.slots().length, 1);
    for (const fault of [one, ...others]) await fault.takeOff();
    await instance.nothingLeft();
  });
  it('of what one command says to many instances, each takes its own', async () => {
    const { instance, resource, harm, isOn } = open();
    const [mine, theirs] = [instance.fault(resource, harm), instance.fault(resource, harm)];
    const command = mine.putOnCommand({}, [
      { ...theirs.there, instance: 'i-00000000000000001' },
      { ...mine.there, instance: 'i-00000000000000002' },
    ]);
    assert.equal((await instance.run(command, 'i-00000000000000003')).result, 'failed');
    assert.equal((await instance.run(command, 'i-00000000000000002')).result, 'injected');
    assert.deepEqual([isOn(mine), theirs.processes()], [true, []]);
    assert.equal((await mine.takeOff()).result, 'reverted');
    await instance.nothingLeft();
  });
}
