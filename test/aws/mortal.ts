/** A worker that asks one driver, by a way to the account of its own, and can be killed on it. */
import assert from 'node:assert/strict';
import type { Attempt, DriverFactory, FaultDriver } from '../../activities/faults/driver.ts';
import { awsSettings } from '../../activities/targets/aws-settings.ts';
import type { Fault, Outcome, TargetId, Verification } from '../../domain/fault.ts';
import { until } from '../until.ts';
import type { Account } from './account.ts';
import { CUT, isRead, Shim } from './shim.ts';
import type { Call } from './shim.ts';

const LONG_MS = 600_000;
/** How long its attempts go on, in milliseconds. */
const ATTEMPT_MS = 60_000;

/** When it dies: before or after the effect of one of its writes, counted from 0. */
export interface Death {
  readonly at: number;
  readonly hasEffect: boolean;
}

let faults = 0;

export class Mortal {
  readonly driver: FaultDriver<unknown>;
  /** Before what the account's shim does. */
  readonly shim: Shim;
  readonly #life = new AbortController();

  private constructor(shim: Shim, driver: FaultDriver<unknown>, death: Death | undefined) {
    this.shim = shim;
    this.driver = driver;
    let writes = 0;
    let last: Call | undefined;
    shim.before('*', (call) => {
      if (this.isDead) return CUT;
      if (isRead(call) || writes++ !== death?.at) return undefined;
      if (!death.hasEffect) return this.#die();
      last = call;
      return undefined;
    });
    shim.after('*', (call) => (call === last ? this.#die() : undefined));
  }

  static async open(account: Account, factory: DriverFactory<unknown>, death?: Death): Promise<Mortal> {
    const shim = await Shim.open({ to: account.shim.url });
    const { regions, requestTimeout } = account.settings;
    const settings = { aws: awsSettings.parse({ regions, requestTimeout, endpoint: shim.url }) };
    return new Mortal(shim, factory({ name: 'lab', installation: 'lab', stateDir: '', settings }), death);
  }

  get isDead(): boolean {
    return this.#life.signal.aborted;
  }

  #die(): typeof CUT {
    this.#life.abort();
    return CUT;
  }

  /** A fault that nobody else has. */
  fault(target: TargetId, params: unknown = {}): Fault<unknown> {
    const id = `run/${(faults += 1)}/${target}`;
    const parsed = this.driver.params.parse(params);
    return { id, installation: 'lab', run: 'run', target, params: parsed, ttlMs: LONG_MS, notAfterMs: LONG_MS };
  }

  attempt(ms = ATTEMPT_MS): Attempt {
    const endsAtMs = performance.now() + ms;
    return { signal: this.#life.signal, remainingMs: () => endsAtMs - performance.now() };
  }

  async inject(fault: Fault<unknown>, ms?: number): Promise<Outcome<string>> {
    return first(await this.driver.inject([fault], this.attempt(ms)));
  }

  async renew(fault: Fault<unknown>): Promise<Outcome<string> | undefined> {
    return first((await this.driver.renew?.([fault], this.attempt())) ?? []);
  }

  async revert(fault: Fault<unknown>, ms?: number): Promise<Outcome<string>> {
    return first(await this.driver.revert([fault], this.attempt(ms)));
  }

  async verify(fault: Fault<unknown>): Promise<Verification> {
    return first(await this.driver.verify([fault], this.attempt()));
  }

  async whyNot(target: TargetId, params: unknown = {}): Promise<string | undefined> {
    return (await this.driver.unfit?.([target], this.driver.params.parse(params)))?.get(target);
  }

  /** As a lease does it: until it is absent. */
  async reverted(fault: Fault<unknown>): Promise<void> {
    await until(async () => (await this.revert(fault)).result !== 'failed');
    await until(async () => (await this.verify(fault)) === 'absent');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#life.abort();
    await this.shim.close();
  }
}

function first<One>(all: readonly One[]): One {
  const [one] = all;
  assert.ok(one !== undefined);
  return one;
}
