/**
 * Who may come into the room, and who somebody is.
 *
 * Owns the keys: whoever has one is the person it was made for. What is done here can stop things in production, so whatever page a browser
 * has open elsewhere must get nothing done: a name that is not this machine's, another page's form, a guessed key are all turned away.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

/** Random bytes of a key. */
const KEY_BYTES = 32;
/** A browser forgets its key after a long day, in seconds. */
const COOKIE_S = 3 * 86_400;

/** Somebody who has a key. */
export interface Person {
  readonly name: string;
  readonly key: string;
  /** Whether this process may prove that it is them. */
  readonly own: boolean;
}

/** Makes a key for somebody. */
export function person(name: string, own: boolean): Person {
  return { name, own, key: randomBytes(KEY_BYTES).toString('base64url') };
}

/** One door, for a server that listens at `host` and `port`. */
export class Door {
  readonly #people: readonly Person[];
  readonly #host: string;
  readonly #cookie: string;

  constructor(people: readonly Person[], host: string, port: number) {
    this.#people = people;
    this.#host = host.toLowerCase();
    // Ports of one machine share their cookies.
    this.#cookie = `squall-room-${port}`;
  }

  /** A name that somebody else's DNS has pointed here is none of ours. Addresses are nobody's to point, and a tunnel ends at this machine. */
  knows({ headers: { host = '' } }: IncomingMessage): boolean {
    const name = URL.parse(`http://${host}`)?.hostname.replace(/^\[|\]$/g, '');
    return name !== undefined && (name === 'localhost' || name === this.#host || isIP(name) !== 0);
  }

  /** Whether this was sent by a page of this room, and not by one that the browser has open elsewhere. */
  isOurs({ headers: { host = '', origin } }: IncomingMessage): boolean {
    return origin === `http://${host}`;
  }

  /** Whose key it is that a request shows; undefined where it is nobody's. */
  whoIs({ headers: { cookie = '' } }: IncomingMessage): Person | undefined {
    const shown = cookie.split(/; */).find((one) => one.startsWith(`${this.#cookie}=`));
    return shown === undefined ? undefined : this.ofKey(shown.slice(this.#cookie.length + 1));
  }

  ofKey(key: string): Person | undefined {
    const digest = digestOf(key);
    return this.#people.find((one) => timingSafeEqual(digestOf(one.key), digest));
  }

  /** The cookie that keeps a key. */
  cookieOf({ key }: Person): string {
    return `${this.#cookie}=${key}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${COOKIE_S}`;
  }
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
