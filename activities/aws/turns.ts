/**
 * Turns: how soon resources of an account are begun to be changed, one after the other.
 *
 * Owns the rate, which is what EC2 takes of the requests that each resource needs for itself; those that many share are not counted. Faults are put on no faster than
 * EC2 regains what it takes at once, so that all of that is there when they must be taken off. Whose attempt is over gives its turn up.
 */
import PQueue from 'p-queue';

/**
 * Requests of one kind, such as CreateTags, that EC2 takes at once, and regains in a second:
 * https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
 */
const AT_ONCE = 100;
const A_SECOND = 10;
/** To write, free and fence a record takes three such requests: what one target of many takes of an attempt, in milliseconds. */
export const TARGET_MS = 3_000 / A_SECOND;
/** Twice as many as are put on: whoever was first is to live until the last one is, and is renewed, which is one request for many. */
export const RENEWALS_PER_SECOND = 2 * A_SECOND;

/** The turns of one region of an account. */
export class Turns {
  readonly #queues = {
    'put on': new PQueue({ interval: 1_000, intervalCap: A_SECOND, strict: true }),
    'take off': new PQueue({ interval: (1_000 * AT_ONCE) / A_SECOND, intervalCap: AT_ONCE, strict: true }),
  };

  /** Waits until one more resource may be changed. Rejects when `signal` aborts before. */
  async next(what: 'put on' | 'take off', signal: AbortSignal): Promise<void> {
    await this.#queues[what].add(() => undefined, { signal });
  }
}
