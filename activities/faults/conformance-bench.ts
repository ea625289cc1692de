/**
 * The conformance suite's bench: one driver, real targets, and faults to do with them.
 *
 * Owns the state folder of the driver under test. Must never know what kind of fault it is.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault, TargetId } from '../../domain/fault.ts';
import type { Attempt, DriverFactory, FaultDriver, Site } from './driver.ts';

/** A real target, and somebody who looks at it. */
export interface LabTarget {
  readonly id: TargetId;
  /** Whether the fault's harm can be seen on the target, by other means than the driver's. */
  harmed(): Promise<boolean>;
  /** Takes the target away, as an autoscaler or a crash does. Absent where a target cannot go. */
  remove?(): Promise<void>;
  /** For faults that heal: does what heals them, as a supervisor does. */
  heal?(): Promise<void>;
}

/** Where a driver is tested. */
export interface Lab<Params> {
  readonly driver: DriverFactory<Params>;
  /** As an author writes them under `with:`. */
  readonly params: unknown;
  /** The site's settings, by provider. */
  readonly settings?: Site['settings'];
  /** Makes a target nobody else uses; the lab ends it after the suite. */
  target(): Promise<LabTarget>;
  close?(): Promise<void>;
}

/** Beyond this long, what should have happened by itself has not, in milliseconds. */
const FOREVER_MS = 30_000;
const LONG_MS = 600_000;

/** A driver on a state folder of its own, and faults to do with it. */
export class Bench<Params> {
  readonly attempt: Attempt = { signal: new AbortController().signal, remainingMs: () => FOREVER_MS };
  readonly driver: FaultDriver<Params>;
  readonly params: Params;
  readonly #lab: Lab<Params>;
  readonly #site: Site;
  #faults = 0;

  private constructor(lab: Lab<Params>, stateDir: string) {
    this.#lab = lab;
    this.#site = { name: 'lab', installation: 'lab', stateDir, settings: lab.settings ?? {} };
    this.driver = lab.driver(this.#site);
    this.params = this.driver.params.parse(lab.params);
  }

  static async open<Params>(lab: Lab<Params>): Promise<Bench<Params>> {
    return new Bench(lab, await mkdtemp(join(tmpdir(), 'squall-conformance-')));
  }

  async close(): Promise<void> {
    await this.#lab.close?.();
    await rm(this.#site.stateDir, { recursive: true, force: true });
  }

  target(): Promise<LabTarget> {
    return this.#lab.target();
  }

  fault(target: LabTarget, change: Partial<Fault<Params>> = {}): Fault<Params> {
    this.#faults += 1;
    return {
      id: `run/stage-${this.#faults}/${target.id}`,
      installation: this.#site.installation,
      run: 'run',
      target: target.id,
      params: this.params,
      ttlMs: LONG_MS,
      notAfterMs: LONG_MS,
      ...change,
    };
  }

  /** The driver as another process has it, which shares nothing with this one but what survives. */
  reopened(installation = this.#site.installation): FaultDriver<Params> {
    return this.#lab.driver({ ...this.#site, installation });
  }

  async inject(...faults: Fault<Params>[]): Promise<string[]> {
    return (await this.driver.inject(faults, this.attempt)).map(({ result }) => result);
  }

  async revert(...faults: Fault<Params>[]): Promise<string[]> {
    return (await this.driver.revert(faults, this.attempt)).map(({ result }) => result);
  }

  async renew(...faults: Fault<Params>[]): Promise<string[]> {
    return (await this.driver.renew?.(faults, this.attempt))?.map(({ result }) => result) ?? [];
  }

  /** Reverts, heals what heals, and sees that the harm is gone, by the driver's eyes and by others. */
  async reverted(fault: Fault<Params>, target: LabTarget): Promise<void> {
    const [result] = await this.revert(fault);
    assert.ok(result === 'reverted' || result === 'absent', `revert answered ${result ?? 'nothing'}`);
    await target.heal?.();
    await until(async () => (await this.driver.verify([fault], this.attempt))[0] === 'absent');
    assert.equal(await target.harmed(), false);
  }
}

/** What a driver finds left over, by id. */
export async function idsOf(driver: FaultDriver<unknown>): Promise<string[]> {
  return (await Array.fromAsync(driver.leftovers())).map(({ fault }) => fault.id);
}

/** One fault as a driver finds it left over; fails when it does not. */
export async function leftover(driver: FaultDriver<unknown>, id: string): Promise<Fault<unknown>> {
  const found = (await Array.fromAsync(driver.leftovers())).find(({ fault }) => fault.id === id);
  return found?.fault ?? assert.fail(`${id} is not among the leftovers`);
}

/** Waits until something holds; fails when it does not come to. */
export async function until(holds: () => Promise<boolean>): Promise<void> {
  const endsAtMs = performance.now() + FOREVER_MS;
  while (!(await holds())) {
    assert.ok(performance.now() < endsAtMs, `nothing has happened for ${FOREVER_MS / 1000} s`);
    await sleep(50);
  }
}
