/**
 * Asking together: whoever asks while a request is on its way goes with the next one.
 *
 * Owns the order, first come first served, and that one request is on its way at a time. A server refuses whoever asks
 * beyond what a workflow can answer, and each request costs that workflow a task, however many it is made for. A request is
 * nobody's own: who made it first may be cancelled, and the others must not be with them.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

/** Runs what it is given in nobody's context: an activity's ends its requests with it. */
const inNobodysName = AsyncLocalStorage.snapshot() as <R>(work: () => R) => R;

interface Asking<T, R> {
  readonly item: T;
  readonly weight: number;
  readonly resolve: (answer: R) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Makes `request` for all who ask meanwhile, and gives each its own answer, or the error of all; `request` answers in order.
 * A request takes as many as weigh at most `most` together, and at least one.
 */
export function together<T, R>(
  request: (items: readonly T[]) => Promise<readonly R[]>,
  weightOf: (item: T) => number,
  most: number,
): (item: T) => Promise<R> {
  const waiting: Asking<T, R>[] = [];
  let busy = false;
  const next = (): Asking<T, R>[] => {
    let sum = 0;
    const over = waiting.findIndex(({ weight }, i) => (sum += weight) > most && i > 0);
    return waiting.splice(0, over === -1 ? waiting.length : over);
  };
  const work = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = next();
      try {
        const answers = await request(batch.map(({ item }) => item));
        for (const [i, { resolve }] of batch.entries()) resolve(answers[i] as R);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    busy = false;
  };
  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, weight: weightOf(item), resolve, reject });
      if (busy) return;
      busy = true;
      void inNobodysName(work);
    });
}
