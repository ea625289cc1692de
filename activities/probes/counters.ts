/**
 * Counters over a short window.
 *
 * Owns what makes a rate of two scrapes true: resets, series that appear and vanish, and the span that was really
 * covered. Pure but for its own bounded state; must never report a rise that did not happen.
 */
import type { ExposedSeries } from './exposition.ts';

/** The most series that one selector may match. */
export const SERIES_MAX = 10_000;
/** The most points of a window; more frequent ones are thinned, which loses nothing because totals only rise. */
const POINTS_MAX = 30;

/** The running total of several counters, whatever resets them: it only rises. Throws on what is not a counter. */
export class CounterTotal {
  readonly #last = new Map<string, number>();
  #total = 0;
  #started = false;

  /**
   * The total after these series were scraped. The first scrape is where counting starts; a series that appears later
   * has counted from zero, as has one whose value fell. A series that vanishes is remembered, so that it may come back.
   */
  add(series: readonly ExposedSeries[]): number {
    const seen = new Set<string>();
    for (const { labels, value } of series) {
      if (!Number.isFinite(value) || value < 0) throw new Error(`a counter read ${value}`);
      const key = keyOf(labels);
      if (seen.has(key)) throw new Error('a series is on the page twice');
      seen.add(key);
      const last = this.#last.get(key);
      if (last !== undefined) this.#total += value >= last ? value - last : value;
      else if (this.#started) this.#total += value;
      this.#last.set(key, value);
    }
    if (this.#last.size > SERIES_MAX) throw new Error(`more than ${SERIES_MAX} series match`);
    this.#started = true;
    return this.#total;
  }
}

/** Totals at one time, by a name of the caller's choice. */
export interface Totals {
  /** In milliseconds of a monotonic clock. */
  readonly atMs: number;
  readonly values: ReadonlyMap<string, number>;
}

/** How far each total rose, and over how long. */
export interface Rise {
  readonly spanMs: number;
  readonly values: ReadonlyMap<string, number>;
}

/** The recent past of some totals. */
export class TotalsWindow {
  readonly #windowMs: number;
  #points: Totals[] = [];

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** When the newest totals were added; undefined while there are none. */
  get newestAtMs(): number | undefined {
    return this.#points.at(-1)?.atMs;
  }

  /** Adds totals that are newer than all before. A past older than twice the window is forgotten: it is another situation. */
  add(totals: Totals): void {
    const previous = this.#points.at(-1);
    if (previous !== undefined && totals.atMs - previous.atMs > 2 * this.#windowMs) this.#points = [];
    const [before, newest] = this.#points.slice(-2);
    const tooClose =
      before !== undefined && newest !== undefined && newest.atMs - before.atMs < this.#windowMs / POINTS_MAX;
    if (tooClose) this.#points.pop();
    this.#points.push(totals);
    const base = this.#points.findLastIndex((point) => point.atMs <= totals.atMs - this.#windowMs);
    if (base > 0) this.#points = this.#points.slice(base);
  }

  /** The rise over the window, or over as much of it as was seen; undefined while there is only one point. */
  rise(): Rise | undefined {
    const oldest = this.#points[0];
    const newest = this.#points.at(-1);
    if (oldest === undefined || newest === undefined || newest.atMs <= oldest.atMs) return undefined;
    // A total that is not in the older point began at zero after it.
    const values = [...newest.values].map(([name, total]) => [name, total - (oldest.values.get(name) ?? 0)] as const);
    return { spanMs: newest.atMs - oldest.atMs, values: new Map(values) };
  }
}

function keyOf(labels: ReadonlyMap<string, string>): string {
  return JSON.stringify([...labels].sort(([a], [b]) => (a < b ? -1 : 1)));
}
