/**
 * Gaps: what was missing on a game day, found without being told.
 *
 * Owns three rules (`docs/game-days.md`). Monitoring: a breach, and no alert. Runbooks: people were left alone with it. Automation: people
 * did by hand what a machine could. Must never take "nobody looked" for "there was none".
 */
import type { Criterion, CriterionKind } from './game-day.ts';
import type { Summaries } from './game-day-faults.ts';
import type { JudgedCriterion, ScenarioState } from './game-day-state.ts';
import { scenarioAt } from './game-day-story.ts';
import type { DayStory } from './game-day-story.ts';
import type { Gap } from './game-day-summary.ts';
import { describeLeft } from './steady-state.ts';
import { formatDuration } from './units.ts';

/** Every gap, in the order of time within its kind. */
export function gapsOf(story: DayStory, summaries: Summaries): readonly Gap[] {
  const monitoring = [...unalerted(story, summaries), ...missedAlerts(story)];
  return [monitoring, runbooks(story), automation(story)].flatMap((gaps) => gaps.toSorted((a, b) => a.atMs - b.atMs));
}

/** A probe that was out of its bounds. */
interface Breach {
  readonly scenario: number | null;
  readonly probe: string;
  readonly atMs: number;
  readonly evidence: string;
}

function unalerted(story: DayStory, summaries: Summaries): readonly Gap[] {
  const looked =
    story.looked || criteriaOf(story, 'alert').some(({ found }) => (found?.verdict ?? 'unknown') !== 'unknown');
  const how = looked ? 'no alert fired' : 'nobody could tell whether an alert fired';
  return breachesOf(story, summaries)
    .filter((breach) => !alerted(story, breach))
    .map(({ scenario, atMs, evidence }) => ({
      kind: 'monitoring',
      scenario,
      atMs,
      words: `${evidence}, and ${how}`,
    }));
}

/** The first of each probe in each scenario: by the day's rules, its runs' conditions, its criteria and the steady state, in this order. */
function breachesOf(story: DayStory, summaries: Summaries): readonly Breach[] {
  const ofDay = story.edges.map((edge) => ({ ...edge, scenario: scenarioAt(story, edge.atMs) }));
  const ofRuns = story.runs.flatMap(({ run, scenario }) =>
    (summaries.get(run)?.edges ?? []).map((edge) => ({ ...edge, scenario })),
  );
  const edges = [...ofDay, ...ofRuns]
    .filter(({ edge }) => edge !== 'breach-ends')
    .toSorted((a, b) => a.atMs - b.atMs)
    .map(({ scenario, probe, atMs, evidence }) => ({ scenario, probe, atMs, evidence }));
  const first = new Map<string, Breach>();
  for (const breach of [...edges, ...missedReadings(story), ...leftStates(story, summaries)]) {
    const key = JSON.stringify([breach.scenario, breach.probe]);
    if (!first.has(key)) first.set(key, breach);
  }
  return [...first.values()];
}

function missedReadings(story: DayStory): readonly Breach[] {
  return criteriaOf(story, 'measured').flatMap(({ scenario, criterion: { name, probe }, found }) =>
    found?.verdict === 'missed' ? [{ scenario, probe, atMs: found.atMs, evidence: `${name}: ${found.evidence}` }] : [],
  );
}

function leftStates(story: DayStory, summaries: Summaries): readonly Breach[] {
  return story.runs.flatMap(({ run, scenario }) => {
    const { steadyState, startedAtMs = 0, stages = [] } = summaries.get(run) ?? {};
    const beganAtMs = stages.find(({ openedAtMs }) => openedAtMs !== null)?.openedAtMs;
    return (steadyState?.during?.readings ?? [])
      .filter(({ held }) => !held)
      .map((reading) => ({
        scenario,
        probe: reading.probe,
        atMs: beganAtMs ?? startedAtMs,
        evidence: describeLeft([reading], 'was'),
      }));
  });
}

/**
 * Whether an alert began to fire in the breach's scenario; between scenarios, from the breach to the next scenario. Which alert is about
 * which probe nobody says, so any counts.
 */
function alerted({ firings, spans }: DayStory, { scenario, atMs }: Breach): boolean {
  const there = scenario === null ? null : spans[scenario];
  const nextMs = Math.min(...spans.flatMap((span) => (span !== null && span.fromMs > atMs ? [span.fromMs] : [])));
  const fromMs = Math.min(atMs, there?.fromMs ?? atMs);
  const toMs = there ? Math.max(atMs, there.toMs) : nextMs;
  return firings.some((one) => one.atMs >= fromMs && one.atMs <= toMs);
}

function missedAlerts(story: DayStory): readonly Gap[] {
  return criteriaOf(story, 'alert').flatMap(({ scenario, criterion: { name }, found }): Gap[] => {
    if (found === null || found.verdict === 'met') return [];
    const words = `${name}: ${found.verdict === 'missed' ? '' : 'nobody could tell: '}${found.evidence}`;
    return [{ kind: 'monitoring', scenario, atMs: found.atMs, words }];
  });
}

/** What says that a runbook is meant. */
const RUNBOOK = /\b(?:run|play)[- ]?books?\b/i;

function runbooks(story: DayStory): readonly Gap[] {
  const kind = 'runbook';
  const ofScenarios = story.state.scenarios.flatMap((state, scenario): Gap[] => {
    const atMs = state.endedAtMs ?? story.state.endedAtMs;
    if (state.begunAtMs === undefined || atMs === undefined) return [];
    return leftAlone(story, state, scenario).map((words) => ({ kind, scenario, atMs, words }));
  });
  const ofPeople = [...story.notes, ...story.findings]
    .filter(({ text }) => RUNBOOK.test(text))
    .map(({ text, by, atMs }): Gap => ({ kind, scenario: scenarioAt(story, atMs), atMs, words: `${by}: ${text}` }));
  return [...ofScenarios, ...ofPeople];
}

/** How people were left alone in a scenario that is over, in words. */
function leftAlone({ state: { gameDay } }: DayStory, state: ScenarioState, scenario: number): readonly string[] {
  const { criteria = [], expected = '' } = gameDay.scenarios[scenario] ?? {};
  const unmet = (found: JudgedCriterion | null | undefined): boolean => found?.verdict !== 'met';
  return [
    ...(state.ending === 'timed-out' ? [`it ran out of time: ${state.why ?? ''}`] : []),
    ...(criteria.length > 0 && state.criteria.every(unmet)
      ? [`nothing came true of what was expected: ${expected}`]
      : []),
    ...criteria.flatMap(({ kind, name }, i) => {
      const found = state.criteria[i];
      return kind === 'judged' && unmet(found) ? [`${name}: ${found?.evidence ?? 'nobody answered'}`] : [];
    }),
    ...state.steps
      .filter(({ tookMs }) => tookMs === undefined)
      .map(({ step }) => `nobody said that this was done: ${step}`),
  ];
}

function automation({ state }: DayStory): readonly Gap[] {
  return state.scenarios.flatMap(({ steps }, scenario) =>
    steps.map(({ step, tookMs, by = 'somebody', askedAtMs }): Gap => {
      const took = tookMs === undefined ? 'nobody said that it was done' : `it took ${by} ${formatDuration(tookMs)}`;
      return { kind: 'automation', scenario, atMs: askedAtMs, words: `by hand: ${step}; ${took}` };
    }),
  );
}

/** A criterion of one kind, in a scenario that has begun, and what was found of it. */
interface Put<K extends CriterionKind> {
  readonly scenario: number;
  readonly criterion: Extract<Criterion, { kind: K }>;
  readonly found: JudgedCriterion | null;
}

function criteriaOf<K extends CriterionKind>({ state }: DayStory, kind: K): readonly Put<K>[] {
  return state.scenarios.flatMap(({ begunAtMs, criteria }, scenario) =>
    begunAtMs === undefined
      ? []
      : (state.gameDay.scenarios[scenario]?.criteria ?? []).flatMap((criterion, i) =>
          isOf(criterion, kind) ? [{ scenario, criterion, found: criteria[i] ?? null }] : [],
        ),
  );
}

function isOf<K extends CriterionKind>(criterion: Criterion, kind: K): criterion is Extract<Criterion, { kind: K }> {
  return criterion.kind === kind;
}
