/**
 * `squall gameday start`, `status` and `list`.
 *
 * Owns the calling of a day, and the words for where one is: as it says itself, or where nobody can ask it, as its record says.
 */
import { WorkflowNotFoundError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import type { DayHead } from '../activities/journal/store.ts';
import { dayEndsAtMs, dayStateOf, scenarioEndsAtMs } from '../domain/game-day-state.ts';
import type { DayState } from '../domain/game-day-state.ts';
import { CONTROL_QUEUE, siteQueues } from '../domain/queues.ts';
import { formatDuration } from '../domain/units.ts';
import { connectClient } from '../workers/connect.ts';
import { openJournal } from '../workers/journal.ts';
import { startDay } from '../workers/start-day.ts';
import { EXIT } from './exit.ts';
import { documentsOf } from './experiment-file.ts';
import { UsageError } from './failure.ts';
import { doAct } from './gameday-act.ts';
import { followDay } from './gameday-follow.ts';
import { dayLine, titleOf, verdictMark } from './gameday-line.ts';
import { output } from './output.ts';
import type { Output } from './output.ts';
import { requireWorkers } from './reach.ts';
import { runName } from './run.ts';
import { storyOf, theDay } from './the-day.ts';
import { configOf } from './verb-config.ts';
import type { Common } from './verb.ts';
import { actAs, signer } from './who.ts';

interface StartOptions extends Common {
  readonly by?: string;
  readonly begin?: boolean;
  readonly detach?: boolean;
}

/** `squall gameday start FILE`. */
export async function start([file = '']: readonly string[], options: StartOptions): Promise<number> {
  actAs(options.by);
  const { day: document } = await documentsOf(file, await configOf(options));
  if (document === undefined)
    throw new UsageError(`${file} has no game day; it needs a document that begins with \`gameDay:\``);
  const { gameDay, documentHash } = document;
  const client = await connectClient({ queryClosed: true });
  const out = output(options.json === true);
  try {
    await requireWorkers(client, [CONTROL_QUEUE, siteQueues(gameDay.site).chaos]);
    const day = runName(gameDay.name, new Date());
    const { by, from } = signer();
    await startDay(client, day, { gameDay, documentHash, calledBy: by, from });
    out.event('called', { day, gameDay: gameDay.name, commander: gameDay.roles.commander });
    out.line(options.detach ? day : `${out.style('bold', day)}: ${gameDay.purpose}`);
    if (by === gameDay.roles.commander && options.begin !== false) {
      const code = await doAct(client, day, () => ({ act: 'begin' }), out, options.detach === true);
      if (code !== EXIT.held) return code;
    } else if (!options.detach)
      out.line(out.style('yellow', `waits for ${gameDay.roles.commander}: \`squall gameday begin ${day}\``));
    return options.detach ? EXIT.held : await followDay(client, day, out);
  } finally {
    await client.connection.close();
  }
}

/** `squall gameday watch DAY`. */
export async function watch([day = '']: readonly string[], options: Common): Promise<number> {
  const client = await connectClient({ queryClosed: true });
  try {
    await theDay(client, day);
    return await followDay(client, day, output(options.json === true));
  } finally {
    await client.connection.close();
  }
}

/** `squall gameday status DAY`. */
export async function status([day = '']: readonly string[], options: Common): Promise<number> {
  const client = await connectClient({ queryClosed: true });
  const out = output(options.json === true);
  try {
    const { handle, described } = await theDay(client, day);
    const told = described.status.name.toLowerCase();
    const story = await storyOf(client, handle);
    const answered = story !== undefined;
    const events = story?.events ?? (await recordOf(options, day));
    const state = story?.state ?? dayStateOf(events);
    if (state === undefined) {
      out.event('status', { day, open: told === 'running', answered });
      out.line(out.style('yellow', `no control worker answers for ${day}, and there is no record of it`));
      return EXIT.unreachable;
    }
    const lost = told !== 'running' && state.phase !== 'ended';
    out.event('status', { day, open: told === 'running', answered, lost, state });
    if (!answered) out.line(out.style('yellow', `no control worker answers for ${day}; as its record says:`));
    for (const event of events) {
      const line = dayLine(event, state.gameDay, out);
      if (line !== undefined) out.line(line);
    }
    out.line('');
    if (lost) out.line(out.style('yellow', `it was ended from outside (${told}); its runs roll back by themselves`));
    show(day, state, out);
    return answered ? EXIT.held : EXIT.unreachable;
  } finally {
    await client.connection.close();
  }
}

async function recordOf(options: Common, day: string) {
  await using store = openJournal(await configOf(options));
  return (await store.days.read(day))?.events ?? [];
}

function show(day: string, state: DayState, out: Output): void {
  const { phase, gameDay, current, scenarios, begunAtMs } = state;
  const words = phase === 'ended' ? (state.ending ?? phase) : phase;
  const endsAtMs = dayEndsAtMs(state);
  const until = phase === 'ended' || endsAtMs === undefined ? '' : `, until ${clock(endsAtMs)}`;
  out.line(`${out.style('bold', day)}: ${words}${until}${state.why === undefined ? '' : `: ${state.why}`}`);
  for (const [index, scenario] of scenarios.entries()) {
    const { name, offsetMs } = gameDay.scenarios[index] ?? { name: '', offsetMs: 0 };
    const ends = scenario.phase === 'running' ? scenarioEndsAtMs(state, index) : undefined;
    const when =
      scenario.phase === 'ahead'
        ? `at ${begunAtMs === undefined ? `T+${formatDuration(offsetMs)}` : clock(begunAtMs + offsetMs)}`
        : (scenario.ending ?? scenario.phase);
    out.line(
      `${index === current ? '▸' : ' '} ${String(index + 1).padStart(2)} ${name}: ${when}${ends === undefined ? '' : `, until ${clock(ends)}`}`,
    );
    if (scenario.phase === 'ahead') continue;
    for (const [at, one] of scenario.criteria.entries()) {
      const asked = gameDay.scenarios[index]?.criteria[at]?.name ?? '';
      out.line(
        `     ${one ? verdictMark(one.verdict, out) : '·'} ${at + 1} ${asked}${one ? `: ${one.evidence || one.verdict}` : ''}`,
      );
    }
    for (const { step, tookMs } of scenario.steps)
      if (tookMs === undefined) out.line(out.style('yellow', `     by hand: ${step}; \`squall gameday done ${day}\``));
  }
  if (phase === 'called') out.line(`\`squall gameday begin ${day}\`, by ${gameDay.roles.commander}`);
  if (phase === 'waiting-for-approval' && current !== undefined)
    out.line(
      `\`squall gameday approve ${day}\` or \`skip\`, by ${gameDay.roles.commander}: ${titleOf(gameDay, current)}`,
    );
  if (state.paused) out.line(`paused by ${state.paused.by}: ${state.paused.why}; \`squall gameday resume ${day}\``);
}

function clock(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 19).concat('Z');
}

/** `squall gameday list`. */
export async function list(_args: readonly string[], options: Common): Promise<number> {
  const config = await configOf(options);
  const client = await connectClient({ queryClosed: true });
  const out = output(options.json === true);
  try {
    await using store = openJournal(config);
    const days = await store.days.list();
    for (const head of days) {
      const state = head.problem ?? (await stateOf(client, head));
      const { day, gameDay, calledAtMs } = head;
      out.event('day', { day, gameDay, state, calledAt: new Date(calledAtMs).toISOString() });
      out.line(`${day.padEnd(48)} ${state.padEnd(12)} ${clock(calledAtMs)}`);
    }
    if (days.length === 0) out.line('no game days');
    return EXIT.held;
  } finally {
    await client.connection.close();
  }
}

/** How it ended, or where it is: a record that does not say may be of a day that was ended from outside. */
async function stateOf(client: Client, { day, ending, begunAtMs }: DayHead): Promise<string> {
  if (ending !== null) return ending;
  const open = begunAtMs === null ? 'called' : 'open';
  return client.workflow
    .getHandle(day)
    .describe()
    .then(
      ({ status: { name } }) => (name === 'RUNNING' ? open : name.toLowerCase()),
      (error: unknown) => {
        if (error instanceof WorkflowNotFoundError) return 'lost';
        throw error;
      },
    );
}
