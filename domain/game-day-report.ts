/**
 * The report of a game day: its record and the journals of its runs, folded into what people ask of it.
 *
 * Owns the whole, and what came of each criterion; each figure is its own file's. Pure: the same record gives the same report, whenever it
 * is made. A criterion that nobody answered is unknown, and so not met.
 */
import type { GameDayRecord } from './game-day-events.ts';
import { detectionOf, faultsOf, mayBeOn, restorationOf, summariesOf } from './game-day-faults.ts';
import type { Summaries } from './game-day-faults.ts';
import { gapsOf } from './game-day-gaps.ts';
import { availabilityOf, impactOf } from './game-day-impact.ts';
import { summarySentences } from './game-day-sentences.ts';
import type { ScenarioState } from './game-day-state.ts';
import { dayStory } from './game-day-story.ts';
import type { DayStory } from './game-day-story.ts';
import { GAME_DAY_REPORT_SCHEMA } from './game-day-summary.ts';
import type { CriterionReport, GameDayReport, ReportedScenarioState, ScenarioReport } from './game-day-summary.ts';
import { timelineOf } from './game-day-timeline.ts';
import { describeCriterion } from './game-day-words.ts';
import type { Journal } from './journal.ts';

/** The report of a day, over or not; undefined where the record does not say which day was called. `journals` in any order. */
export function gameDayReport(record: GameDayRecord, journals: Iterable<Journal>): GameDayReport | undefined {
  const story = dayStory(record);
  if (story === undefined) return undefined;
  const summaries = summariesOf(journals);
  const { called, state } = story;
  const { gameDay } = state;
  const scenarios = state.scenarios.map((one, i) => scenarioOf(story, one, i));
  const faults = faultsOf(story, summaries);
  const facts = {
    schema: GAME_DAY_REPORT_SCHEMA,
    day: record.day,
    name: gameDay.name,
    purpose: gameDay.purpose,
    gameDay,
    documentHash: called.documentHash,
    installation: called.installation,
    roles: gameDay.roles,
    calledBy: called.by,
    state: state.phase === 'ended' ? (state.ending ?? 'interrupted') : state.phase,
    why: state.why ?? null,
    calledAtMs: state.calledAtMs,
    begunAtMs: state.begunAtMs ?? null,
    endedAtMs: state.endedAtMs ?? null,
    lastAtMs: story.lastAtMs,
    stillOn: stillOn(story, summaries),
    criteria: countOf(scenarios.flatMap(({ criteria }) => criteria)),
    scenarios,
    faults,
    detection: detectionOf(faults),
    restoration: restorationOf(faults),
    availability: availabilityOf(story),
    impact: impactOf(story),
    gaps: gapsOf(story, summaries),
    findings: story.findings,
    actions: story.actions,
    alerts: story.firings,
    timeline: timelineOf(record.events, story, summaries),
    missing: missingOf(story, summaries),
    baseline: state.baseline,
    series: story.series,
  } satisfies Omit<GameDayReport, 'summary'>;
  return { ...facts, summary: summarySentences(facts) };
}

function scenarioOf({ state }: DayStory, one: ScenarioState, scenario: number): ScenarioReport {
  const asked = state.gameDay.scenarios[scenario];
  const reported = reportedState(one, state.phase === 'ended');
  return {
    scenario,
    name: asked?.name ?? `scenario ${scenario + 1}`,
    expected: asked?.expected ?? '',
    state: reported,
    why: one.why ?? null,
    begunAtMs: one.begunAtMs ?? null,
    endedAtMs: one.endedAtMs ?? (one.begunAtMs === undefined ? null : (state.endedAtMs ?? null)),
    criteria: (asked?.criteria ?? []).map((criterion, i): CriterionReport => {
      const found = one.criteria[i];
      const { name, kind } = criterion;
      return {
        name,
        kind,
        asked: describeCriterion(criterion),
        verdict: found?.verdict ?? 'unknown',
        evidence: found?.evidence ?? UNANSWERED[reported],
        by: found?.by ?? null,
        atMs: found?.atMs ?? null,
      };
    }),
    runs: one.runs.map(({ run }) => run),
    steps: one.steps.map(({ step, askedAtMs, tookMs = null, by = null }) => ({ step, askedAtMs, tookMs, by })),
  };
}

/** How a scenario of a day that is over, or not, is told. */
export function reportedState({ phase, ending, begunAtMs }: ScenarioState, over: boolean): ReportedScenarioState {
  if (ending !== undefined) return ending;
  if (phase !== 'ended' && !over) return phase;
  return begunAtMs === undefined ? 'never-begun' : 'unfinished';
}

/** Why a criterion has no answer. */
const UNANSWERED: Readonly<Record<ReportedScenarioState, string>> = {
  ahead: 'not yet: the scenario has not begun',
  due: 'not yet: the scenario has not begun',
  running: 'not yet: the scenario is running',
  done: 'nobody answered',
  skipped: 'not put to the test: the scenario was skipped',
  'timed-out': 'nobody answered in time',
  aborted: 'nobody answered before the scenario was aborted',
  unfinished: 'nobody answered before the day ended',
  'never-begun': 'not put to the test: the scenario did not begin',
};

function countOf(criteria: readonly CriterionReport[]): GameDayReport['criteria'] {
  const count = (which: CriterionReport['verdict']): number =>
    criteria.filter(({ verdict }) => verdict === which).length;
  return { met: count('met'), missed: count('missed'), unknown: count('unknown'), of: criteria.length };
}

/** A run that goes on may have its fault on; one that is stuck or over may not. */
function stillOn({ runs, state }: DayStory, summaries: Summaries): readonly string[] {
  return runs.flatMap(({ run, status }) => {
    const summary = summaries.get(run);
    if (summary === undefined || !mayBeOn(summary)) return [];
    const stuck = summary.phase === 'stuck' || summary.stages.some((stage) => stage.stuck !== null);
    return stuck || !summary.open || status !== null || state.phase === 'ended' ? [run] : [];
  });
}

function missingOf({ runs }: DayStory, summaries: Summaries): readonly string[] {
  return runs
    .filter(({ run }) => !summaries.has(run))
    .map(
      ({ run }) =>
        `the journal of ${run} is not here, or cannot be read, so nobody knows when its fault began and who told of it`,
    );
}
