/**
 * Live readings of a run, from outside.
 *
 * Owns the reading of a watch activity's last heartbeat, which the server keeps and tells to whoever describes the run.
 */
import { defaultPayloadConverter } from '@temporalio/common';
import type { Payload } from '@temporalio/common';
import type { Tick } from '../activities/watch.ts';

/** The part of a described workflow that holds heartbeats. */
interface Described {
  readonly pendingActivities?:
    | readonly {
        readonly activityType?: { readonly name?: string | null } | null;
        readonly heartbeatDetails?: { readonly payloads?: readonly Payload[] | null } | null;
      }[]
    | null;
}

/** What every heartbeat of whatever samples says. */
export type LiveReadings = Pick<Tick, 'atMs' | 'readings'>;

const WATCHERS: ReadonlySet<string> = new Set(['watch', 'recover']);

/** The latest tick of whatever samples the run now; undefined when nothing does, or it has not beaten yet. */
export function readLive(described: Described): LiveReadings | undefined {
  for (const activity of described.pendingActivities ?? []) {
    const payload = activity.heartbeatDetails?.payloads?.[0];
    if (!WATCHERS.has(activity.activityType?.name ?? '') || !payload) continue;
    const tick = defaultPayloadConverter.fromPayload<LiveReadings | null | undefined>(payload);
    if (tick && typeof tick === 'object' && 'readings' in tick) return tick;
  }
  return undefined;
}
