/**
 * Delivering: one notice to one destination.
 *
 * Owns the idempotency key, and what a failed delivery says in Temporal: tried again, or never. Must never let a receiver's
 * words through: a failure is kept in histories and in the journal.
 */
import { Context } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { DeliverInput, NotifyActivities } from '../interface.ts';
import { Undelivered } from './destination.ts';
import type { Destinations, Kept } from './destination.ts';

/** What the queue `notify` serves. */
export function notifyActivities(destinations: Destinations, client: Client): NotifyActivities {
  return {
    deliver: (input) => deliver(destinations, input, Context.current().cancellationSignal),
    async runIsOpen(run) {
      try {
        return (await client.workflow.getHandle(run).describe()).status.name === 'RUNNING';
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return false;
        throw error;
      }
    },
  };
}

async function deliver(
  destinations: Destinations,
  { to, notice, kept }: DeliverInput,
  signal: AbortSignal,
): Promise<Kept> {
  const destination = destinations.get(to);
  if (!destination)
    // Another worker, of another configuration, may know it.
    throw ApplicationFailure.retryable('the configuration of this worker names no such destination', 'Undelivered');
  try {
    const idempotencyKey = [notice.run, notice.key.replaceAll(' ', '-'), to].map(encodeURIComponent).join('/');
    return await destination.deliver({ notice, kept, signal, idempotencyKey });
  } catch (error) {
    if (!(error instanceof Undelivered)) throw error;
    throw error.final
      ? ApplicationFailure.nonRetryable(error.message, 'Refused')
      : ApplicationFailure.retryable(error.message, 'Undelivered');
  }
}
