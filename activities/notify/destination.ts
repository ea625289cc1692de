/**
 * Destinations: where people are told of runs.
 *
 * Owns the protocol that every provider follows, and what a delivery may fail with. A destination is asked again until it
 * has taken a notice, so it may be told twice; the key says that it is the same.
 */
import type { Notice, NoticeEvent } from '../../domain/notice.ts';

/** What a provider must remember between two notices of one run, such as the id of what it made. */
export type Kept = Readonly<Record<string, string | number>>;

/** One delivery. */
export interface Delivery {
  readonly notice: Notice;
  /** The same for every attempt at this delivery: of the run, its event and the destination. */
  readonly idempotencyKey: string;
  /** What earlier notices of this run have left to remember. */
  readonly kept: Kept;
  readonly signal: AbortSignal;
}

/** One place where people are told. */
export interface Destination {
  /** What it is told. */
  readonly wants: ReadonlySet<NoticeEvent>;
  /** Delivers once; returns what is to be remembered besides. Throws {@link Undelivered}. */
  deliver(delivery: Delivery): Promise<Kept>;
}

/** Open destinations, by the names that the configuration gives them. */
export type Destinations = ReadonlyMap<string, Destination>;

/** A notice that was not taken; the message says why, without a URL and without a secret. */
export class Undelivered extends Error {
  override readonly name = 'Undelivered';
  /** The same notice would be refused again. */
  readonly final: boolean;

  constructor(why: string, final = false) {
    super(why);
    this.final = final;
  }
}

/** The names of those who are told of `event`. */
export function takersOf(destinations: Destinations, event: NoticeEvent): readonly string[] {
  return [...destinations].flatMap(([name, { wants }]) => (wants.has(event) ? [name] : []));
}
