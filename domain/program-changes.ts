/**
 * What has changed of a cadence, in the words of its document.
 *
 * Owns those words, and the order in which they are said. Pure.
 */
import { formatCalendarTime } from './calendar-time.ts';
import type { Cadence, Pooled } from './program.ts';
import { describeRadius } from './radius.ts';
import { WAIT_UP_TO_MS } from './safety-gate.ts';
import { formatDuration } from './units.ts';

/** When ticks come. */
export function describeTimes({ everyMs, at }: Pick<Cadence, 'everyMs' | 'at'>): string {
  return at === undefined ? `every ${formatDuration(everyMs)}` : formatCalendarTime(at);
}

/** From `before` to `after`, one change a line; empty where they are the same. */
export function changesOf(before: Cadence, after: Cadence): readonly string[] {
  const waits = ({ waitUpToMs = WAIT_UP_TO_MS }: Cadence): string => `waitUpTo: ${formatDuration(waitUpToMs)}`;
  const reaches = ({ radius }: Cadence): string => `radius: ${radius === undefined ? 'none' : describeRadius(radius)}`;
  const groups = (cadence: Cadence): string => `groups: ${JSON.stringify(cadence.groups) ?? 'none'}`;
  const calls = ({ gameDay }: Cadence): string => `game day: ${gameDay?.gameDay.name ?? 'none'}`;
  const words = [
    [describeTimes(before), describeTimes(after)],
    [`pick: ${before.pick}`, `pick: ${after.pick}`],
    [reaches(before), reaches(after)],
    [waits(before), waits(after)],
    [calls(before), calls(after)],
    [groups(before), groups(after)],
    [before.dryRun ? 'a dry run' : 'no dry run', after.dryRun ? 'a dry run' : 'no dry run'],
  ] as const;
  return [
    ...words.flatMap(([was, is]) => (was === is ? [] : [`${is}, was ${was}`])),
    ...poolChanges(before.pool, after.pool),
    ...(calls(before) === calls(after) && JSON.stringify(before.gameDay) !== JSON.stringify(after.gameDay)
      ? [`game day: ${after.gameDay?.gameDay.name ?? ''} is another`]
      : []),
  ];
}

function poolChanges(before: readonly Pooled[], after: readonly Pooled[]): readonly string[] {
  const was = new Map(before.map((one) => [one.experiment.name, one]));
  const is = new Map(after.map((one) => [one.experiment.name, one]));
  const added = [...is.keys()].filter((name) => !was.has(name));
  const gone = [...was.keys()].filter((name) => !is.has(name));
  const changed = [...is].filter(
    ([name, one]) => was.has(name) && JSON.stringify(one) !== JSON.stringify(was.get(name)),
  );
  const said = [
    ...added.map((name) => `pool: ${name} is new`),
    ...gone.map((name) => `pool: ${name} is gone`),
    ...changed.map(([name]) => `pool: ${name} is another`),
  ];
  const reordered = said.length === 0 && JSON.stringify(before) !== JSON.stringify(after);
  return reordered ? ['pool: in another order'] : said;
}
