/** What people approve, as one hash: whoever shows a plan can say whether it is the one. */
import { createHash } from 'node:crypto';
import type { Experiment } from '../domain/experiment.ts';
import type { PreflightResult } from './interface.ts';

/** SHA-256 in hex. `seed` decides the targets' order. */
export function planHashOf(
  experiment: Experiment,
  seed: string,
  { targets, stages, reversal }: Pick<PreflightResult, 'targets' | 'stages' | 'reversal'>,
): string {
  const plan = JSON.stringify([experiment, seed, targets, stages, reversal]);
  return createHash('sha256').update(plan).digest('hex');
}
