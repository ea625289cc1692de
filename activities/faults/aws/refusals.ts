/**
 * The look at candidates before a fault: which of them it must not be put on.
 *
 * Owns the reading, many at once. Whoever holds a fault already is not asked: `occupied` says so, and it is as that fault has made it.
 */
import type { TargetId } from '../../../domain/fault.ts';
import { FAULT } from './tag-slot.ts';
import type { Tagged, TaggedKind, TaggedRegion } from './tagged.ts';
import type { Looking } from './tagged-site.ts';
import { parseAwsTarget } from './target.ts';

/** Which of `targets` are refused, and why. */
export async function refusals<Live extends Tagged>(
  resource: TaggedKind<Live>,
  targets: readonly TargetId[],
  anywhere: Looking,
  why: (live: Live, looking: Looking) => Promise<string | undefined>,
): Promise<Map<TargetId, string>> {
  const regions = new Map<string, TaggedRegion<Live>>();
  const refused = new Map<TargetId, string>();
  await Promise.all(
    targets.map(async (id) => {
      const target = parseAwsTarget(id, [resource.kind]);
      const looking = anywhere.in(target.region);
      const region = regions.get(target.region) ?? resource.open(looking.clients);
      regions.set(target.region, region);
      const live = await region.read(target);
      if (live === undefined || Object.hasOwn(live.tags, FAULT)) return;
      const reason = await why(live, looking);
      if (reason !== undefined) refused.set(id, reason);
    }),
  );
  return refused;
}
