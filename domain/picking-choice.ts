/**
 * The choice: which experiment of a pool a tick runs, and why that one.
 *
 * Owns who is passed over, and the pickers that learn nothing; the one that does is in `picking-evidence.ts`. Pure: the same journals, pool, time and
 * seed choose the same, and there is no other state that could be lost.
 */
import { byPlace, rounded } from './picking.ts';
import type { Choice, Choosing, PassedOver, PastRun, Picker, Ranked } from './picking.ts';
import { rankByEvidence } from './picking-evidence.ts';
import { stepOf } from './radius.ts';
import { randomFrom } from './random.ts';

/** The most of a ranking, and of those who were passed over, that is kept: it travels with the run. */
const RANKED_MAX = 20;

/** Chooses. Whoever has deviated, and was not acknowledged, waits. */
export function choose(choosing: Choosing): Choice {
  const { pick, seed, pool, past, nowMs, everyMs } = choosing;
  const findings = unacknowledged(past);
  const open = pool.flatMap(({ experiment }, i) => (findings.has(experiment) ? [] : [i]));
  const ranking = RANKINGS[pick](choosing, open);
  const passedOver = pool.flatMap(({ experiment }) => {
    const finding = findings.get(experiment);
    return finding === undefined ? [] : [{ experiment, ...finding }];
  });
  return {
    pick,
    seed,
    ranking: ranking.slice(0, RANKED_MAX).map((ranked) => withRadius(ranked, choosing)),
    passedOver: passedOver.slice(0, RANKED_MAX),
    of: ranking.length,
    atMs: nowMs,
    everyMs,
  };
}

function withRadius(ranked: Ranked, { pool, past }: Choosing): Ranked {
  const candidate = pool[ranked.pooled];
  const radius = candidate && stepOf(candidate, past);
  return radius === undefined ? ranked : { ...ranked, radius };
}

/** By experiment the latest run that deviated which nobody has acknowledged. Another one that held, or was acknowledged, lifts nothing. */
function unacknowledged(past: readonly PastRun[]): ReadonlyMap<string, Omit<PassedOver, 'experiment'>> {
  const findings = new Map<string, Omit<PassedOver, 'experiment'>>();
  for (const { experiment, run, deviated, acknowledged, unread } of past)
    if (deviated === true && acknowledged !== true)
      findings.set(experiment, { finding: run, ...(unread === undefined ? {} : { unread }) });
  return findings;
}

const RANKINGS: Readonly<Record<Picker, (choosing: Choosing, open: readonly number[]) => readonly Ranked[]>> = {
  evidence: rankByEvidence,
  random: rankByChance,
  'round-robin': rankByTurn,
};

/** Every place is drawn: where the first may not begin, the second is asked. */
function rankByChance({ seed, pool }: Choosing, open: readonly number[]): readonly Ranked[] {
  const random = randomFrom(seed);
  const left = [...open];
  const drawn: number[] = [];
  while (left.length > 0) drawn.push(...left.splice(Math.floor(random() * left.length), 1));
  return drawn.map((pooled) => ({ pooled, experiment: pool[pooled]?.experiment ?? '', reasons: {} }));
}

/** Whoever waits longest; those that nobody has tried yet first, in the order of the pool. */
function rankByTurn({ pool, past, nowMs, everyMs }: Choosing, open: readonly number[]): readonly Ranked[] {
  const lastMs = new Map(past.map(({ experiment, atMs }) => [experiment, atMs]));
  return open
    .map((pooled): Ranked => {
      const { experiment = '' } = pool[pooled] ?? {};
      const last = lastMs.get(experiment);
      if (last === undefined) return { pooled, experiment, untested: true, reasons: {} };
      const score = rounded((nowMs - last) / everyMs);
      return { pooled, experiment, score, reasons: { waited: score } };
    })
    .toSorted(byPlace);
}
