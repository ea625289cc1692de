/**
 * The conformance suite: what every fault driver must show, against real targets.
 *
 * Owns the promises of `driver.ts` as tests. A driver's author brings a {@link Lab}: a way to make a real target, and an
 * observer that does not ask the driver. Runs under `node --test`; must never know what kind of fault it tests.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../../domain/fault.ts';
import { Bench, idsOf, leftover, until } from './conformance-bench.ts';
import type { Lab, LabTarget } from './conformance-bench.ts';
import type { Attempt } from './driver.ts';

export type { Lab, LabTarget } from './conformance-bench.ts';

/** A time-to-live to wait for, in milliseconds. */
const SHORT_TTL_MS = 2_000;

/** Registers the suite for one driver. */
export function conformance<Params>(name: string, openLab: () => Promise<Lab<Params>>): void {
  void describe(`conformance: ${name}`, () => {
    let bench: Bench<Params>;
    before(async () => {
      bench = await Bench.open(await openLab());
    });
    after(() => bench.close());
    const cases = [...EVERY, ...RENEWED, ...REMOVABLE] as readonly Case[];
    for (const each of cases) {
      void it(each.title, async (t) => {
        const why = await each.applies(bench);
        if (why === undefined) await each.run(bench);
        else t.diagnostic(`does not apply: ${why}`);
      });
    }
  });
}

interface Case {
  readonly title: string;
  /** Why the case does not apply to the driver; undefined when it does. */
  applies(bench: Bench<unknown>): Promise<string | undefined>;
  run(bench: Bench<unknown>): Promise<void>;
}

const always = async (): Promise<undefined> => undefined;
const every = (title: string, run: Case['run']): Case => ({ title, applies: always, run });
const ifHeld = (title: string, run: Case['run']): Case => ({
  title,
  run,
  applies: async ({ driver }) => (driver.expiry === 'renewed' ? undefined : `its expiry is ${driver.expiry}`),
});
const ifRenewed = (title: string, run: Case['run']): Case => ({
  title,
  run,
  applies: async ({ driver }) => (driver.renew ? undefined : 'it is never renewed'),
});
const ifRemovable = (title: string, run: Case['run']): Case => ({
  title,
  run,
  applies: async (bench) => ((await bench.target()).remove ? undefined : 'its targets cannot go'),
});

const EVERY: readonly Case[] = [
  every('parameters are plain JSON, and parse to themselves', async ({ driver, params }) => {
    const travelled: unknown = JSON.parse(JSON.stringify(params));
    assert.deepEqual(driver.params.parse(travelled), travelled);
  }),
  every('harms what it is told to, and nothing beside it; reverts, and verifies by looking', async (bench) => {
    const [target, bystander] = [await bench.target(), await bench.target()];
    const fault = bench.fault(target);
    assert.deepEqual(await bench.inject(fault), ['injected']);
    assert.equal(await target.harmed(), true);
    assert.deepEqual(await bench.driver.verify([fault], bench.attempt), ['active']);
    assert.deepEqual([...(await bench.driver.occupied([target.id, bystander.id]))], [[target.id, fault.id]]);
    await bench.reverted(fault, target);
    assert.equal((await bench.driver.occupied([target.id])).size, 0);
    assert.equal(await bystander.harmed(), false);
  }),
  every('injecting twice is injecting once', async (bench) => {
    const target = await bench.target();
    const fault = bench.fault(target);
    assert.deepEqual([...(await bench.inject(fault)), ...(await bench.inject(fault))], ['injected', 'injected']);
    await bench.reverted(fault, target);
  }),
  every('reverting twice, and what never was, is success', async (bench) => {
    const target = await bench.target();
    const fault = bench.fault(target);
    assert.deepEqual(await bench.revert(fault), ['absent']);
    const other = bench.fault(target);
    await bench.inject(other);
    await bench.reverted(other, target);
    assert.deepEqual(await bench.revert(other), ['absent']);
  }),
  every('a late inject finds the fault fenced and does nothing', async (bench) => {
    const target = await bench.target();
    const fault = bench.fault(target);
    await bench.revert(fault);
    assert.deepEqual(await bench.inject(fault), ['fenced']);
    assert.equal(await target.harmed(), false);
  }),
  every('a target has one fault at a time, whoever asks', async (bench) => {
    const target = await bench.target();
    const [first, second] = [bench.fault(target), bench.fault(target, { installation: 'another' })];
    assert.deepEqual(await bench.inject(first), ['injected']);
    assert.notEqual((await bench.inject(second))[0], 'injected');
    await bench.revert(second);
    assert.equal(await target.harmed(), true, 'the second did not undo the first');
    await bench.reverted(first, target);
  }),
  every('an attempt that is over does nothing', async (bench) => {
    const target = await bench.target();
    const over: Attempt = { signal: AbortSignal.abort(), remainingMs: () => 0 };
    const [outcome] = await bench.driver.inject([bench.fault(target)], over);
    assert.notEqual(outcome?.result, 'injected');
    assert.equal(await target.harmed(), false);
  }),
  every('of many faults each has its own outcome, in their order', async (bench) => {
    const targets = await Promise.all([1, 2, 3].map(() => bench.target()));
    const faults = targets.map((target) => bench.fault(target));
    await bench.revert(faults[1] as Fault<unknown>);
    assert.deepEqual(await bench.inject(...faults), ['injected', 'fenced', 'injected']);
    for (const i of [0, 2]) await bench.reverted(faults[i] as Fault<unknown>, targets[i] as LabTarget);
  }),
  every('whoever comes after a crash finds its faults by their mark, and can revert them', async (bench) => {
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
  }),
];

const RENEWED: readonly Case[] = [
  ifHeld('with nobody to renew it, the fault ends by itself, and is never put on again', async (bench) => {
    const target = await bench.target();
    const fault = bench.fault(target, { ttlMs: SHORT_TTL_MS });
    await bench.inject(fault);
    await until(async () => !(await target.harmed()));
    assert.deepEqual(await bench.renew(fault), ['lapsed']);
    assert.notEqual((await bench.inject(fault))[0], 'injected');
    assert.equal(await target.harmed(), false);
    await bench.reverted(fault, target);
  }),
  ifRenewed('renewing moves the end', async (bench) => {
    const target = await bench.target();
    const fault = bench.fault(target, { ttlMs: SHORT_TTL_MS });
    await bench.inject(fault);
    for (let passedMs = 0; passedMs < 2 * SHORT_TTL_MS; passedMs += 250) {
      await sleep(250);
      assert.deepEqual(await bench.renew(fault), ['renewed']);
    }
    assert.equal(await target.harmed(), true);
    await bench.reverted(fault, target);
  }),
  ifRenewed('the sweep leaves a fault alone as long as it is renewed, and no longer', async (bench) => {
    const target = await bench.target();
    const fault = bench.fault(target, { ttlMs: SHORT_TTL_MS });
    const expired = async (): Promise<boolean | undefined> =>
      (await Array.fromAsync(bench.reopened().leftovers())).find(({ fault: { id } }) => id === fault.id)?.expired;
    await bench.inject(fault);
    for (let passedMs = 0; passedMs < 2 * SHORT_TTL_MS; passedMs += 250) {
      await sleep(250);
      await bench.renew(fault);
      assert.equal(await expired(), false);
    }
    await until(async () => (await expired()) !== false);
    await bench.reverted(fault, target);
  }),
  ifHeld('renewing does not move the end past the last time at all', async (bench) => {
    const target = await bench.target();
    const fault = bench.fault(target, { notAfterMs: SHORT_TTL_MS });
    await bench.inject(fault);
    await until(async () => (await bench.renew(fault))[0] !== 'renewed' && !(await target.harmed()));
    await bench.reverted(fault, target);
  }),
  ifRenewed('renewing never creates', async (bench) => {
    const target = await bench.target();
    const fault = bench.fault(target);
    assert.deepEqual(await bench.renew(fault), ['lapsed']);
    assert.equal(await target.harmed(), false);
    await bench.inject(fault);
    await bench.reverted(fault, target);
    assert.deepEqual(await bench.renew(fault), ['lapsed']);
    assert.equal(await target.harmed(), false);
  }),
];

const REMOVABLE: readonly Case[] = [
  ifRemovable('a target that is gone cannot be harmed', async (bench) => {
    const target = await bench.target();
    await target.remove?.();
    assert.deepEqual(await bench.inject(bench.fault(target)), ['gone']);
  }),
  ifRemovable('a fault whose target is gone counts as reverted', async (bench) => {
    const target = await bench.target();
    const fault = bench.fault(target);
    await bench.inject(fault);
    await target.remove?.();
    const [result] = await bench.revert(fault);
    assert.ok(result === 'absent' || result === 'reverted');
    if (bench.driver.reversal === 'reverted')
      assert.deepEqual(await bench.driver.verify([fault], bench.attempt), ['absent']);
  }),
];
