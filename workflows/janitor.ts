/**
 * The janitor: a sweep of one site, as a Schedule starts it.
 *
 * Owns nothing but the asking. The site worker also sweeps at its start and on its own timer, without Temporal.
 */
import type { SweepReport } from '../activities/interface.ts';
import { sweepAt } from './proxies.ts';

export async function janitor(site: string): Promise<SweepReport> {
  return sweepAt(site).sweep.executeWithOptions({ summary: `sweep ${site}` }, []);
}
