/**
 * Coverage: which service has borne which class of faults, and how long ago.
 *
 * Owns the grid of services and fault classes. A failure is not hidden by a success elsewhere: of the last run in production and
 * the last one anywhere else, the worse is shown. Pure.
 */
import { COUNTED_CLASSES } from './fault-class.ts';
import type { FaultClass } from './fault-class.ts';
import type { Evidence, RunEvidence } from './maturity-evidence.ts';

const DAY_MS = 86_400_000;

/** How long a run proves something, in milliseconds: a quarter. By then a system has other versions, dependencies and people. */
export const FRESH_MS = 90 * DAY_MS;

/** What is known of one service and one class of faults. `stale`: it was tried, but too long ago. */
export type CellState = 'never' | 'failed' | 'passed' | 'stale';

/** One cell, and the run that decides it; none where it was never tried. */
export interface Cell {
  readonly faultClass: FaultClass;
  readonly state: CellState;
  readonly run?: string;
  /** When that run ended, in milliseconds since the Unix epoch. */
  readonly atMs?: number;
  readonly held?: boolean;
  readonly production?: boolean;
}

/** All that is known of one service. */
export interface CoverageRow {
  /** Null: of runs whose targets are of no single service. */
  readonly service: string | null;
  readonly cells: readonly Cell[];
}

/** Every service that is known, in order. Other classes than those that count have a column where there is a run of them. */
export function coverageOf(evidence: Evidence): readonly CoverageRow[] {
  const { runs } = evidence;
  const classes: FaultClass[] = [
    ...COUNTED_CLASSES,
    ...(runs.some(({ faultClass }) => faultClass === 'other') ? (['other'] as const) : []),
  ];
  const row = (service: string | null, of: readonly RunEvidence[]): CoverageRow => ({
    service,
    cells: classes.map((faultClass) =>
      cellOf(
        faultClass,
        of.filter((run) => run.faultClass === faultClass),
        evidence,
      ),
    ),
  });
  const rows = servicesIn(evidence).map((service) =>
    row(
      service,
      runs.filter(({ services }) => services.includes(service)),
    ),
  );
  const others = runs.filter(({ services }) => services.length === 0);
  return others.length === 0 ? rows : [...rows, row(null, others)];
}

/** Every service that a run was about, or that is known otherwise. */
export function servicesIn({ runs, services }: Evidence): readonly string[] {
  return [...new Set([...services, ...runs.flatMap((run) => run.services)])].toSorted();
}

/** The classes that count of which these runs have a fresh one in production. */
export function testedClasses(runs: readonly RunEvidence[], { nowMs, productionSites }: Evidence): FaultClass[] {
  const tested = new Set(
    runs
      .filter(({ endedAtMs, site }) => nowMs - endedAtMs <= FRESH_MS && productionSites.includes(site))
      .map(({ faultClass }) => faultClass),
  );
  return COUNTED_CLASSES.filter((faultClass) => tested.has(faultClass));
}

function cellOf(faultClass: FaultClass, runs: readonly RunEvidence[], { nowMs, productionSites }: Evidence): Cell {
  const isProduction = ({ site }: RunEvidence): boolean => productionSites.includes(site);
  // Of each experiment the last: another one that held says nothing of a weakness that one has found.
  const each = Map.groupBy(runs, (run) => JSON.stringify([isProduction(run), run.experiment])).values();
  const lasts = [...each].flatMap((of) => latest(of) ?? []);
  const fresh = lasts.filter(({ endedAtMs }) => nowMs - endedAtMs <= FRESH_MS);
  const failed = latest(fresh.filter(({ held }) => !held));
  const decisive = failed ?? latest(fresh) ?? latest(lasts);
  if (decisive === undefined) return { faultClass, state: 'never' };
  const { run, endedAtMs, held } = decisive;
  const state = fresh.length === 0 ? 'stale' : failed ? 'failed' : 'passed';
  return { faultClass, state, run, atMs: endedAtMs, held, production: isProduction(decisive) };
}

/** The run that ended last. */
export function latest(runs: readonly RunEvidence[]): RunEvidence | undefined {
  return runs.toSorted((a, b) => b.endedAtMs - a.endedAtMs)[0];
}
