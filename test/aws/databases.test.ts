/** Failovers of databases and caches: at most one each, whatever is lost, and none that is taken for over before it is. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { driver as elastiCacheFailover } from '../../activities/faults/aws/elasticache-failover.ts';
import { driver as rdsFailover } from '../../activities/faults/aws/rds-failover.ts';
import type { Attempt, DriverFactory } from '../../activities/faults/driver.ts';
import { until } from '../until.ts';
import { Account } from './account.ts';
import { tellFailovers, yes } from './labs/failing-over.ts';
import { CACHE, CLUSTER, DATABASE } from './labs/failovers.ts';
import type { Kind } from './labs/failovers.ts';
import { Mortal } from './mortal.ts';
import type { Death } from './mortal.ts';
import { whyNoMoto } from './moto.ts';
import { CUT, refusal } from './shim.ts';
import type { Shim } from './shim.ts';

const DRIVERS: Readonly<Record<string, DriverFactory<unknown>>> = {
  'rds-failover': rdsFailover,
  'elasticache-failover': elastiCacheFailover,
};

const LONG_MS = 600_000;
const ANY = { installation: 'lab', run: 'run', params: {}, ttlMs: LONG_MS, notAfterMs: LONG_MS };

/** Whoever asks by this shim is told that it is so much later, in milliseconds. */
function tellLater(shim: Shim, laterMs: number): void {
  shim.after('*', (_call, answer) => ({
    ...answer,
    headers: { ...answer.headers, date: new Date(Date.now() + laterMs).toUTCString() },
  }));
}

describe('failovers', { skip: await whyNoMoto(), concurrency: 4 }, () => {
  let account: Account;
  before(async () => {
    account = await Account.open();
  });
  after(() => account.close());

  /** How often it was done. */
  function count({ telling }: Kind, id: string, shim = account.shim): { done: number } {
    const counted = { done: 0 };
    shim.after(telling.asks, ({ params }, { status }) => {
      if (params[telling.who] === id && status < 300) counted.done += 1;
      return undefined;
    });
    return counted;
  }

  for (const kind of [CLUSTER, DATABASE, CACHE]) {
    const { name, telling, fault: file } = kind;
    const driver = DRIVERS[file] as DriverFactory<unknown>;
    const open = (death?: Death): Promise<Mortal> => Mortal.open(account, driver, death);

    it(`${name}: it fails over once, and has healed when it is available again`, async () => {
      await using worker = await open();
      const going = tellFailovers(worker.shim, telling);
      const { target, id, writer } = await kind.make(account);
      const from = await writer();
      const fault = worker.fault(target);
      const { result, detail } = await worker.inject(fault);
      assert.equal(
        `${result}: ${detail}`,
        'injected: its endpoint cannot be reached from here: it is not verified that it answers',
      );
      assert.notEqual(await writer(), from);
      assert.equal((await worker.inject(fault)).result, 'injected');
      assert.equal((await worker.revert(fault)).result, 'reverted');
      assert.equal(await worker.verify(fault), 'active');
      assert.match(String((await worker.revert(fault)).detail), /^it is (?:failing-over|rebooting|modifying)$/);
      going.delete(id);
      assert.equal(await worker.verify(fault), 'absent');
      assert.equal((await worker.inject(fault)).result, 'fenced');
      assert.equal(worker.shim.callsOf(telling.asks).length, 1);
    });

    it(`${name}: an answer that is lost is looked for, and nothing is asked again`, async () => {
      await using worker = await open();
      const { target, id, writer } = await kind.make(account);
      const counted = count(kind, id);
      const from = await writer();
      worker.shim.after(telling.asks, () => CUT);
      const fault = worker.fault(target);
      assert.equal((await worker.inject(fault)).result, 'injected');
      assert.notEqual(await writer(), from);
      assert.deepEqual([counted.done, worker.shim.callsOf(telling.asks).length], [1, 1]);
      await worker.reverted(fault);
    });

    it(`${name}: of what was cut off on its way nothing comes, and it is asked for again`, async () => {
      await using worker = await open();
      const { target, id } = await kind.make(account);
      const counted = count(kind, id);
      const again = worker.shim.before(telling.asks, () => {
        again();
        return CUT;
      });
      const fault = worker.fault(target);
      assert.equal((await worker.inject(fault)).result, 'injected');
      assert.deepEqual([counted.done, worker.shim.callsOf(telling.asks).length], [1, 2]);
      await worker.reverted(fault);
    });

    it(`${name}: what AWS refuses for now is asked for again, and a refusal for good has done nothing`, async () => {
      await using worker = await open();
      const { target } = await kind.make(account);
      const throttled = worker.shim.before(telling.asks, (call) => {
        throttled();
        return refusal(call, 'Throttling', 'Rate exceeded');
      });
      const fault = worker.fault(target);
      assert.equal((await worker.inject(fault)).result, 'injected');
      assert.equal(worker.shim.callsOf(telling.asks).length, 2);
      await worker.reverted(fault);

      worker.shim.before(telling.asks, (call) => refusal(call, 'AccessDenied', 'not authorized to do this', 403));
      const denied = worker.fault(target);
      const { result, detail } = await worker.inject(denied);
      assert.equal(`${result}: ${detail}`, 'failed: not authorized to do this');
      assert.equal(worker.shim.callsOf(telling.asks).length, 3);
      assert.equal((await worker.revert(denied)).result, 'reverted');
      assert.equal(await worker.verify(denied), 'absent');
    });

    it(`${name}: whoever comes after one who died asks for nothing that may have been asked for`, async () => {
      // The record, that it will be asked for, the asking, that it was accepted.
      for (const hasEffect of [false, true])
        for (const at of [0, 1, 2, 3]) {
          const { target, id, writer } = await kind.make(account);
          const counted = count(kind, id);
          const from = await writer();
          await using mortal = await open({ at, hasEffect });
          const fault = mortal.fault(target);
          await mortal.inject(fault);
          assert.equal(mortal.isDead, true);
          await using survivor = await open();
          // However slow this machine is.
          tellLater(survivor.shim, -60_000);
          const isWritten = at > 1 || (at === 1 && hasEffect);
          const isAsked = at > 2 || (at === 2 && hasEffect);
          const { result } = await survivor.inject(fault, isWritten && !isAsked ? 3_000 : undefined);
          assert.equal(result, isWritten && !isAsked ? 'failed' : 'injected', `${hasEffect} ${at}`);
          assert.equal(survivor.shim.callsOf(telling.asks).length, isWritten ? 0 : 1);
          assert.equal(counted.done, isWritten && !isAsked ? 0 : 1);
          assert.equal((await writer()) === from, isWritten && !isAsked);
          assert.equal((await survivor.revert(fault)).result, 'reverted');
          // It may come still; what has not come in a while never will.
          assert.equal(await survivor.verify(fault), isWritten && !isAsked ? 'active' : 'absent');
          tellLater(survivor.shim, 180_000);
          await survivor.verify(fault);
          assert.equal(await survivor.verify(fault), 'absent');
        }
    });

    it(`${name}: what was accepted and never comes has not healed`, async () => {
      await using worker = await open();
      const { target, writer, id } = await kind.make(account);
      const from = await writer();
      const done = worker.shim.before(telling.asks, ({ action }) => yes(action));
      const fault = worker.fault(target);
      assert.equal((await worker.inject(fault)).result, 'injected');
      assert.equal((await worker.revert(fault)).result, 'reverted');
      tellLater(worker.shim, 180_000);
      assert.equal(await worker.verify(fault), 'active');
      assert.equal((await worker.revert(fault)).detail, 'nobody else has taken over');
      assert.equal(await writer(), from);
      done();
      // Somebody does it by hand.
      await using other = await open();
      const counted = count(kind, id);
      const theirs = other.fault(target);
      assert.equal((await other.inject(theirs)).result, 'injected');
      assert.equal(counted.done, 1);
      assert.equal(await worker.verify(fault), 'absent');
      await other.reverted(theirs);
    });
  }

  for (const seed of [1, 2, 3])
    it(`none fails over twice on a bad day, ${seed}`, async () => {
      const rough = await account.another(seed, { inARow: 3 });
      await using _ = { [Symbol.asyncDispose]: () => rough.shim.close() };
      const all = [CLUSTER, DATABASE, CACHE].flatMap((kind) => [kind, kind]);
      await Promise.all(
        all.map(async (kind) => {
          const { target, id } = await kind.make(account);
          const counted = count(kind, id, rough.shim);
          const site = { name: 'lab', installation: 'lab', stateDir: '', settings: { aws: rough.settings } };
          const driver = (DRIVERS[kind.fault] as DriverFactory<unknown>)(site);
          const fault = { ...ANY, id: `rough/${target}`, target };
          const attempt = (): Attempt => {
            const endsAtMs = performance.now() + 15_000;
            return { signal: new AbortController().signal, remainingMs: () => endsAtMs - performance.now() };
          };
          // As its activity does it.
          const results: string[] = [];
          for (let tries = 0; tries < 3 && results.at(-1) !== 'injected'; tries += 1)
            results.push((await driver.inject([fault], attempt()))[0]?.result ?? 'nothing');
          // What it reads may be older than that it was asked for.
          await driver.inject([fault], attempt());
          assert.ok(counted.done <= 1, `${kind.name} failed over ${counted.done} times`);
          if (results.at(-1) === 'injected') assert.equal(counted.done, 1, results.join());
          await until(async () => {
            const [reverted] = await driver.revert([fault], attempt());
            const [found] = await driver.verify([fault], attempt());
            return reverted?.result !== 'failed' && found === 'absent';
          });
          assert.ok(counted.done <= 1, `${kind.name} failed over ${counted.done} times`);
        }),
      );
    });
});
