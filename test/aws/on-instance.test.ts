/**
 * The scripts that run on an instance, run for real on this machine, as an agent would: processor time and memory.
 *
 * The disk and the network have files of their own, since they need a file system and namespaces.
 */
import assert from 'node:assert/strict';
import { realpathSync } from 'node:fs';
import { describe, it } from 'node:test';
import { until } from '../until.ts';
import { Instance, linesOf, NOT_HERE } from './on-instance.ts';
import type { Fault } from './on-instance.ts';
import { ends, withstands } from './on-instance-life.ts';
import type { Lab } from './on-instance-life.ts';

const MEGABYTES = 12;

/** What processes of a fault have in memory, in bytes. */
function residentOf(fault: Fault): number {
  const pages = fault.processes().map((pid) => Number(linesOf(`/proc/${pid}/statm`)[0]?.split(' ')[1] ?? 0));
  return pages.reduce((sum, each) => sum + each * 4_096, 0);
}

/** The loops of a fault. */
function loopsOf(fault: Fault): number[] {
  return fault.processes().filter((pid) => linesOf(`/proc/${pid}/cmdline`, '\0').includes('burn'));
}

function lab(what: Omit<Lab, 'instance'>, shell?: string): () => Lab {
  let instance: Instance | undefined;
  return () => ({ ...what, instance: (instance ??= new Instance([], shell)) });
}
const CPU = {
  resource: 'cpu',
  harm: ['percent=10', 'cores=1'],
  isOn: (fault: Fault) => loopsOf(fault).length > 0,
  dies: true,
} as const;
const MEMORY = {
  resource: 'memory',
  harm: [`megabytes=${MEGABYTES}`],
  isOn: (fault: Fault) => residentOf(fault) > 0.9e6 * MEGABYTES,
  dies: true,
} as const;

void describe('on an instance: processor time', { skip: NOT_HERE, concurrency: 1 }, () => {
  const open = lab(CPU);
  ends(open);
  void it('takes processor time, and is over when a loop of it is', async () => {
    const { instance, harm } = open();
    const fault = instance.fault('cpu', harm);
    await fault.putOn();
    const [loop = assert.fail('no loop')] = loopsOf(fault);
    const ticks = (): number => Number(linesOf(`/proc/${loop}/stat`)[0]?.split(') ')[1]?.split(' ')[11] ?? 0);
    const before = ticks();
    await until(() => ticks() > before, 'it has had processor time');
    process.kill(loop, 'SIGKILL');
    await instance.nothingLeft();
    assert.match((await fault.look()).detail ?? '', /loop of it was gone/);
  });
  void it('refuses what cannot be', async () => {
    const { instance } = open();
    for (const [harm, why] of [
      [['percent=0'], /1 to 100/],
      [['percent=10', 'cores=5000'], /processors|cores/],
      [['percent=10;reboot'], /not expected/],
    ] as const) {
      const said = await instance.fault('cpu', harm).putOn();
      assert.equal(said.result, 'failed');
      assert.match(said.detail ?? '', why);
    }
    await instance.nothingLeft();
  });
});

void describe('on an instance: memory', { skip: NOT_HERE, concurrency: 1 }, () => {
  const open = lab(MEMORY);
  ends(open);
  withstands(open);
  void it('is over when the process that has it is, which is the first to be killed', async () => {
    const { instance, harm } = open();
    const fault = instance.fault('memory', harm);
    const { measured } = await fault.putOn();
    assert.ok((measured?.['heldBytes'] ?? 0) > 0.9e6 * MEGABYTES);
    const [tail = assert.fail('no tail')] = fault
      .processes()
      .filter((pid) => linesOf(`/proc/${pid}/comm`)[0] === 'tail');
    assert.equal(linesOf(`/proc/${tail}/oom_score_adj`)[0], '1000');
    process.kill(tail, 'SIGKILL');
    await instance.nothingLeft();
  });
  void it('leaves what a machine needs', async () => {
    const { instance } = open();
    for (const [harm, why] of [
      [['megabytes=100000000'], /must stay/],
      [['percent=1'], /in use already/],
      [['percent=95'], /1 to 90/],
    ] as const) {
      const said = await instance.fault('memory', harm).putOn();
      assert.equal(said.result, 'failed');
      assert.match(said.detail ?? '', why);
    }
    await instance.nothingLeft();
  });
});

void describe('on an instance: a command that is cancelled', { skip: NOT_HERE, concurrency: 1 }, () => {
  void it('at any moment, leaves nothing that stays', async () => {
    const cancel = async (afterMs: number): Promise<void> => {
      const instance = new Instance();
      const fault = instance.fault('memory', MEMORY.harm);
      await instance.print(fault.putOnCommand({ ttlMs: 3_000 }), '', afterMs);
      await until(
        async () => fault.processes().length === 0 && (await instance.list()).slots?.length === 0,
        'its time is over',
      );
      // On a slow machine it may have begun just now.
      const { result } = await fault.takeOff();
      assert.ok(['absent', 'reverted'].includes(result), result);
      assert.deepEqual(fault.processes(), []);
      await instance.remove();
    };
    for (const from of [10, 60, 110, 160]) await Promise.all([0, 200, 400, 800].map((ms) => cancel(from + ms)));
  });
});

// Amazon Linux has bash there, Debian and Ubuntu have dash.
for (const shell of ['/bin/bash', '/bin/dash'])
  if (NOT_HERE !== false || realpathSync('/bin/sh') !== realpathSync(shell))
    void describe(`on an instance whose sh is ${shell}`, { skip: NOT_HERE, concurrency: 1 }, () =>
      ends(lab(MEMORY, shell)),
    );
