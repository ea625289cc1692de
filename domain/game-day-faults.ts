/**
 * The faults of a game day: when each began, who told of it, and when the system was back.
 *
 * Owns what detection and restoration mean (`docs/game-days.md`). A fault that nobody told of has no time to detection, and one that the
 * system did not come back from has none to restoration: neither is ever counted as zero, nor left out of how many there were.
 */
import type { DayStory, StoryRun } from './game-day-story.ts';
import type { Detection, DetectionFigure, FaultReport, MeanFigure } from './game-day-summary.ts';
import type { Window } from './integral.ts';
import type { Journal } from './journal.ts';
import type { RunSummary } from './run-summary.ts';
import { summarise } from './summary.ts';

/** The summaries of a day's runs, by their names. One whose journal is not there has none. */
export type Summaries = ReadonlyMap<string, RunSummary>;

/** Folds the journals of a day's runs. */
export function summariesOf(journals: Iterable<Journal>): Summaries {
  return new Map(Array.from(journals, (journal) => [journal.run, summarise(journal)]));
}

/** Every run of the day, in the order in which they were begun. */
export function faultsOf(story: DayStory, summaries: Summaries): readonly FaultReport[] {
  return story.runs.map((run) => faultOf(run, story, summaries.get(run.run)));
}

/** Over faults that were put on. */
export function detectionOf(faults: readonly FaultReport[]): DetectionFigure {
  const begun = faults.filter(({ beganAtMs }) => beganAtMs !== null);
  const told = begun.flatMap(({ detected }) => (detected === null ? [] : [detected]));
  return {
    ...average(told.map(({ afterMs }) => afterMs)),
    of: begun.length,
    byAlert: told.filter(({ by }) => by === 'alert').length,
    byBreach: told.filter(({ by }) => by === 'breach').length,
  };
}

/** Over faults that were put on; from the beginning only over those that the system did not simply bear. */
export function restorationOf(faults: readonly FaultReport[]): {
  readonly fromBeginning: MeanFigure;
  readonly fromEnd: MeanFigure;
} {
  const begun = faults.filter(({ beganAtMs }) => beganAtMs !== null);
  const hurt = begun.filter(({ left }) => left !== false);
  const some = (times: readonly (number | null)[]): number[] => times.filter((ms) => ms !== null);
  return {
    fromBeginning: { ...average(some(hurt.map(({ fromBeginningMs }) => fromBeginningMs))), of: hurt.length },
    fromEnd: { ...average(some(begun.map(({ fromEndMs }) => fromEndMs))), of: begun.length },
  };
}

/** Whether a fault may still be on, as far as its journal says. */
export function mayBeOn({ stages }: RunSummary): boolean {
  return stages.some(({ lease, revertedAtMs }) => lease !== null && revertedAtMs === null);
}

function faultOf(ran: StoryRun, story: DayStory, summary: RunSummary | undefined): FaultReport {
  const { run, scenario, experiment } = ran;
  const opened = summary?.stages.filter(({ openedAtMs }) => openedAtMs !== null) ?? [];
  const beganAtMs = opened[0]?.openedAtMs ?? null;
  const reverted = opened.flatMap(({ revertedAtMs }) => (revertedAtMs === null ? [] : [revertedAtMs]));
  const recovered = summary?.recovery?.recovered ?? (ran.recoveredMs === undefined ? null : true);
  const recovery = summary?.recovery;
  // Its end is written down once that is proven; it was back before.
  const backAtMs = recovery?.recovered === true && recovery.tookMs !== null ? recovery.fromMs + recovery.tookMs : null;
  const toMs = summary?.endedAtMs ?? ran.endedAtMs ?? story.spans[scenario]?.toMs ?? story.lastAtMs;
  const there = beganAtMs === null ? null : { fromMs: beganAtMs, toMs };
  return {
    scenario,
    run,
    experiment,
    fault: summary?.started?.experiment.fault ?? null,
    status: ran.status ?? summary?.status ?? 'open',
    deviated: ran.deviated ?? summary?.deviated ?? null,
    beganAtMs,
    goneAtMs: opened.length > 0 && reverted.length === opened.length ? Math.max(...reverted) : null,
    detected: there && detectionIn(story, summary, there),
    left: there && leftIn(story, summary, there),
    recovered,
    fromBeginningMs: beganAtMs === null || backAtMs === null ? null : Math.max(0, backAtMs - beganAtMs),
    fromEndMs: recovered === true ? (summary?.recovery?.tookMs ?? ran.recoveredMs ?? null) : null,
  };
}

/** The first alert that fired while the run went on, or else the first breach. */
function detectionIn(
  { firings, edges }: DayStory,
  summary: RunSummary | undefined,
  { fromMs, toMs }: Window,
): Detection | null {
  const within = ({ atMs }: { readonly atMs: number }): boolean => atMs >= fromMs && atMs <= toMs;
  const alert = firings.find(within);
  if (alert) return { by: 'alert', what: alert.alert, afterMs: alert.atMs - fromMs };
  const [breach] = [...edges, ...(summary?.edges ?? [])]
    .filter((one) => one.edge !== 'breach-ends' && within(one))
    .toSorted((a, b) => a.atMs - b.atMs);
  return breach ? { by: 'breach', what: breach.evidence, afterMs: breach.atMs - fromMs } : null;
}

/** A breach is further out than the steady state. */
function leftIn({ edges }: DayStory, summary: RunSummary | undefined, { fromMs, toMs }: Window): boolean | null {
  const breached = [...edges, ...(summary?.edges ?? [])].some(
    ({ edge, atMs }) => edge === 'breach-begins' && atMs >= fromMs && atMs <= toMs,
  );
  const during = summary?.steadyState.during;
  return breached || (during ? !during.held : null);
}

function average(times: readonly number[]): Pick<MeanFigure, 'meanMs' | 'count'> {
  const count = times.length;
  return { meanMs: count === 0 ? null : times.reduce((sum, ms) => sum + ms, 0) / count, count };
}
