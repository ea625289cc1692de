/**
 * The game day's workflow: scenarios on a timeline, whose experiments are its children.
 *
 * Owns what it can be told and asked; {@link Day} does the rest.
 */
import { ApplicationFailure } from '@temporalio/common';
import { CancellationScope, setHandler } from '@temporalio/workflow';
import { concerns, describeStop } from '../domain/emergency-stop.ts';
import { leavesOf } from '../domain/game-day-bounds.ts';
import type { GameDay } from '../domain/game-day.ts';
import { dayHeard } from './day-heard.ts';
import { Day } from './day.ts';
import { signedBy, stopHeard } from './heard.ts';
import { dayActUpdate, dayStoryQuery, stopSignal } from './messages.ts';
import type { DayActInput, DayResult, GameDayInput } from './messages.ts';

export async function gameDay(payload: GameDayInput): Promise<DayResult> {
  const input = dayHeard(payload);
  if (!input) throw ApplicationFailure.nonRetryable('what it was started with is no game day', 'Refused');
  const day = new Day(input);
  setHandler(dayActUpdate, (act) => day.act(act), { validator: (act: DayActInput) => day.check(act) });
  setHandler(dayStoryQuery, (fromSeq) => day.story(fromSeq));
  setHandler(stopSignal, (wish) => {
    const stop = stopHeard(wish);
    if (sitesOf(input.gameDay).some((site) => concerns(stop, site)))
      day.end({ ending: 'interrupted', why: describeStop(stop), ...signedBy(stop) });
  });
  CancellationScope.current().cancelRequested.catch(() =>
    day.end({ ending: 'interrupted', why: 'the game day was cancelled' }),
  );
  // The server's cancel is heard above; what runs is rolled back before the day ends.
  return CancellationScope.nonCancellable(() => day.live());
}

/** Every site that it does anything at. */
function sitesOf({ site, scenarios }: GameDay): string[] {
  const leaves = scenarios.flatMap(({ work }) => leavesOf(work));
  return [site, ...leaves.flatMap((leaf) => (leaf.kind === 'experiment' ? [leaf.experiment.targets.site] : []))];
}
