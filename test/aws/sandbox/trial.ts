/**
 * One fault on a sandbox, from pre-flight until nothing of it is left, as a lease does it.
 *
 * Owns the order, and what is told of it: how long each step took, or what went wrong. Whatever goes wrong, it is reverted, unless
 * the run was called off: all that it is on is removed then.
 */
import assert from 'node:assert/strict';
import type { FaultDriver, Site } from '../../../activities/faults/driver.ts';
import type { Fault } from '../../../domain/fault.ts';
import type { Trial } from './trials.ts';
import type { Waiting } from './waiting.ts';

/** How long a fault may last at all, and without being renewed, in milliseconds: longer than a trial. */
const LASTS_MS = 3_600_000;

/** What became of one. */
export interface Row {
  readonly fault: string;
  readonly of: string;
  /** In milliseconds, as far as it came. */
  readonly took: Partial<Record<Step, number>>;
  /** Undefined where all was as promised. */
  readonly problem: string | undefined;
}

/** Until the driver had put it on; until it was seen; until the driver had taken it off; until all was seen to be as it was. */
export const STEPS = ['put on', 'seen', 'taken off', 'as it was'] as const;
export type Step = (typeof STEPS)[number];

/** Rejects only where the run was called off. */
export async function tryFault(trial: Trial, site: Site, waiting: Waiting): Promise<Row> {
  const driver = trial.driver(site) as FaultDriver<unknown>;
  const { kind } = driver;
  const fault: Fault<unknown> = {
    ...{ id: `sandbox/${kind}/${trial.target}`, installation: site.installation, run: 'sandbox' },
    ...{ target: trial.target, params: driver.params.parse(trial.params), ttlMs: LASTS_MS, notAfterMs: LASTS_MS },
  };
  const took: Row['took'] = {};
  try {
    await putOn(driver, fault, trial, waiting, took);
    await takeOff(driver, fault, trial, waiting, took);
    return { fault: kind, of: trial.of, took, problem: undefined };
  } catch (error) {
    waiting.signal.throwIfAborted();
    const [{ result, detail = '' } = {}] = await driver.revert([fault], waiting.attempt());
    waiting.signal.throwIfAborted();
    const undone = result === 'reverted' || result === 'absent' ? '' : `; it is not reverted: ${detail}`;
    return { fault: kind, of: trial.of, took, problem: `${wordsOf(error)}${undone}` };
  }
}

async function putOn(
  driver: FaultDriver<unknown>,
  fault: Fault<unknown>,
  { isHarmed, target, of }: Trial,
  waiting: Waiting,
  took: Row['took'],
): Promise<void> {
  const unfit = [
    ...(await driver.check(fault.params)),
    ...((await driver.unfit?.([target], fault.params))?.values() ?? []),
  ];
  assert.equal(unfit.join('; '), '', `pre-flight: ${unfit.join('; ')}`);
  const startedAtMs = performance.now();
  const [injected] = await driver.inject([fault], waiting.attempt());
  const { result = 'nothing', detail = '' } = injected ?? {};
  assert.equal(result, 'injected', `it is not put on: ${result} ${detail}`);
  took['put on'] = performance.now() - startedAtMs;
  await waiting.until(`${driver.kind} is seen on ${of}`, isHarmed);
  took['seen'] = performance.now() - startedAtMs;
  const [renewed] = (await driver.renew?.([fault], waiting.attempt())) ?? [];
  assert.ok(renewed === undefined || renewed.result === 'renewed', `it is not renewed: ${renewed?.detail ?? ''}`);
  assert.deepEqual(await driver.verify([fault], waiting.attempt()), ['active']);
  const ids = (await Array.fromAsync(driver.leftovers())).map((one) => one.fault.id);
  assert.ok(ids.includes(fault.id), 'a sweep would not find it');
}

async function takeOff(
  driver: FaultDriver<unknown>,
  fault: Fault<unknown>,
  { isWhole, of }: Trial,
  waiting: Waiting,
  took: Row['took'],
): Promise<void> {
  const startedAtMs = performance.now();
  let detail = '';
  await waiting.until(`${driver.kind} is taken off`, async () => {
    const [reverted] = await driver.revert([fault], waiting.attempt());
    ({ detail = '' } = reverted ?? {});
    return reverted?.result === 'reverted';
  });
  took['taken off'] = performance.now() - startedAtMs;
  await waiting.until(`${of} is as it was before ${driver.kind}`, isWhole);
  took['as it was'] = performance.now() - startedAtMs;
  await waiting.until(`${driver.kind} is verified to be off`, async () => {
    return (await driver.verify([fault], waiting.attempt()))[0] === 'absent';
  });
  const left = (await Array.fromAsync(driver.leftovers())).map((one) => one.fault.id);
  assert.ok(!left.includes(fault.id), `a sweep would still find it${detail === '' ? '' : `: ${detail}`}`);
}

function wordsOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, ' ').trim();
}

/** A table for people. */
export function tableOf(rows: readonly Row[]): string {
  const cell = (ms: number | undefined): string => (ms === undefined ? '-' : `${(ms / 1_000).toFixed(1)} s`);
  const lines = rows.map(({ fault, of, took, problem }) => [
    ...[fault, of, ...STEPS.map((step) => cell(took[step]))],
    problem ?? 'as promised',
  ]);
  const table = [['fault', 'of', ...STEPS, 'result'], ...lines];
  const widths = table[0]?.map((_, i) => Math.max(...table.map((line) => line[i]?.length ?? 0))) ?? [];
  return table
    .map((line) =>
      line
        .map((text, i) => text.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
