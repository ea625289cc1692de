/**
 * Whose turn it is, where targets fall into groups.
 *
 * Owns the question to the site, and that what was taken is cut to the one group that was drawn. Who cannot tell has nothing begun.
 */
import { isCancellation } from '@temporalio/workflow';
import type { Groups } from '../domain/grouping.ts';
import { drawGroup } from '../domain/grouping.ts';
import { cutTo } from '../domain/radius.ts';
import { formatDuration } from '../domain/units.ts';
import { why } from './blindness.ts';
import type { Left, Took } from './choosing.ts';
import type { TickInput } from './messages.ts';
import { groupsAt } from './proxies.ts';

/** The most that cannot be read that a tick names. */
const NAMED_MAX = 5;

/** What was taken, on the group whose turn it is; or why it is nobody's. */
export async function inGroup({ cadence }: TickInput, took: Took, seed: string): Promise<Took | Left> {
  const { groups: grouping, everyMs } = cadence;
  if (grouping === undefined) return took;
  const { experiment } = took.picked;
  const { site, selector } = experiment.targets;
  const choice = took.choice === undefined ? {} : { choice: took.choice };
  let found: Groups;
  try {
    const named = { fault: experiment.fault, selector };
    found = await groupsAt(site).groups.executeWithOptions({ summary: `groups at ${site}` }, [named, grouping]);
  } catch (failure) {
    if (isCancellation(failure)) throw failure;
    return { skipped: `nobody could tell which groups there are: ${why(failure)}`, ...choice };
  }
  const drawn = drawGroup(found.groups, everyMs, seed);
  if (drawn === undefined)
    return {
      skipped: nobody(found, everyMs),
      ...(found.groups.length > 0 ? { nobody: true as const } : {}),
      ...choice,
    };
  const { group, size } = drawn;
  const labels = { ...(selector['labels'] as Readonly<Record<string, string>> | undefined), ...group.selector.labels };
  const { blastRadius, targets } = experiment;
  const narrowed = {
    ...experiment,
    targets: { ...targets, selector: { ...selector, ...group.selector, labels } },
    blastRadius: size === undefined ? blastRadius : cutTo(blastRadius, size),
  };
  return { ...took, picked: { ...took.picked, experiment: narrowed }, group: group.name };
}

function nobody({ groups, left }: Groups, everyMs: number): string {
  const sooner = groups.toSorted((a, b) => a.meanMs - b.meanMs)[0];
  const often =
    sooner &&
    `, the likeliest one (${sooner.name}) once in ${formatDuration(sooner.meanMs)} of ticks every ${formatDuration(everyMs)}`;
  const unread = left.slice(0, NAMED_MAX).map(({ name, why: words }) => `${name}: ${words}`);
  const odd = left.length === 0 ? '' : `; ${left.length} that opt in are no groups: ${unread.join('; ')}`;
  if (groups.length === 0) return `there are no groups${odd}`;
  return `it is nobody’s turn of ${groups.length} groups${often ?? ''}${odd}`;
}
