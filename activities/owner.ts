/**
 * The owner of a lease, as seen from a site.
 *
 * Owns the two questions a site worker asks Temporal: whether the exact execution that owns a lease still wants its
 * fault, and whether it is open. Must never take silence for yes.
 */
import { QueryRejectedError, WorkflowNotFoundError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import type { Owner } from './interface.ts';

/** How long a question may take, in milliseconds. */
const ANSWER_MS = 2_000;

/** Answers about owners. */
export interface Owners {
  /** `silent`: nobody answered, which is neither yes nor no; a renewal needs a yes. */
  wants(owner: Owner, lease: string): Promise<'yes' | 'no' | 'silent'>;
  /** Null where it cannot be told. */
  isOpen(owner: Owner): Promise<boolean | null>;
}

/** Asks through `client`, whose `queryRejectCondition` must be `NOT_OPEN`: a closed run wants nothing. */
export function ownersOf(client: Client): Owners {
  return {
    async wants(owner, lease) {
      try {
        const handle = client.workflow.getHandle(owner.workflowId, owner.runId);
        const ask = (): Promise<boolean> => handle.query<boolean, [string]>('wanted', lease);
        const wanted = await client.connection.withDeadline(Date.now() + ANSWER_MS, ask);
        return wanted ? 'yes' : 'no';
      } catch (error) {
        if (error instanceof QueryRejectedError || error instanceof WorkflowNotFoundError) return 'no';
        return 'silent';
      }
    },
    async isOpen(owner) {
      try {
        const handle = client.workflow.getHandle(owner.workflowId, owner.runId);
        const described = await client.connection.withDeadline(Date.now() + ANSWER_MS, () => handle.describe());
        return described.status.name === 'RUNNING';
      } catch (error) {
        return error instanceof WorkflowNotFoundError ? false : null;
      }
    },
  };
}
