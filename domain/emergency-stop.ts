/**
 * The emergency stop: one lever for everything, or for one site.
 *
 * Owns its names, which outlive a deploy, and whom it concerns. A stop is on as long as the workflow of its name is open.
 */
import { unproven } from './identity.ts';
import type { Claim } from './identity.ts';

/** Why everything, or a site, is stopped. */
export interface EmergencyStop {
  /** Absent: everything. */
  readonly site?: string;
  readonly reason: string;
  /** Who pulled the lever, as the starter says. */
  readonly by: string;
  /** From which machine, as the starter says. */
  readonly from?: string;
  /** That it was they, where a key proves it: needed where the policy says that only some may stop. */
  readonly proof?: Claim;
}

/** The name of the guard that reads the lever, and of the check that a stopped run was refused by. */
export const STOP_GUARD = 'emergency-stop';

/** The workflow whose being open is the stop. */
export function stopId(site?: string): string {
  return site === undefined ? 'stop/everything' : `stop/site/${site}`;
}

/** Which site the stop of this workflow id is for, absent for everything; undefined where it is no stop's. */
export function stopOf(id: string): Pick<EmergencyStop, 'site'> | undefined {
  if (id === stopId()) return {};
  const prefix = stopId('');
  return id.startsWith(prefix) ? { site: id.slice(prefix.length) } : undefined;
}

/** Every stop that would concern a run at `site`. */
export function stopIdsFor(site: string): readonly string[] {
  return [stopId(), stopId(site)];
}

/** Whether a run at `site` must end. */
export function concerns(stop: EmergencyStop, site: string): boolean {
  return stop.site === undefined || stop.site === site;
}

/** In words: what is stopped, why, and by whom. */
export function describeStop({ site, reason, by }: EmergencyStop): string {
  return `${site === undefined ? 'everything' : `site ${site}`} is stopped: ${reason}, by ${unproven(by)}`;
}
