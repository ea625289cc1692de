/** What a run waits for before it touches anything, as the activity that waits says in its heartbeats: another's end, or its turn. */
import type { WorkflowExecutionDescription } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';

/** The longest that is shown of it, in characters. */
const SAID_MAX = 500;
const WAITING: ReadonlySet<string> = new Set(['preflight', 'queue']);

/** Undefined where it waits for nobody, or does not say so. */
export function waitsFor({ raw }: WorkflowExecutionDescription): string | undefined {
  for (const { activityType, heartbeatDetails } of raw.pendingActivities ?? []) {
    const [payload] = heartbeatDetails?.payloads ?? [];
    if (!payload?.data?.length || !WAITING.has(activityType?.name ?? '')) continue;
    const said = heard(() => defaultPayloadConverter.fromPayload(payload));
    if (typeof said === 'string') return said.slice(0, SAID_MAX);
  }
  return undefined;
}

/** Anybody may have written it. */
function heard(read: () => unknown): unknown {
  try {
    return read();
  } catch {
    return undefined;
  }
}
