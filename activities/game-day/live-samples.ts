/**
 * The latest samples of a game day, from outside of its workflow.
 *
 * Owns the reading of its watch's last heartbeat, which the server keeps and tells to whoever describes the day. Anybody may have written it.
 */
import { WorkflowNotFoundError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { z } from 'zod';
import type { SeriesByProbe } from '../../domain/probe.ts';
import { series } from '../journal/schema.ts';

const beat = z.object({ series: z.record(z.string(), series) });

/** What a day samples now; `open`: whether this execution of it goes on. */
export interface LiveSamples {
  readonly open: boolean;
  readonly series: SeriesByProbe;
}

/** Rejects where Temporal does not answer. */
export async function liveSamples(client: Client, day: string, execution: string): Promise<LiveSamples> {
  try {
    const { raw, status } = await client.workflow.getHandle(day, execution).describe();
    const open = status.name === 'RUNNING' || status.name === 'PAUSED';
    for (const { activityType, heartbeatDetails } of raw.pendingActivities ?? []) {
      const [payload] = heartbeatDetails?.payloads ?? [];
      if (activityType?.name !== 'watch' || !payload?.data?.length) continue;
      const said = beat.safeParse(heard(() => defaultPayloadConverter.fromPayload(payload)));
      if (said.success) return { open, series: said.data.series };
    }
    return { open, series: {} };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { open: false, series: {} };
    throw error;
  }
}

function heard(read: () => unknown): unknown {
  try {
    return read();
  } catch {
    return undefined;
  }
}
