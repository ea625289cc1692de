/**
 * One picker in one synthetic system, tick by tick, until every weakness is found.
 *
 * Owns what a test of a system shows, which does not depend on who picks: the first test of a suspect shows the same to all. What is found is
 * mended, and acknowledged some ticks later; until then nobody picks that experiment, whoever picks. Pure.
 */
import { choose } from '../../domain/picking-choice.ts';
import type { Candidate, PastRun, Picker } from '../../domain/picking.ts';
import { randomFrom } from '../../domain/random.ts';
import type { System } from './worlds.ts';

const EVERY_MS = 600_000;
/** Ticks from a finding to its acknowledgement. */
const ACKNOWLEDGED_AFTER = 3;
/** Whoever has not found all after so many turns of the pool counts as if then. */
const TURNS_MAX = 40;

/** How many ticks `pick` takes until it has found all of them. */
export function ticksUntilAllFound(system: System, pick: Picker): number {
  const { seed, suspects, weaknesses, changes } = system;
  const found = new Set<number>();
  const tests = suspects.map(() => 0);
  const past: PastRun[] = [];
  const last = TURNS_MAX * suspects.length;
  for (let tick = 0; tick < last; tick++) {
    acknowledge(past, tick);
    const pool = suspects.map(({ name, target, fault }, i): Candidate => {
      const edits = changes.filter(({ suspect, atTick }) => suspect === i && atTick <= tick).length;
      return { experiment: name, target, fault, documentHash: `${edits}` };
    });
    const choosing = { pick, pool, past, nowMs: tick * EVERY_MS, everyMs: EVERY_MS, seed: `${seed} ${tick}` };
    const [chosen] = choose(choosing).ranking;
    if (!chosen) continue;
    const { pooled, experiment } = chosen;
    const nth = (tests[pooled] = (tests[pooled] ?? 0) + 1);
    const shown = weaknesses.flatMap((weakness, i) => {
      const there = weakness.suspect === pooled && weakness.fromTick <= tick && !found.has(i);
      return there && randomFrom(`${seed} ${i} ${nth}`)() < weakness.shows ? [i] : [];
    });
    for (const i of shown) found.add(i);
    const { documentHash = '' } = pool[pooled] ?? {};
    const deviated = shown.length > 0;
    past.push({ run: `${tick}`, experiment, atMs: tick * EVERY_MS, deviated, aborted: deviated, documentHash });
    if (found.size === weaknesses.length) return tick + 1;
  }
  return last;
}

/** What was found some ticks ago is acknowledged now. */
function acknowledge(past: PastRun[], tick: number): void {
  for (const [i, run] of past.entries())
    if (run.deviated === true && run.atMs === (tick - ACKNOWLEDGED_AFTER) * EVERY_MS)
      past[i] = { ...run, acknowledged: true };
}
