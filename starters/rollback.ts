/**
 * The rollback of a run that was ended from outside, as its leases tell it.
 *
 * Owns the search for the leases and the waiting for those that are open. A lease completes only when it has verified the
 * absence of its faults, so its end is the confirmation that its run can no longer give.
 */
import { WorkflowNotFoundError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { STAGES_MAX } from '../domain/timing.ts';
import type { Output } from './output.ts';

/** `none`: the run had opened no lease, so it did no fault. `unknown`: `why` says what keeps it from being confirmed. */
export type Rollback = { readonly known: 'confirmed' | 'none' } | { readonly known: 'unknown'; readonly why: string };

/** Time between two questions, in milliseconds. */
const POLL_MS = 500;
/** How long an answer may take, in milliseconds. */
const ANSWER_MS = 3_000;
/** Temporal may be away for this long before nothing can be known, in milliseconds. */
const AWAY_MS = 60_000;
/** Time between two words about a lease that stays open, in milliseconds. */
const SAY_EVERY_MS = 30_000;

/** What Temporal says of a lease; `unheard` when it says nothing. */
type Fate = 'open' | 'confirmed' | 'ended from outside' | 'absent' | 'unheard';

/** Waits until no lease of `run` is open, for as long as that takes. `told`: leases that the run itself spoke of. */
export async function rollbackOf(
  client: Client,
  run: string,
  told: ReadonlySet<string>,
  out: Output,
): Promise<Rollback> {
  const fates = new Map([...told, ...leasesOf(run)].map((lease): [string, Fate] => [lease, 'unheard']));
  const those = (...wanted: Fate[]): string[] =>
    [...fates].flatMap(([lease, fate]) => (wanted.includes(fate) ? [lease] : []));
  let heardAtMs = performance.now();
  let saidAtMs = -Infinity;
  for (;;) {
    await Promise.all(those('open', 'unheard').map(async (lease) => fates.set(lease, await fateOf(client, lease))));
    // The run may have opened another in its place before it was ended itself.
    for (const next of those('ended from outside').map(successorOf)) if (!fates.has(next)) fates.set(next, 'unheard');
    const open = those('open');
    if (those('unheard').length === 0) heardAtMs = performance.now();
    else if (performance.now() - heardAtMs > AWAY_MS) return { known: 'unknown', why: 'Temporal does not answer' };
    if (those('open', 'unheard').length === 0) break;
    if (open.length > 0 && performance.now() - saidAtMs > SAY_EVERY_MS) {
      saidAtMs = performance.now();
      const names = open.join(', ');
      out.event('waiting', { run, for: `the rollback of ${names}` });
      const words = `the run is gone; waiting until ${names} has reverted. A fault that is on ends by itself when nobody renews it`;
      out.line(out.style('yellow', words));
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  const isLast = (lease: string): boolean => fates.get(successorOf(lease)) === 'absent';
  const outside = those('ended from outside').find(isLast);
  if (outside !== undefined) return { known: 'unknown', why: `${outside} was ended from outside too` };
  const lost = those('absent').find((lease) => told.has(lease));
  if (lost !== undefined) return { known: 'unknown', why: `Temporal no longer knows ${lost}` };
  return { known: those('confirmed').length > 0 ? 'confirmed' : 'none' };
}

/** Every name that a lease of `run` may have. Those that are used may have gaps: a stage that adds nobody has no lease. */
function leasesOf(run: string): string[] {
  return Array.from({ length: STAGES_MAX }, (_, stage) => `${run}/stage-${stage + 1}`);
}

/** The lease that reverts what this one may have left. */
function successorOf(lease: string): string {
  const [, first = lease, number = '0'] = /^(.*)\/revert-(\d+)$/.exec(lease) ?? [];
  return `${first}/revert-${Number(number) + 1}`;
}

async function fateOf(client: Client, lease: string): Promise<Fate> {
  try {
    const handle = client.workflow.getHandle(lease);
    const { status } = await client.withDeadline(Date.now() + ANSWER_MS, () => handle.describe());
    if (status.name === 'RUNNING') return 'open';
    return status.name === 'COMPLETED' ? 'confirmed' : 'ended from outside';
  } catch (error) {
    return error instanceof WorkflowNotFoundError ? 'absent' : 'unheard';
  }
}
