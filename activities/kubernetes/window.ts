/**
 * How many requests may be under way at once at one API server, learnt from how long its answers take.
 *
 * Owns the rule, which is that of TCP Vegas (Brakmo, O'Malley and Peterson, 1994): more of them while an answer takes no longer than
 * it does alone, fewer when they only wait at the server, where everybody else's requests wait behind them. Pure.
 */

/** Its bounds. It begins with the least, with which a server that is misjudged is still asked often enough. */
const LEAST = 8;
const MOST = 32;
/** An answer that takes this many times as long as the fastest has not waited for that: no two take equally long. */
const TOLERATED = 2;
/** How many of them may wait at the server: with fewer there is room for one more, with more there is one too many. */
const WAITING = { few: 1, many: 2 } as const;
/** How long the fastest answer is remembered, at least, in milliseconds: a server may become slower for good. */
const REMEMBERED_MS = 120_000;
/** The weight of the newest answer in their mean. */
const NEWEST = 0.1;

/** Answers to requests of one kind, in milliseconds. */
interface Answers {
  meanMs: number;
  /** The fastest of this period and of the one before it. */
  fastestMs: number;
  earlierMs: number;
  readonly sinceMs: number;
}

export class Window {
  #size = LEAST;
  readonly #answers = new Map<string, Answers>();

  /** How many requests may be under way. */
  get size(): number {
    return Math.floor(this.#size);
  }

  /**
   * Takes note of an answer, not a refusal, to a request of one `kind`, which came `tookMs` after it was sent, with `underWay` requests under way; `nowMs` is
   * on any clock that does not go back.
   */
  heard(kind: string, tookMs: number, underWay: number, nowMs: number): void {
    const answers = this.#noted(kind, tookMs, nowMs);
    // Nothing is learnt of a window from what is asked without filling it.
    if (underWay < this.size) return;
    const aloneMs = Math.min(answers.fastestMs, answers.earlierMs);
    const waiting = this.#size * (1 - (TOLERATED * aloneMs) / answers.meanMs);
    if (waiting < WAITING.few) this.#size = Math.min(MOST, this.#size + 1 / this.#size);
    if (waiting > WAITING.many) this.#size = Math.max(LEAST, this.#size - 1 / this.#size);
  }

  #noted(kind: string, tookMs: number, nowMs: number): Answers {
    const known = this.#answers.get(kind);
    const first = { meanMs: tookMs, fastestMs: tookMs, earlierMs: Infinity, sinceMs: nowMs };
    let answers = known ?? first;
    if (nowMs - answers.sinceMs > REMEMBERED_MS)
      answers = { ...first, meanMs: answers.meanMs, earlierMs: answers.fastestMs };
    answers.fastestMs = Math.min(answers.fastestMs, tookMs);
    answers.meanMs += NEWEST * (tookMs - answers.meanMs);
    this.#answers.set(kind, answers);
    return answers;
  }
}
