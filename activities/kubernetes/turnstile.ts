/**
 * Lets so many through at once; whoever comes later waits for a turn, in the order of coming.
 *
 * Owns the count. How many may be through is asked anew each time, since it may change.
 */
export class Turnstile {
  readonly #atOnce: () => number;
  readonly #waiting: (() => void)[] = [];
  #through = 0;

  constructor(atOnce: () => number) {
    this.#atOnce = atOnce;
  }

  /** Does `work` in its turn, which can ask how many are through, itself among them. */
  async pass<T>(work: (through: () => number) => Promise<T>): Promise<T> {
    if (this.#through >= this.#atOnce() || this.#waiting.length > 0)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#through += 1;
    try {
      return await work(() => this.#through);
    } finally {
      this.#through -= 1;
      while (this.#through < this.#atOnce()) {
        const next = this.#waiting.shift();
        if (next === undefined) break;
        this.#through += 1;
        next();
      }
    }
  }
}
