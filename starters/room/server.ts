/**
 * The room's server: pages, what is new in them, and what people do.
 *
 * Owns the listening socket and what every answer says of itself. Whatever is asked is turned away before it is looked at where the name it
 * was asked by, the page it came from, or the key is not right.
 */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { renderGameDay } from '../../report/game-day/html.ts';
import { html } from '../../report/markup.ts';
import { roomPage, roomParts, wordsPage } from '../../report/room/page.ts';
import { ROOM_STYLE } from '../../report/room/style.ts';
import { UsageError } from '../failure.ts';
import { Door } from './door.ts';
import type { Person } from './door.ts';
import { formOf, NoForm } from './form.ts';
import type { Wish } from './form.ts';
import type { Sight } from './sight.ts';

/** Open connections at most: six a browser. */
const CONNECTIONS_MAX = 256;
/** How long a request may take to arrive, in milliseconds. */
const REQUEST_MS = 10_000;
/** What is shorter is not packed, in bytes. */
const PACKED_MIN = 1_024;

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; connect-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/** The report has its style in itself, and neither script nor form. */
const REPORT_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";
const HEADERS = {
  'content-security-policy': POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
};

/** Whom a room is for, and how it looks and acts. */
export interface Room {
  readonly people: readonly Person[];
  readonly sight: Sight;
  /** Does it, as this person; what is said to them then. Rejects where nobody answers. */
  act(person: Person, wish: Wish): Promise<Said>;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
}

/** What is said to somebody about what they did. */
export interface Said {
  readonly done: boolean;
  readonly words: string;
}

/** A room that is open. */
export interface OpenRoom {
  readonly port: number;
  close(): Promise<void>;
}

/** Opens it. Throws a {@link UsageError} where it cannot listen there. */
export async function openRoom(room: Room): Promise<OpenRoom> {
  const script = await readFile(new URL('../../report/room/live.mjs', import.meta.url), 'utf8');
  const server = createServer();
  server.maxConnections = CONNECTIONS_MAX;
  server.requestTimeout = REQUEST_MS;
  server.headersTimeout = REQUEST_MS;
  await listen(server, room);
  const { port } = server.address() as AddressInfo;
  const door = new Door(room.people, room.host, port);
  server.on('request', (request, response) => {
    const answers = new Answers(room, door, script, request, response);
    answers.give().catch(() => answers.text(500, 'that went wrong; look again\n'));
  });
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function listen(server: Server, { host, port }: Room): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', ({ message }) =>
      reject(new UsageError(`the room cannot be served (${message}); choose with --host and --port`)),
    );
    server.listen(port, host, resolve);
  });
}

/** The answer to one request. */
class Answers {
  readonly #room: Room;
  readonly #door: Door;
  readonly #script: string;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;

  constructor(room: Room, door: Door, script: string, request: IncomingMessage, response: ServerResponse) {
    this.#room = room;
    this.#door = door;
    this.#script = script;
    this.#request = request;
    this.#response = response;
  }

  async give(): Promise<void> {
    const { method, url = '' } = this.#request;
    if (!this.#door.knows(this.#request)) return this.text(421, 'this room is not known by that name\n');
    const asked = URL.parse(url, 'http://room');
    const what = `${method} ${asked?.pathname}`;
    switch (what) {
      case 'GET /room.css':
        return this.#send(200, 'text/css; charset=utf-8', ROOM_STYLE);
      case 'GET /room.js':
        return this.#send(200, 'text/javascript; charset=utf-8', this.#script);
      case 'GET /enter':
        return this.#enter(asked?.searchParams.get('key') ?? '');
    }
    const person = this.#door.whoIs(this.#request);
    if (person === undefined) return this.#words(403, 'This room is locked', 'Open the link that was made for you.');
    switch (what) {
      case 'GET /':
        return this.#page(person);
      case 'GET /live':
        return this.#live(person, asked?.searchParams);
      case 'GET /report':
        return this.#report();
      case 'POST /act':
        return this.#act(person);
      default:
        return this.text(404, 'there are /, /report and what the page asks for\n');
    }
  }

  text(status: number, words: string): void {
    if (this.#response.headersSent) this.#response.destroy();
    else this.#send(status, 'text/plain; charset=utf-8', words);
  }

  /** The page itself goes on to the room: a browser that comes from elsewhere does not show a new cookie on the way of a redirect. */
  #enter(key: string): void {
    const person = this.#door.ofKey(key);
    if (person === undefined) return this.#words(403, 'This room is locked', 'This link is not good here, or no more.');
    this.#response.setHeader('set-cookie', this.#door.cookieOf(person));
    const go = html`<meta http-equiv="refresh" content="0;url=/">`;
    const page = wordsPage('Come in', html`<a class="first" href="/">Go to the room</a>`, go);
    this.#send(200, 'text/html; charset=utf-8', page, { 'referrer-policy': 'no-referrer' });
  }

  async #page({ name }: Person, status = 200, said?: Said): Promise<void> {
    const seen = await this.#room.sight.look();
    if (seen === undefined) return this.#away();
    const viewer = {
      name,
      ...(said && { said: { tone: said.done ? ('good' as const) : ('bad' as const), words: said.words } }),
    };
    this.#send(status, 'text/html; charset=utf-8', roomPage(seen, viewer, Date.now()));
  }

  async #live({ name }: Person, have: URLSearchParams | undefined): Promise<void> {
    const seen = await this.#room.sight.look();
    if (seen === undefined) return this.#away();
    const fresh = Object.entries(roomParts(seen, { name })).filter(
      ([part, { version }]) => have?.get(part) !== version,
    );
    this.#json(200, { nowMs: Date.now(), parts: Object.fromEntries(fresh) });
  }

  async #report(): Promise<void> {
    const report = await this.#room.sight.report();
    if (report === undefined) return this.#words(404, 'No report yet', 'There is no record of this day here.');
    this.#send(200, 'text/html; charset=utf-8', renderGameDay(report), { 'content-security-policy': REPORT_POLICY });
  }

  async #act(person: Person): Promise<void> {
    if (!this.#door.isOurs(this.#request)) return this.text(403, 'that came from another page than this room’s\n');
    const seen = await this.#room.sight.look();
    if (seen === undefined) return this.#away();
    const quiet = this.#request.headers.accept === 'application/json';
    const { status, said } = await this.#do(person, seen.state);
    await this.#room.sight.look(true);
    if (quiet) return this.#json(status, said);
    if (!said.done) return this.#page(person, status, said);
    this.#send(303, 'text/plain; charset=utf-8', 'done\n', { location: '/' });
  }

  async #do(
    person: Person,
    state: Parameters<typeof formOf>[1],
  ): Promise<{ readonly status: number; readonly said: Said }> {
    try {
      const said = await this.#room.act(person, await formOf(this.#request, state));
      return { status: said.done ? 200 : 409, said };
    } catch (error) {
      if (error instanceof NoForm) return { status: error.status, said: { done: false, words: error.message } };
      const words = 'nobody answered: it may have been done or not; look at what happened';
      return { status: 504, said: { done: false, words } };
    }
  }

  #away(): void {
    this.#words(503, 'Nobody answers', 'Temporal, or its control worker, does not answer for this day. Look again.');
  }

  #words(status: number, title: string, words: string): void {
    this.#send(status, 'text/html; charset=utf-8', wordsPage(title, words, ' '));
  }

  #json(status: number, value: unknown): void {
    this.#send(status, 'application/json', JSON.stringify(value));
  }

  #send(status: number, type: string, text: string, more: Readonly<Record<string, string>> = {}): void {
    const plain = Buffer.from(text);
    const packs = /\bgzip\b/.test(this.#request.headers['accept-encoding'] ?? '');
    const packed = packs && plain.length >= PACKED_MIN;
    const body = packed ? gzipSync(plain, { level: 4 }) : plain;
    const encoding = packed ? { 'content-encoding': 'gzip' } : {};
    // What is left of a form that was turned away is not waited for.
    const rest = this.#request.complete ? {} : { connection: 'close' };
    this.#response
      .writeHead(status, {
        ...HEADERS,
        'content-type': type,
        'content-length': body.length,
        ...encoding,
        ...rest,
        ...more,
      })
      .end(body);
  }
}
