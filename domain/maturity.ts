/**
 * Maturity: at which of five levels chaos is practised, judged from evidence.
 *
 * Owns the levels and how they stand upon each other; what proves each is a rule of its own. Evidence that has grown old lowers a
 * level again. Pure; must never take anything for proof that nobody did: there is no way to claim a level.
 */
import { coverageOf, servicesIn } from './maturity-coverage.ts';
import type { CoverageRow } from './maturity-coverage.ts';
import type { Evidence } from './maturity-evidence.ts';
import { RULES } from './maturity-rules.ts';

/** Names of the levels, from none to the highest. */
export const LEVELS = [
  'Not Begun',
  'In Development',
  'Ad Hoc Production',
  'Automated Regular',
  'Continuous Minimal',
  'Continuous Scaled',
] as const;

/** Runs that are named as proof of one level. */
const NAMED_MAX = 5;
/** How much later than now a run may have ended, in milliseconds: clocks differ. What is later proves nothing. */
const AHEAD_MS = 600_000;

/** One level, and whether it is proved. */
export interface Rung {
  readonly level: number;
  readonly name: string;
  /** `unknown`: what it takes could not be asked for. */
  readonly state: 'proved' | 'missing' | 'unknown';
  /** What proves it, as far as it is proved. */
  readonly proof: readonly string[];
  /** The runs that do, latest first. */
  readonly runs: readonly string[];
  readonly missing: readonly string[];
  /** What to do about it. */
  readonly next: readonly string[];
}

/** Where the whole, or one service, stands. */
export interface Assessment {
  /** Null: the whole. */
  readonly service: string | null;
  /** From 0 to 5. */
  readonly level: number;
  readonly name: string;
  readonly rungs: readonly Rung[];
}

/** Where everything stands. */
export interface Maturity {
  readonly whole: Assessment;
  readonly services: readonly Assessment[];
  readonly coverage: readonly CoverageRow[];
}

/** Judges the evidence. */
export function maturityOf(found: Evidence): Maturity {
  const evidence = { ...found, runs: found.runs.filter(({ endedAtMs }) => endedAtMs <= found.nowMs + AHEAD_MS) };
  const services = servicesIn(evidence);
  return {
    whole: assess(evidence, null),
    services: services.map((service) => assess(evidence, service)),
    coverage: coverageOf(evidence),
  };
}

/** The rung that stands between an assessment and the next level; undefined at the highest. */
export function nextRung({ level, rungs }: Assessment): Rung | undefined {
  return rungs.find((rung) => rung.level === level + 1);
}

function assess(evidence: Evidence, service: string | null): Assessment {
  const runs = service === null ? evidence.runs : evidence.runs.filter(({ services }) => services.includes(service));
  const rungs = RULES.map((rule, i): Rung => {
    const { proof, missing, next, runs: by, unknown } = rule(evidence, runs, service);
    const state = missing.length === 0 ? 'proved' : unknown ? 'unknown' : 'missing';
    const named = (proof.length === 0 ? [] : by).toSorted((a, b) => b.endedAtMs - a.endedAtMs).slice(0, NAMED_MAX);
    return {
      level: i + 1,
      name: LEVELS[i + 1] ?? '',
      state,
      proof,
      runs: named.map(({ run }) => run),
      missing,
      next: state === 'proved' ? [] : next,
    };
  });
  const first = rungs.findIndex(({ state }) => state !== 'proved');
  const level = first < 0 ? rungs.length : first;
  return { service, level, name: LEVELS[level] ?? '', rungs };
}
