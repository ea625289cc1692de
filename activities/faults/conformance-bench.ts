/**
 * The conformance suite's bench: one driver, real targets, and faults to do with them.
 *
 * Owns the state folder of the driver under test. Must never know what kind of fault it is.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
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
export interface Lab {
  /** The module that exports the driver, as `driver`: the suite's other processes load it too. */
  readonly driver: URL;
  /** As an author writes them under `with:`. */
  readonly params: unknown;
  /** The site's settings, by provider. */
  readonly settings?: Site['settings'];
  /** A time-to-live that is waited for, in milliseconds: longer than the way to the target is on a bad day. Default: 2,000. */
  readonly shortTtlMs?: number;
  /** Makes a target at `site` that nobody else uses; the lab ends it after the suite. */
  target(site: Site): Promise<LabTarget>;
  close?(): Promise<void>;
}

/** Beyond this long, what should have happened by itself has not, in milliseconds. */
const FOREVER_MS = 30_000;
const SHORT_TTL_MS = 2_000;
/** A time-to-live that no test waits for, in milliseconds. */
export const LONG_MS = 600_000;

const INJECTOR = join(import.meta.dirname, 'conformance-injector.ts');

/** A driver on a state folder of its own, and faults to do with it. */
export class Bench {
  readonly attempt: Attempt = { signal: new AbortController().signal, remainingMs: () => FOREVER_MS };
  readonly driver: FaultDriver<unknown>;
  readonly params: unknown;
  readonly shortTtlMs: number;
  readonly #lab: Lab;
  readonly #factory: DriverFactory<unknown>;
  readonly #site: Site;
  #faults = 0;

  private constructor(lab: Lab, factory: DriverFactory<unknown>, stateDir: string) {
    this.#lab = lab;
    this.shortTtlMs = lab.shortTtlMs ?? SHORT_TTL_MS;
    this.#factory = factory;
    this.#site = { name: 'lab', installation: 'lab', stateDir, settings: lab.settings ?? {} };
    this.driver = factory(this.#site);
    this.params = this.driver.params.parse(lab.params);
  }

  static async open(lab: Lab): Promise<Bench> {
    const { driver } = (await import(lab.driver.href)) as { driver: DriverFactory<unknown> };
    return new Bench(lab, driver, await mkdtemp(join(tmpdir(), 'squall-conformance-')));
  }

  async close(): Promise<void> {
    await this.#lab.close?.();
    await rm(this.#site.stateDir, { recursive: true, force: true });
  }

  target(): Promise<LabTarget> {
    return this.#lab.target(this.#site);
  }

  fault(target: LabTarget, change: Partial<Fault<unknown>> = {}): Fault<unknown> {
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
  reopened(installation = this.#site.installation): FaultDriver<unknown> {
    return this.#factory({ ...this.#site, installation });
  }

  async inject(...faults: Fault<unknown>[]): Promise<string[]> {
    return (await this.driver.inject(faults, this.attempt)).map(({ result }) => result);
  }

  /** Injects in a process of its own, which is killed once it has: what ends the fault then is on the target. */
  async injectAndDie(fault: Fault<unknown>): Promise<string> {
    const args = [this.#lab.driver.href, JSON.stringify(this.#site), JSON.stringify(fault)];
    const injector = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', INJECTOR, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(injector, 'exit');
    const said = once(injector.stdout.setEncoding('utf8'), 'data');
    const [result] = (await Promise.race([said, ended])) as [unknown];
    injector.kill('SIGKILL');
    await ended;
    return String(result);
  }

  async revert(...faults: Fault<unknown>[]): Promise<string[]> {
    return (await this.driver.revert(faults, this.attempt)).map(({ result }) => result);
  }

  async renew(...faults: Fault<unknown>[]): Promise<string[]> {
    return (await this.driver.renew?.(faults, this.attempt))?.map(({ result }) => result) ?? [];
  }

  /** Reverts, heals what heals, and sees that the harm is gone, by the driver's eyes and by others. */
  async reverted(fault: Fault<unknown>, target: LabTarget): Promise<void> {
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
