/**
 * Acknowledging a finding: that somebody has looked into a run that deviated.
 *
 * Its way to the journal, which may be where only the control worker can write.
 */
import { ApplicationFailure } from '@temporalio/common';
import type { Acknowledged } from '../activities/picking.ts';
import { acknowledgementHeard } from './heard.ts';
import type { AcknowledgeInput } from './messages.ts';
import { acknowledging } from './proxies.ts';

export async function acknowledge(payload: AcknowledgeInput): Promise<Acknowledged> {
  const input = acknowledgementHeard(payload);
  if (!input) throw ApplicationFailure.nonRetryable('what it was started with acknowledges nothing', 'Refused');
  return acknowledging().acknowledge({ ...input, atMs: Date.now() });
}
