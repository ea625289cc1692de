/**
 * Following a game day from outside.
 *
 * Owns the loop that asks a day for its story and shows it, and the exit code of a day. Ctrl-C only ends the following: a day has more people
 * than one at a terminal.
 */
import type { Client } from '@temporalio/client';
import { Unreachable } from '../workers/connect.ts';
import type { DayState } from '../domain/game-day-state.ts';
import { EXIT } from './exit.ts';
import { dayLine } from './gameday-line.ts';
import type { Output } from './output.ts';
import { storyOf, theDay } from './the-day.ts';

/** Time between two questions, in milliseconds. */
const POLL_MS = 500;
/** Nobody may answer for so long before following gives up, in milliseconds. */
const AWAY_MS = 60_000;

/** Words of Temporal for a day that goes on, or has told how it ended, if nobody can be asked at the moment. */
const OPEN: ReadonlySet<string> = new Set(['RUNNING', 'PAUSED', 'COMPLETED']);

/** Shows a day until it ends; the exit code. */
export async function followDay(client: Client, day: string, out: Output): Promise<number> {
  let seen = 0;
  let answeredAtMs = performance.now();
  for (;;) {
    const asked = await theDay(client, day).catch((error: unknown) => {
      if (performance.now() - answeredAtMs > AWAY_MS) throw error;
      return undefined;
    });
    const story = asked && (await storyOf(client, asked.handle, seen));
    if (story) {
      answeredAtMs = performance.now();
      for (const event of story.events) {
        seen = event.seq + 1;
        const { type, seq: _, atMs, ...fields } = event;
        if (type !== 'samples') out.event(type, { day, happenedAt: new Date(atMs).toISOString(), ...fields });
        const line = dayLine(event, story.state.gameDay, out);
        if (line !== undefined) out.line(line);
      }
      if (story.state.phase === 'ended') return finished(day, story.state, out);
    }
    const status = asked?.described.status.name;
    if (status !== undefined && !OPEN.has(status)) return lost(day, status, out);
    if (performance.now() - answeredAtMs > AWAY_MS)
      throw new Unreachable(`no control worker answers for ${day}; it goes on once one does`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

function finished(day: string, state: DayState, out: Output): number {
  const { ending = 'interrupted', why = '' } = state;
  const verdicts = state.scenarios.flatMap(({ criteria }) => criteria.map((one) => one?.verdict ?? 'unknown'));
  const met = verdicts.filter((verdict) => verdict === 'met').length;
  out.event('finished', { day, ending, why, met, of: verdicts.length });
  const words = `${met} of ${verdicts.length} criteria were met`;
  out.line(out.style(ending === 'completed' && met === verdicts.length ? 'green' : 'yellow', words));
  out.line(`\`squall gameday report ${day}\` writes it down`);
  return exitOfDay(state);
}

/** 0: completed, and all that was asked was met. 1: completed, and something was not. 6: it ended early. */
export function exitOfDay({ ending, scenarios }: DayState): number {
  if (ending !== 'completed') return EXIT.noVerdict;
  const all = scenarios.every(
    ({ ending: how, criteria }) => how === 'done' && criteria.every((one) => one?.verdict === 'met'),
  );
  return all ? EXIT.held : EXIT.deviated;
}

function lost(day: string, status: string, out: Output): number {
  const why = `the day was ended from outside (${status.toLowerCase()}); its runs were told to end, and roll back by themselves`;
  out.event('finished', { day, ending: 'lost', why });
  out.line(`${out.style('yellow', 'lost')}: ${why}`);
  return EXIT.noVerdict;
}
