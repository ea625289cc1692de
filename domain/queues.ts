/**
 * Queues: the names that workers serve and workflows ask for.
 *
 * Owns their spelling, which outlives a deploy. Chaos, holding and reverting have queues of their own, so that none
 * waits behind another.
 */

/** The queue of workflows and the journal. */
export const CONTROL_QUEUE = 'control';
/** The queue of what the control worker does for as long as something lasts. */
export const CONTROL_HOLD_QUEUE = 'control/hold';

/** The queue of telling people: a receiver that hangs must hold no slot that admission, a stop or the journal needs. */
export const NOTIFY_QUEUE = 'notify';

/** The queues of a site: pre-flight and injecting; holding, watching and recovering; reverting and sweeping. */
export function siteQueues(site: string): { readonly chaos: string; readonly hold: string; readonly revert: string } {
  const chaos = `site/${site}`;
  return { chaos, hold: `${chaos}/hold`, revert: `${chaos}/revert` };
}
