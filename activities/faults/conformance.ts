/**
 * The conformance suite: what every fault driver must show, against real targets.
 *
 * Owns the promises of `driver.ts` as tests. A driver's author brings a {@link Lab}: a way to make a real target, and an
 * observer that does not ask the driver. Runs under `node --test`; must never know what kind of fault it tests.
 */
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../../domain/fault.ts';
import { Bench, idsOf, leftover, LONG_MS, until } from './conformance-bench.ts';
import type { Lab, LabTarget } from './conformance-bench.ts';
import type { Attempt } from './driver.ts';

export type { Lab, LabTarget } from './conformance-bench.ts';

/** Registers the suite for one driver: the cases that apply to it. */
export function conformance(name: string, openLab: () => Promise<Lab>): void {
  void describe(`conformance: ${name}`, { concurrency: 1 }, async () => {
    const bench = await Bench.open(await openLab());
    after(() => bench.close());
    const { driver } = bench;
    const cases: Cases = {
      ...EVERY,
      ...(driver.expiry !== 'none' && EXPIRING),
      ...(driver.renew && RENEWED),
      ...((await bench.target()).remove && REMOVABLE),
    };
    for (const [title, run] of Object.entries(cases)) void it(title, () => run(bench));
  });
}

/** What is run, by its title. */
type Cases = Readonly<Record<string, (bench: Bench) => Promise<void>>>;

const EVERY: Cases = {
  'parameters are plain JSON, and parse to themselves': async ({ driver, params }) => {
    const travelled: unknown = JSON.parse(JSON.stringify(params));
    assert.deepEqual(driver.params.parse(travelled), travelled);
  },
  'harms what it is told to, and nothing beside it; reverts, and verifies by looking': async (bench) => {
    const [target, bystander] = [await bench.target(), await bench.target()];
    const fault = bench.fault(target);
    assert.deepEqual(await bench.inject(fault), ['injected']);
    assert.equal(await target.harmed(), true);
    assert.deepEqual(await bench.driver.verify([fault], bench.attempt), ['active']);
    // What is told of a target may be late; who injects is told by the target itself.
    let held: [string, string][] = [];
    const look = async (): Promise<number> =>
      (held = [...(await bench.driver.occupied([target.id, bystander.id]))]).length;
    await until(async () => (await look()) > 0);
    assert.deepEqual(held, [[target.id, fault.id]]);
    await bench.reverted(fault, target);
    await until(async () => (await look()) === 0);
    assert.equal(await bystander.harmed(), false);
  },
  'injecting twice is injecting once': async (bench) => {
    const target = await bench.target();
    const fault = bench.fault(target);
    assert.deepEqual([...(await bench.inject(fault)), ...(await bench.inject(fault))], ['injected', 'injected']);
    await bench.reverted(fault, target);
  },
  'reverting twice, and what never was, is success': async (bench) => {
    const target = await bench.target();
    const fault = bench.fault(target);
    assert.deepEqual(await bench.revert(fault), ['absent']);
    const other = bench.fault(target);
    await bench.inject(other);
    await bench.reverted(other, target);
    // A target that tells late what became of it may show the fault once more.
    const [again] = await bench.revert(other);
    assert.ok(again === 'absent' || again === 'reverted', again);
    assert.equal(await target.harmed(), false);
  },
  'a late inject finds the fault fenced and does nothing': async (bench) => {
    const target = await bench.target();
    const fault = bench.fault(target);
    await bench.revert(fault);
    assert.deepEqual(await bench.inject(fault), ['fenced']);
    assert.equal(await target.harmed(), false);
  },
  'a target has one fault at a time, whoever asks': async (bench) => {
    const target = await bench.target();
    const [first, second] = [bench.fault(target), bench.fault(target, { installation: 'another' })];
    assert.deepEqual(await bench.inject(first), ['injected']);
    assert.notEqual((await bench.inject(second))[0], 'injected');
    await bench.revert(second);
    assert.equal(await target.harmed(), true, 'the second did not undo the first');
    await bench.reverted(first, target);
  },
  'an attempt that was aborted does nothing': async (bench) => {
    await doesNothing(bench, { ...bench.attempt, signal: AbortSignal.abort() });
  },
  'an attempt whose time is over does nothing': async (bench) => {
    await doesNothing(bench, { ...bench.attempt, remainingMs: () => 0 });
  },
  'of many faults each has its own outcome, in their order': async (bench) => {
    const targets = await Promise.all([1, 2, 3].map(() => bench.target()));
    const faults = targets.map((target) => bench.fault(target));
    await bench.revert(faults[1] as Fault<unknown>);
    assert.deepEqual(await bench.inject(...faults), ['injected', 'fenced', 'injected']);
    for (const i of [0, 2]) await bench.reverted(faults[i] as Fault<unknown>, targets[i] as LabTarget);
  },
  'whoever comes after a crash finds its faults by their mark, and can revert them': async (bench) => {
    const target = await bench.target();
    const fault = bench.fault(target);
    await bench.inject(fault);
    const survivor = bench.reopened();
    const stranger = bench.reopened('another');
    assert.ok((await idsOf(survivor)).includes(fault.id));
    assert.ok(!(await idsOf(stranger)).includes(fault.id), 'another installation leaves it alone');
    const found = await leftover(survivor, fault.id);
    assert.deepEqual({ target: found.target, params: found.params }, { target: fault.target, params: fault.params });
    await survivor.revert([found], bench.attempt);
    await bench.reverted(fault, target);
    assert.ok(!(await idsOf(bench.reopened())).includes(fault.id));
  },
};

const EXPIRING: Cases = {
  'when whoever injected it is killed, the fault ends by itself, and is never put on again': async (bench) => {
    const target = await bench.target();
    const notAfterMs = bench.driver.expiry === 'fixed' ? bench.shortTtlMs : LONG_MS;
    const fault = bench.fault(target, { ttlMs: bench.shortTtlMs, notAfterMs });
    assert.equal(await bench.injectAndDie(fault), 'injected');
    const diedAtMs = performance.now();
    // What takes a while until it is on may not be to be seen yet.
    await until(async () => performance.now() - diedAtMs > bench.shortTtlMs && !(await target.harmed()));
    if (bench.driver.renew) assert.deepEqual(await bench.renew(fault), ['lapsed']);
    assert.notEqual((await bench.inject(fault))[0], 'injected');
    assert.equal(await target.harmed(), false);
    await bench.reverted(fault, target);
  },
  'nothing moves the end past the last time at all': async (bench) => {
    const target = await bench.target();
    const fault = bench.fault(target, { notAfterMs: bench.shortTtlMs });
    await bench.inject(fault);
    await until(async () => (await bench.renew(fault))[0] !== 'renewed' && !(await target.harmed()));
    await bench.reverted(fault, target);
  },
};

const RENEWED: Cases = {
  'renewing moves the end, and nobody takes it for over': async (bench) => {
    const { fault, target } = await keptUp(bench);
    await until(async () => (await expired(bench, fault)) !== false);
    await bench.reverted(fault, target);
  },
  'renewing never creates': async (bench) => {
    const target = await bench.target();
    const fault = bench.fault(target);
    assert.deepEqual(await bench.renew(fault), ['lapsed']);
    assert.equal(await target.harmed(), false);
    await bench.inject(fault);
    await bench.reverted(fault, target);
    assert.deepEqual(await bench.renew(fault), ['lapsed']);
    assert.equal(await target.harmed(), false);
  },
};

const REMOVABLE: Cases = {
  'a target that is gone cannot be harmed': async (bench) => {
    const target = await bench.target();
    await target.remove?.();
    assert.deepEqual(await bench.inject(bench.fault(target)), ['gone']);
  },
  'a fault whose target is gone counts as reverted': async (bench) => {
    const target = await bench.target();
    const fault = bench.fault(target);
    await bench.inject(fault);
    await target.remove?.();
    const [result] = await bench.revert(fault);
    assert.ok(result === 'absent' || result === 'reverted');
    if (bench.driver.reversal === 'reverted')
      assert.deepEqual(await bench.driver.verify([fault], bench.attempt), ['absent']);
  },
};

/** A fault that was renewed for twice its time. A machine too slow to renew in time gets more of it. */
async function keptUp(bench: Bench): Promise<{ fault: Fault<unknown>; target: LabTarget }> {
  for (let ttlMs = bench.shortTtlMs; ttlMs <= 8 * bench.shortTtlMs; ttlMs *= 2) {
    const target = await bench.target();
    const fault = bench.fault(target, { ttlMs });
    let renewedAtMs = performance.now();
    const startedAtMs = renewedAtMs;
    await bench.inject(fault);
    for (;;) {
      await sleep(ttlMs / 8);
      const nowMs = performance.now();
      const renewed = await bench.renew(fault);
      const over = await expired(bench, fault);
      // Only what was renewed within its time must still be there.
      if (performance.now() - renewedAtMs >= ttlMs) break;
      assert.deepEqual(renewed, ['renewed']);
      assert.notEqual(over, true);
      renewedAtMs = nowMs;
      if (nowMs - startedAtMs < 2 * ttlMs) continue;
      const harmed = await target.harmed();
      if (performance.now() - renewedAtMs >= ttlMs) break;
      assert.equal(harmed, true);
      return { fault, target };
    }
    await bench.reverted(fault, target);
  }
  return assert.fail('this machine was never fast enough to renew a fault in time');
}

/** What somebody who comes later finds: whether the fault's time is over; undefined where there is none. */
async function expired(bench: Bench, { id }: Fault<unknown>): Promise<boolean | undefined> {
  return (await Array.fromAsync(bench.reopened().leftovers())).find(({ fault }) => fault.id === id)?.expired;
}

async function doesNothing(bench: Bench, attempt: Attempt): Promise<void> {
  const target = await bench.target();
  const [outcome] = await bench.driver.inject([bench.fault(target)], attempt);
  assert.notEqual(outcome?.result, 'injected');
  assert.equal(await target.harmed(), false);
}
