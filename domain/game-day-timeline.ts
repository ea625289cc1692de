/**
 * The timeline of a game day: what happened, line by line.
 *
 * Owns the words of each event, and which events of the runs belong among them: when a fault came, went, and was got over.
 */
import type { GameDayEvent } from './game-day-events.ts';
import type { GameDay } from './game-day.ts';
import type { Summaries } from './game-day-faults.ts';
import { scenarioAt } from './game-day-story.ts';
import type { DayStory } from './game-day-story.ts';
import type { TimelineLine } from './game-day-summary.ts';
import type { RunSummary } from './run-summary.ts';
import { formatDuration } from './units.ts';

/** What is said of an event. */
interface Said {
  readonly what: string;
  readonly words: string;
  readonly loud?: boolean;
}

/** Every line, in the order of time. */
export function timelineOf(
  events: readonly GameDayEvent[],
  story: DayStory,
  summaries: Summaries,
): readonly TimelineLine[] {
  const { gameDay } = story.state;
  const ofDay = events.flatMap((event): TimelineLine[] => {
    const said = saidOf(event, gameDay);
    if (said === null) return [];
    const scenario = ('scenario' in event ? event.scenario : undefined) ?? scenarioAt(story, event.atMs);
    return [{ loud: false, ...said, atMs: event.atMs, scenario }];
  });
  const ofRuns = story.runs.flatMap(({ run, scenario }) => {
    const summary = summaries.get(run);
    return summary ? runLines(summary).map((line) => ({ loud: false, ...line, scenario })) : [];
  });
  return [...ofDay, ...ofRuns].toSorted((a, b) => a.atMs - b.atMs);
}

/** Exhaustive: a new type of event does not compile until it has a line or is said to need none. */
function saidOf(event: GameDayEvent, gameDay: GameDay): Said | null {
  switch (event.type) {
    case 'called':
      return { what: 'called', words: `by ${event.by}; the commander is ${event.gameDay.roles.commander}` };
    case 'begun':
      return { what: 'begun', words: `by ${event.by}` };
    case 'baseline':
      return { what: 'baseline', words: `of ${Object.keys(event.readings).join(', ') || 'no probe'}` };
    case 'paused':
      return { what: 'paused', words: `by ${event.by}: ${event.why}` };
    case 'resumed':
      return { what: 'resumed', words: `by ${event.by}` };
    case 'extended':
      return { what: 'extended', words: `by ${formatDuration(event.byMs)}, by ${event.by}` };
    case 'note':
      return { what: 'note', words: `${event.by}: ${event.text}` };
    case 'finding':
      return { what: 'finding', words: `${event.by}: ${event.text}` };
    case 'action':
      return { what: 'action', words: `${event.text}, for ${event.owner}; said by ${event.by}` };
    case 'edge':
      return { what: EDGES[event.edge], words: event.evidence, loud: event.edge === 'breach-begins' };
    case 'alert':
      if (event.firing === null)
        return { what: 'alert unknown', words: `nobody could tell whether ${event.alert} fires` };
      return { what: event.firing ? 'alert fires' : 'alert is silent', words: event.alert };
    case 'alerts':
      return event.readable ? null : { what: 'alerts unknown', words: 'no Alertmanager can be asked' };
    case 'day-ended':
      return { what: event.ending, words: because(event), loud: event.ending !== 'completed' };
    case 'samples':
      return null;
    default:
      return inScenario(event, gameDay);
  }
}

type OfScenario = Extract<GameDayEvent, { scenario: number }>;

function inScenario(event: OfScenario, { scenarios }: GameDay): Said {
  const asked = scenarios[event.scenario];
  const name = asked?.name ?? `scenario ${event.scenario + 1}`;
  switch (event.type) {
    case 'scenario-due':
      return { what: 'due', words: name };
    case 'scenario-begun':
      return { what: 'scenario begins', words: `${name}${event.by === undefined ? '' : `, approved by ${event.by}`}` };
    case 'scenario-ended':
      return {
        what: `scenario ${event.ending}`,
        words: `${name}: ${because(event)}`,
        loud: event.ending === 'timed-out',
      };
    case 'run':
      return { what: 'run begins', words: `${event.experiment}: ${event.run}` };
    case 'run-ended':
      return {
        what: 'run over',
        words: `${event.run}: ${event.status}, ${event.reason}`,
        loud: event.deviated === true,
      };
    case 'step-asked':
      return { what: 'step asked', words: event.step };
    case 'step-done':
      return { what: 'step done', words: `${event.step}, by ${event.by}, in ${formatDuration(event.tookMs)}` };
    case 'criterion': {
      const criterion = asked?.criteria[event.criterion]?.name ?? `criterion ${event.criterion + 1}`;
      const by = event.by === undefined ? '' : `, by ${event.by}`;
      return {
        what: `criterion ${event.verdict}`,
        words: `${criterion}: ${event.evidence}${by}`,
        loud: event.verdict === 'missed',
      };
    }
  }
}

const EDGES = { 'breach-begins': 'breach begins', 'breach-ends': 'breach ends', 'no-data': 'no data' } as const;

function because({ why, by }: { readonly why: string; readonly by?: string }): string {
  return `${why}${by === undefined ? '' : `, by ${by}`}`;
}

function runLines({ run, stages, started, edges, aborts, recovery }: RunSummary): readonly (Said & { atMs: number })[] {
  const opened = stages.flatMap(({ openedAtMs, size, targets }) =>
    openedAtMs === null
      ? []
      : [
          {
            atMs: openedAtMs,
            what: 'fault on',
            words: `${started?.experiment.fault ?? 'a fault'}, ${size}: ${targets.length} more; ${run}`,
          },
        ],
  );
  const reverted = stages.flatMap(({ revertedAtMs, size }) =>
    revertedAtMs === null
      ? []
      : [{ atMs: revertedAtMs, what: 'fault gone', words: `${size}, its absence verified; ${run}` }],
  );
  const breaches = edges.map(({ atMs, edge, evidence }) => ({ atMs, what: EDGES[edge], words: `${evidence}; ${run}` }));
  const ended = aborts.map(({ atMs, mode, evidence }) => ({
    atMs,
    what: `abort, ${mode}`,
    words: `${evidence}; ${run}`,
    loud: true,
  }));
  const back =
    recovery?.recovered === true && recovery.toMs !== null
      ? [
          {
            atMs: recovery.toMs,
            what: 'recovered',
            words: `the steady state was back after ${formatDuration(recovery.tookMs ?? 0)}; ${run}`,
          },
        ]
      : recovery?.recovered === false
        ? [
            {
              atMs: recovery.toMs ?? recovery.fromMs,
              what: 'not recovered',
              words: `the steady state did not return in time; ${run}`,
              loud: true,
            },
          ]
        : [];
  return [...opened, ...reverted, ...breaches, ...ended, ...back];
}
