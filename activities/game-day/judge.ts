/**
 * Judging a scenario's criteria by the day's record and its latest samples.
 *
 * Owns the looking until nothing can change a verdict any more. The rules are `domain/criteria.ts`'s.
 */
import type { Client } from '@temporalio/client';
import { judgeAlert, judgeMeasured } from '../../domain/criteria.ts';
import type { Finding, ScenarioTime } from '../../domain/criteria.ts';
import type { GameDayEvent } from '../../domain/game-day-events.ts';
import { dayStateOf } from '../../domain/game-day-state.ts';
import type { DayState } from '../../domain/game-day-state.ts';
import type { SeriesByProbe } from '../../domain/probe.ts';
import { mergeAll } from '../../domain/samples.ts';
import type { DayStore } from '../journal/store.ts';
import { ticks } from '../watch.ts';
import type { FoundCriterion, JudgeDayInput } from './interface.ts';
import { heardWithin } from './looks.ts';
import { liveSamples } from './live-samples.ts';

/** Time between two looks, in milliseconds. */
const LOOK_MS = 2_000;

/** Whom it works with. */
interface Judge {
  readonly days: DayStore;
  readonly client: Client;
  readonly execution: string;
  readonly signal: AbortSignal;
}

/** Resolves once all is settled, or at once; rejects when `signal` aborts, or the record cannot be read. */
export async function judgeDay(judge: Judge, input: JudgeDayInput): Promise<readonly FoundCriterion[]> {
  const { days, client, execution, signal } = judge;
  for await (const nowMs of ticks(LOOK_MS, signal)) {
    // First what is live: what leaves it meanwhile is in the record by then.
    const live = await liveSamples(client, input.day, execution).catch(() => ({ series: {} }));
    const { events = [] } = (await days.read(input.day)) ?? {};
    const { asOf } = input;
    const state = dayStateOf(events);
    const everyMs = state?.gameDay.sampleEveryMs ?? 0;
    const heardWithinMs = asOf === undefined ? heardWithin(everyMs) : 0;
    const time = { fromMs: input.fromMs, toMs: asOf?.toMs ?? nowMs, cut: input.cut, everyMs, heardWithinMs };
    const found = input.criteria.map((at) => ({
      at,
      ...findingOf(state, events, live.series, input.scenario, at, time),
    }));
    if (asOf === undefined && found.some(({ settled }) => !settled)) continue;
    return found.map(({ at, verdict, evidence }) => ({ criterion: at, verdict, evidence }));
  }
  throw signal.reason;
}

function findingOf(
  state: DayState | undefined,
  events: readonly GameDayEvent[],
  live: SeriesByProbe,
  scenario: number,
  at: number,
  time: ScenarioTime,
): Finding {
  const criterion = state?.gameDay.scenarios[scenario]?.criteria[at];
  if (criterion?.kind === 'alert') return judgeAlert(criterion, events, time);
  if (criterion?.kind !== 'measured')
    return { verdict: 'unknown', evidence: 'the record does not say what it is', settled: true };
  const { probe } = criterion;
  const pieces = events.flatMap((event) => (event.type === 'samples' ? [only(event.series, probe)] : []));
  const kept = mergeAll([only(live, probe), ...pieces]);
  return judgeMeasured(criterion, kept[probe], state?.baseline[probe], time);
}

function only(series: SeriesByProbe, probe: string): SeriesByProbe {
  const found = Object.hasOwn(series, probe) ? series[probe] : undefined;
  return found === undefined ? {} : { [probe]: found };
}
