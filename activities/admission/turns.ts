/**
 * Turns: how many may ask one workflow at once from this process.
 *
 * Owns the order, first come first served. A server refuses whoever asks beyond what a workflow can answer, and a workflow's task
 * that is told too much meanwhile begins anew: a crowd that waits here is answered sooner than one that asks again and again.
 */
export class Turns {
  #free: number;
  readonly #next: (() => void)[] = [];

  constructor(atOnce: number) {
    this.#free = atOnce;
  }

  /** What `request` comes to, once it is its turn. */
  async take<T>(request: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#next.push(resolve));
    try {
      return await request();
    } finally {
      const next = this.#next.shift();
      if (next) next();
      else this.#free += 1;
    }
  }
}
