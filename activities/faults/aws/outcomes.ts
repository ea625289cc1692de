/**
 * Outcomes of many faults: one for each, in their order.
 *
 * Owns that what goes wrong with one fault is its own.
 */
import type { Fault, Outcome } from '../../../domain/fault.ts';
import { reasonOf } from '../../probes/reading.ts';

/** What became of one fault, whichever it was. */
export type Told<Result extends string> = Omit<Outcome<Result>, 'id'>;

/** Of what there is no time left for. */
export const OVER = { result: 'failed', detail: 'the attempt is over' } as const;

/** A detail, where there is one. */
export function said(detail: string | undefined): { readonly detail?: string } {
  return detail === undefined ? {} : { detail };
}

/** One outcome for each fault; it has failed where `work` rejects. */
export async function told<F extends Fault<unknown>, Result extends string>(
  faults: readonly F[],
  work: (fault: F) => Promise<Told<Result | 'failed'>>,
): Promise<readonly Outcome<Result | 'failed'>[]> {
  return Promise.all(
    faults.map(async (fault) => {
      try {
        return { id: fault.id, ...(await work(fault)) };
      } catch (error) {
        return { id: fault.id, result: 'failed' as const, detail: reasonOf(error) };
      }
    }),
  );
}
