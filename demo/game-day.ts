/**
 * `npm run demo:gameday`: the game day of the shop, hours of it in a few minutes, with its room and its report.
 *
 * Owns the order of things. Its people are played; with `--by-hand` whoever has the links plays them, and the room stays until Ctrl-C. Ctrl-C in
 * the middle of the day aborts it, and waits for the rollback. Exits as `squall gameday start` does.
 */
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, WorkflowHandle } from '@temporalio/client';
import type { DayAct } from '../domain/game-day-acts.ts';
import { actsOpenTo } from '../domain/game-day-choices.ts';
import type { DayState } from '../domain/game-day-state.ts';
import type { GameDay } from '../domain/game-day.ts';
import { tellDay } from '../starters/day-act.ts';
import { endProcess } from '../starters/ending.ts';
import { EXIT } from '../starters/exit.ts';
import { documentsOf } from '../starters/experiment-file.ts';
import { report } from '../starters/failure.ts';
import { followDay } from '../starters/gameday-follow.ts';
import { writeDayReport } from '../starters/gameday-report.ts';
import { roomFor, showRoom } from '../starters/gameday-room.ts';
import { output } from '../starters/output.ts';
import { person } from '../starters/room/door.ts';
import { Sight } from '../starters/room/sight.ts';
import { runName } from '../starters/run.ts';
import { storyOf } from '../starters/the-day.ts';
import { connectClient } from '../workers/connect.ts';
import { openJournal } from '../workers/journal.ts';
import { startDay } from '../workers/start-day.ts';
import { openStage, Wish } from './stage.ts';

const FILE = join(import.meta.dirname, '..', 'experiments', 'game-days', 'shop.yaml');
/** Between two looks at what the day waits for, in milliseconds. */
const LOOK_MS = 500;

/** Acts without which a day does not go on. */
const WAITED_FOR: ReadonlySet<DayAct['act']> = new Set(['begin', 'approve', 'done', 'judge']);

const byHand = process.argv.includes('--by-hand');
const json = process.argv.includes('--json');
const out = output(json);
const wish = new Wish();

async function main(): Promise<number> {
  await using stage = await openStage(out, wish);
  if (stage === undefined) return EXIT.interrupted;
  const { config } = stage;
  const { day: document } = await documentsOf(FILE, config);
  if (document === undefined) throw new Error(`${FILE} has no game day`);
  const { gameDay } = document;
  await using store = openJournal(config);
  const client = await connectClient({ queryClosed: true });
  try {
    const day = runName(gameDay.name, new Date());
    const handle = await startDay(client, day, { ...document, calledBy: gameDay.roles.commander, from: hostname() });
    const people = castOf(gameDay).map((name) => person(name, false));
    const room = await roomFor(client, handle, new Sight(client, handle, store), people, {
      host: '127.0.0.1',
      port: 0,
      from: hostname(),
    });
    showRoom(day, people, gameDay, room, out);
    const over = new AbortController();
    const followed = followDay(client, day, out).finally(() => over.abort());
    const [code] = await Promise.all([Promise.race([followed, wish.second]), play(client, handle, over.signal)]);
    // What is on ends by itself, once its time-to-live is over.
    if (code === undefined) return EXIT.interrupted;
    const early = wish.came;
    out.line(`report: ${await writeDayReport(config, day)}`);
    if (byHand && !early) out.line('Ctrl-C closes the room');
    if (byHand) await wish.first;
    await room.close();
    return early ? EXIT.interrupted : code;
  } finally {
    await client.connection.close();
  }
}

/** Its people, the commander last: what others may do as well is theirs. */
function castOf({ roles: { commander, scribe, communications, observers } }: GameDay): string[] {
  return [...new Set([communications, ...observers, scribe, commander])].filter((name) => name !== undefined);
}

/** What the day waits for, and who says it; undefined where it waits for nobody. */
function cueOf(state: DayState): { readonly by: string; readonly act: DayAct } | undefined {
  for (const by of castOf(state.gameDay)) {
    const act = actsOpenTo(state, by).find(({ act }) => WAITED_FOR.has(act));
    if (act) return { by, act: act.act === 'judge' ? { ...act, why: 'played: nobody has looked' } : act };
  }
  return undefined;
}

/** Says what is waited for, until `over`. */
async function play(client: Client, handle: WorkflowHandle, over: AbortSignal): Promise<void> {
  const gone = wish.second.then(() => true);
  while (!over.aborted && !(await Promise.race([gone, sleep(LOOK_MS, false)]))) {
    const story = await storyOf(client, handle, Number.MAX_SAFE_INTEGER);
    const { commander = '' } = story?.state.gameDay.roles ?? {};
    const leave = { by: commander, act: { act: 'abort', why: 'the demo was interrupted' } } as const;
    const cue = story && (wish.came ? leave : byHand ? undefined : cueOf(story.state));
    if (story === undefined || cue === undefined || story.state.phase === 'ended') continue;
    // What is refused has been said by somebody else meanwhile, and what is not answered is said again.
    await tellDay(client, handle, story.execution, cue.act, { by: cue.by, from: hostname() }).catch(() => undefined);
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  process.exitCode = report(error, json);
}
endProcess();
