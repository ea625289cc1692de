/**
 * Quantiles of bucketed observations, as Prometheus computes them.
 *
 * Owns the interpolation. Pure. Must never name a value for a quantile that lies beyond the largest finite bucket: all
 * that is known then is that it is larger.
 */

/** Observations up to and including `bound`; the last bucket's bound is Infinity. */
export interface Bucket {
  readonly bound: number;
  /** Cumulative: includes the observations of all smaller buckets. */
  readonly count: number;
}

/** A quantile, or why there is none; `beyond` carries the largest finite bound. */
export type Quantile =
  | { readonly kind: 'value'; readonly value: number }
  | { readonly kind: 'beyond'; readonly bound: number }
  | { readonly kind: 'idle' }
  | { readonly kind: 'malformed' };

/** The `share` quantile (0 to 1, exclusive), linear within a bucket; the first bucket is taken to start at 0. */
export function quantileOf(share: number, unsorted: readonly Bucket[]): Quantile {
  const buckets = [...unsorted].sort((a, b) => a.bound - b.bound);
  const all = buckets.at(-1);
  if (all === undefined || all.bound !== Infinity || buckets.length < 2) return { kind: 'malformed' };
  if (all.count <= 0) return { kind: 'idle' };
  const rank = share * all.count;
  let from = 0;
  let below = 0;
  for (const { bound, count } of buckets) {
    if (bound === Infinity) break;
    if (count >= rank) {
      if (bound <= 0 && from === 0) return { kind: 'value', value: bound };
      return {
        kind: 'value',
        value: count > below ? from + ((bound - from) * (rank - below)) / (count - below) : bound,
      };
    }
    from = bound;
    // Scraped while it changed, a histogram may dip; what was counted stays counted.
    below = Math.max(below, count);
  }
  return { kind: 'beyond', bound: from };
}
