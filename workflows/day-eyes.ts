/**
 * The eyes of a game day: its baseline, its own rules, and whoever takes its samples to its record.
 *
 * Owns what ends the day when it is seen, or when nobody sees any more. None of the samples goes through here but the few that come with
 * an edge.
 */
import { CancellationScope } from '@temporalio/workflow';
import { probesOf } from '../domain/game-day-bounds.ts';
import type { Abort } from '../domain/run.ts';
import { BASELINE_SAMPLES, dayWatchTiming } from '../domain/timing.ts';
import { formatDuration } from '../domain/units.ts';
import { why } from './blindness.ts';
import type { Day } from './day.ts';
import { attendingDay, readingAt } from './game-day-proxies.ts';
import { Watching } from './watching.ts';
import type { WatchLog } from './watching.ts';

/** How many samples of each probe go with a heartbeat: whoever takes them to the record may be away for so long. */
const KEPT_SAMPLES = 24;

/**
 * How much a site's clock may differ from Temporal's, in milliseconds: its samples are laid beside the day's own times. Behind it seems by the
 * time that its answer took.
 */
const AHEAD_MS = 5_000;
const BEHIND_MS = 30_000;

export class DayEyes {
  readonly #day: Day;
  readonly #attended = new CancellationScope();
  #watching: Watching | undefined;

  constructor(day: Day) {
    this.#day = day;
  }

  /** Takes the baseline, and looks from then on. A day that nobody can look at ends. */
  async open(): Promise<void> {
    const day = this.#day;
    const { gameDay } = day;
    const { site, sampleEveryMs: everyMs, abortOn } = gameDay;
    const probes = [...new Set(probesOf(gameDay).map(({ probe }) => probe))];
    const alerts = gameDay.scenarios.flatMap(({ criteria }) =>
      criteria.flatMap((criterion) => (criterion.kind === 'alert' ? [criterion.alert] : [])),
    );
    try {
      const { baseline, atMs } = await readingAt(site, BASELINE_SAMPLES * everyMs).readProbes.executeWithOptions(
        { summary: `baseline at ${site}` },
        [{ probes, samples: BASELINE_SAMPLES, everyMs }],
      );
      const wrong = clockOf(site, atMs - Date.now());
      if (wrong !== undefined) return day.end({ ending: 'aborted', why: wrong });
      if (day.ending !== undefined) return;
      day.add({ type: 'baseline', readings: baseline });
    } catch (failure) {
      return day.end({ ending: 'aborted', why: `no baseline at site ${site}: ${why(failure)}` });
    }
    day.log.writeSoon();
    const watched = {
      fault: 'game-day',
      targets: { site, selector: {} },
      stopConditions: abortOn,
      steadyState: [],
      sampleEveryMs: everyMs,
    };
    const beside = { also: probes, keepMs: KEPT_SAMPLES * everyMs };
    const timing = dayWatchTiming(everyMs);
    this.#watching = new Watching(
      watched,
      day.state.baseline,
      timing,
      this.#log(),
      (abort) => this.#seen(abort),
      beside,
    );
    this.#watching.start();
    this.#attended
      .run(() =>
        attendingDay().attendDay.executeWithOptions({ summary: 'samples to the record' }, [
          { day: day.id, everyMs, alerts: [...new Set(alerts)] },
        ]),
      )
      .catch(() => undefined);
  }

  async close(): Promise<void> {
    await this.#watching?.stop();
    this.#attended.cancel();
  }

  #seen({ cause, evidence, mode }: Abort): void {
    if (cause === 'reset') this.#day.wasReset();
    else this.#day.end({ ending: 'aborted', why: evidence, mode });
  }

  #log(): WatchLog {
    const day = this.#day;
    return {
      add(entry) {
        if (entry.type === 'samples') day.add({ type: 'samples', series: entry.series });
        if (entry.type === 'edge') {
          const { edge, probe, evidence } = entry;
          day.add({ type: 'edge', edge, probe, evidence });
          day.log.writeSoon();
        }
      },
    };
  }
}

/** What is wrong with a site's clock that is so far ahead of Temporal's; undefined where nothing is. */
function clockOf(site: string, aheadMs: number): string | undefined {
  if (!(aheadMs > AHEAD_MS || aheadMs < -BEHIND_MS)) return undefined;
  const words = aheadMs > 0 ? 'ahead of' : 'behind';
  return `the clock of site ${site} is ${formatDuration(Math.abs(aheadMs))} ${words} Temporal’s: what it samples cannot be laid beside what is done`;
}
