/**
 * The plan: pre-flight alone, for `squall plan`.
 *
 * Asks the site what a run would touch, and touches nothing.
 */
import type { PreflightResult } from '../activities/interface.ts';
import { preflightAt } from './proxies.ts';
import type { RunInput } from './messages.ts';

export async function plan(input: RunInput): Promise<PreflightResult> {
  const { experiment } = input;
  const { seed = '' } = experiment.blastRadius;
  return preflightAt(experiment).preflight({ experiment, seed });
}
