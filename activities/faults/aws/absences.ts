/**
 * What is not to be seen any more, and since when.
 *
 * Owns that nothing is taken for gone by one look: what AWS lists becomes what is only some time later. Nobody waits here; whoever asks again asks of
 * what is then.
 */
import { slownessMs } from '../../targets/aws-settings.ts';
import { perRegion } from './per-region.ts';
import type { Looking } from './tagged-site.ts';

/** How long it must not have been seen, as a multiple of the longest request. */
const GONE = 1.5;
/** The same on AWS itself, in milliseconds, whatever a request may take: nobody waits for longer. */
const GONE_MS_MAX = 15_000;

const unseenSince = perRegion(() => new Map<string, number>());

/** Which of `asked` are gone; undefined while one of them may only be unseen. `seen` are those of them that were just listed. */
export function goneOf(
  asked: readonly string[],
  seen: ReadonlySet<string>,
  { clients, settings }: Pick<Looking, 'clients' | 'settings'>,
): ReadonlySet<string> | undefined {
  const since = unseenSince(clients);
  const nowMs = performance.now();
  const gone = new Set<string>();
  let isSure = true;
  for (const id of asked) {
    if (seen.has(id)) since.delete(id);
    else if (nowMs - (since.get(id) ?? nowMs) >= Math.min(GONE_MS_MAX, GONE * slownessMs(settings))) gone.add(id);
    else {
      since.set(id, since.get(id) ?? nowMs);
      isSure = false;
    }
  }
  return isSure ? gone : undefined;
}
