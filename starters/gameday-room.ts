/**
 * `squall gameday room`: a page for the people of a day, until Ctrl-C.
 *
 * Owns who has a link to it, and as whom each acts. The room decides nothing: what is done in it is said to the day, which takes it or not.
 */
import { networkInterfaces } from 'node:os';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { rolesOf } from '../domain/game-day-acts.ts';
import type { GameDay } from '../domain/game-day.ts';
import { connectClient, Unreachable } from '../workers/connect.ts';
import { openJournal } from '../workers/journal.ts';
import { DONE, tellDay } from './day-act.ts';
import { EXIT } from './exit.ts';
import { UsageError } from './failure.ts';
import { interrupts } from './interrupts.ts';
import { output } from './output.ts';
import type { Output } from './output.ts';
import { person } from './room/door.ts';
import type { Person } from './room/door.ts';
import { openRoom } from './room/server.ts';
import type { OpenRoom } from './room/server.ts';
import { Sight } from './room/sight.ts';
import { theDay } from './the-day.ts';
import { configOf } from './verb-config.ts';
import type { Common } from './verb.ts';
import { actAs, signer } from './who.ts';
import { portOf } from './worker.ts';

interface Options extends Common {
  readonly as?: string;
  readonly host?: string;
  readonly port?: string;
  readonly link?: readonly string[];
}

/** How long the day may take to say where it is, in looks. */
const LOOKS_MAX = 10;

export async function main([day = '']: readonly string[], options: Options): Promise<number> {
  actAs(options.as);
  const port = options.port === undefined ? 0 : portOf(options.port);
  const { host = '127.0.0.1' } = options;
  const config = await configOf(options);
  // Whoever interrupts while the room is being opened wants it closed as well.
  const closed = new Promise<void>((resolve) => {
    for (const signal of interrupts()) process.once(signal, () => resolve());
  });
  const client = await connectClient({ queryClosed: true });
  try {
    await using store = openJournal(config);
    const { handle } = await theDay(client, day);
    const sight = new Sight(client, handle, store);
    const gameDay = await gameDayOf(sight, day);
    const { by, from } = signer();
    const people = [person(by, true), ...(options.link ?? []).map((link) => linked(link, gameDay))];
    const room = await roomFor(client, handle, sight, people, { host, port, from });
    const out = output(options.json === true);
    showRoom(day, people, gameDay, room, out);
    out.line('Whoever has a link acts as that person. Ctrl-C closes the room; the day goes on.');
    await closed;
    await room.close();
    return EXIT.held;
  } finally {
    await client.connection.close();
  }
}

/** Where a listener at `host` is found: at every address of this machine, where it listens at all of them; never none. */
function namesOf(host: string): readonly string[] {
  const family = host === '0.0.0.0' ? ['IPv4'] : host === '::' ? ['IPv4', 'IPv6'] : [];
  const found = Object.values(networkInterfaces())
    .flat()
    .filter((one) => one !== undefined && !one.internal && !one.address.startsWith('fe80:'))
    .filter((one) => family.includes(one?.family ?? ''))
    .map((one) => one?.address ?? '');
  return found.length === 0 ? [host] : found;
}

/** Opens the room of a day; what is done in it is said to the day, which takes it or not. */
export async function roomFor(
  client: Client,
  handle: WorkflowHandle,
  sight: Sight,
  people: readonly Person[],
  { host, port, from }: { readonly host: string; readonly port: number; readonly from: string },
): Promise<OpenRoom & { readonly bases: readonly string[] }> {
  const room = await openRoom({
    people,
    sight,
    host,
    port,
    act: async ({ name, own }, { execution, act }) => {
      const told = await tellDay(client, handle, execution, act, own ? undefined : { by: name, from });
      return 'refused' in told ? { done: false, words: told.refused } : { done: true, words: DONE[act.act] };
    },
  });
  return {
    ...room,
    bases: namesOf(host).map((name) => `http://${name.includes(':') ? `[${name}]` : name}:${room.port}`),
  };
}

/** Shows a link for each of its people. */
export function showRoom(
  day: string,
  people: readonly Person[],
  gameDay: GameDay,
  { bases }: { readonly bases: readonly string[] },
  out: Output,
): void {
  for (const { name, key } of people) {
    const [url = '', ...others] = bases.map((base) => `${base}/enter?key=${key}`);
    const roles = rolesOf(gameDay, name);
    out.event('room', { day, name, roles, url, ...(others.length === 0 ? {} : { others }) });
    out.line(`${out.style('bold', name)} (${roles.join(', ') || 'no role'}): ${[url, ...others].join(' or ')}`);
  }
}

async function gameDayOf(sight: Sight, day: string): Promise<GameDay> {
  for (let looks = 0; looks < LOOKS_MAX; looks += 1) {
    const seen = await sight.look(true);
    if (seen) return seen.state.gameDay;
  }
  throw new Unreachable(`no control worker answers for ${day}; there is nothing to show`);
}

/** `observer:dan`: a link to dan, who must be what it says. */
function linked(link: string, gameDay: GameDay): Person {
  const [role = '', ...rest] = link.split(':');
  const name = rest.join(':');
  const roles: readonly string[] = rolesOf(gameDay, name);
  if (name === '' || !(roles.includes(role) || (role === 'guest' && roles.length === 0)))
    throw new UsageError(
      `found --link ${link}, expected ROLE:NAME as the day has it, such as commander:${gameDay.roles.commander}, or guest:NAME for who has none`,
    );
  return person(name, false);
}
