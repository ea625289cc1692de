/**
 * The emergency stop, as admission sees it.
 *
 * Owns the reading of the latch, which is a workflow that is open: Temporal answers for it with no worker at all, and at
 * once after it was pulled. Levers of one's own are read beside it.
 */
import { WorkflowNotFoundError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { z } from 'zod';
import { describeStop, STOP_GUARD, stopIdsFor, stopOf } from '../../domain/emergency-stop.ts';
import type { EmergencyStop } from '../../domain/emergency-stop.ts';
import { NAMELESS, unproven } from '../../domain/identity.ts';
import type { Policy } from '../../domain/policy.ts';
import type { Guard } from './guard.ts';
import type { Lever } from './lever.ts';
import { forbiddenStop } from './stop-right.ts';

/** A stop that is on, and since when in milliseconds since the Unix epoch. */
export interface Latched extends EmergencyStop {
  readonly sinceMs: number;
  /** The execution that is the latch. */
  readonly execution: string;
}

const proofSchema = z
  .object({ by: z.string(), signature: z.string().exactOptional(), signedAtMs: z.number().exactOptional() })
  .optional()
  .catch(undefined);
/** What the latch carries for whoever looks at it from outside; nothing, where somebody has started it by hand. */
const memo = z
  .object({ site: z.string().optional(), reason: z.string(), by: z.string(), proof: proofSchema })
  .catch({ reason: 'no reason was given', by: NAMELESS, proof: undefined });

/** The stop of this workflow id, where it is on. Rejects where Temporal does not answer. */
export async function readLatch(client: Client, id: string): Promise<Latched | undefined> {
  try {
    const { closeTime, startTime, runId: execution, memo: carried } = await client.workflow.getHandle(id).describe();
    // One that somebody has paused is on.
    if (closeTime !== undefined) return undefined;
    const { site, reason, by, proof } = memo.parse(carried);
    // What it is called is what it stops, whatever it carries.
    const where = stopOf(id) ?? (site === undefined ? {} : { site });
    const proven = proof === undefined ? {} : { proof };
    return { ...where, ...proven, reason, by: unproven(by), sinceMs: startTime.getTime(), execution };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

/**
 * Refuses while everything or the run's site is stopped. Before a stage whoever pulled the stop: it may not have been judged yet. In
 * mid-run only where the policy lets them: one that it does not let ends no run, and of any that it does every open run is told.
 */
export function stopGuard(client: Client, levers: readonly Lever[], policy: Policy): Guard {
  const asking =
    (counts: (latched: Latched, signal: AbortSignal) => Promise<boolean>): Guard['ask'] =>
    async ({ experiment }, signal) => {
      for (const id of stopIdsFor(experiment.targets.site)) {
        const latched = await readLatch(client, id);
        if (latched && (await counts(latched, signal)))
          return { passed: false, found: `${describeStop(latched)}; \`squall resume\` ends it`, by: latched.by };
      }
      for (const lever of levers)
        if (await lever.pulled(signal)) return { passed: false, found: `everything is stopped by ${lever.name}` };
      return { passed: true, found: 'nothing is stopped' };
    };
  return {
    name: STOP_GUARD,
    always: true,
    ask: asking(async () => true),
    askAlways: asking(
      async (latched, signal) => (await forbiddenStop(policy, levers, latched, latched.sinceMs, signal)) === undefined,
    ),
  };
}
