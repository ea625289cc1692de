/** Times of a calendar on a real server: what a schedule is to match is computed here by another library, day by day. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import { Temporal } from 'temporal-polyfill';
import { parseFile } from '../../documents/file.ts';
import { calendarPeriodMs, formatCalendarTime, parseCalendarTime } from '../../domain/calendar-time.ts';
import { describeTimes } from '../../domain/program-changes.ts';
import type { Cadence } from '../../domain/program.ts';
import { applyProgram, scheduledCadences } from '../../workers/schedules.ts';
import { startDevServer } from '../../workers/temporal-server.ts';
import type { DevServer } from '../../workers/temporal-server.ts';
import { catalogue } from '../documents/experiment.ts';
import { ROOT } from '../readme/blocks.ts';

/** As a server answers at most. */
const MATCHING_MAX = 1_000;

const cadenceAt = (written: string): Cadence => {
  const at = parseCalendarTime(written) ?? assert.fail(written);
  return { name: 'it', everyMs: calendarPeriodMs(at), at, pick: 'evidence', dryRun: true, pool: [] };
};

/** Days of these years on which `written` may come. */
function* daysOf(written: string, [first, last]: readonly [number, number]): Generator<Temporal.PlainDate> {
  const [, ofMonth, named] = /^(last )?(\w+)/.exec(written) ?? [];
  const names = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];
  const wanted = named === 'daily' ? undefined : names.indexOf(named ?? '') + 1;
  for (
    let day = Temporal.PlainDate.from({ year: first, month: 1, day: 1 });
    day.year <= last;
    day = day.add({ days: 1 })
  ) {
    if (wanted !== undefined && day.dayOfWeek !== wanted) continue;
    if (ofMonth !== undefined && day.add({ days: 7 }).month === day.month) continue;
    yield day;
  }
}

/** The moments at which a clock of the zone shows `time` on `day`: one, or where it is changed none or two. */
function momentsOf(day: Temporal.PlainDate, time: string, zone: string): readonly number[] {
  const wall = day.toPlainDateTime(Temporal.PlainTime.from(time));
  const moments = (['earlier', 'later'] as const).map((disambiguation) =>
    wall.toZonedDateTime(zone, { disambiguation }),
  );
  const shown = moments.filter((moment) => moment.toPlainDateTime().equals(wall));
  return [...new Set(shown.map(({ epochMilliseconds }) => epochMilliseconds))];
}

function momentsIn(written: string, years: readonly [number, number]): readonly number[] {
  const [time = '', zone = ''] = written.split(' ').slice(-2);
  return [...daysOf(written, years)].flatMap((day) => momentsOf(day, time, zone));
}

/** Cadences, and the years that are looked at. 2028 is a leap year whose February has five Tuesdays; 2000 was one, and 2100 is none. */
const CADENCES: readonly (readonly [written: string, first: number, last: number])[] = [
  ['daily 10:00 America/Los_Angeles', 2026, 2033],
  ['Thursday 14:00 America/Los_Angeles', 2026, 2060],
  ['last Friday of month 14:00 America/Los_Angeles', 2000, 2099],
  // Where the last of February is its 29th, or would be in a leap year, it is another day each time.
  ...['Monday', 'Tuesday', 'Saturday', 'Sunday'].map(
    (day) => [`last ${day} of month 09:30 Europe/Zurich`, 2024, 2060] as const,
  ),
  // A quarter past midnight is on another date in UTC.
  ['last Friday of month 00:15 Pacific/Auckland', 2026, 2060],
  // Skipped in March, and shown twice in November.
  ['daily 02:30 America/Los_Angeles', 2026, 2029],
  ['daily 01:30 America/Los_Angeles', 2026, 2029],
  ['Sunday 01:30 America/Los_Angeles', 2026, 2029],
  // Where clocks are changed by half an hour, in the other half of the year. (What that half hour skips or repeats, the server does not know.)
  ['daily 10:00 Australia/Lord_Howe', 2026, 2029],
  ['daily 10:00 UTC', 2028, 2028],
];

describe('times of a calendar', () => {
  let folder: string;
  let server: DevServer;
  let client: Client;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'squall-calendar-'));
    server = await startDevServer({ namespace: 'default', headless: true, logFile: join(folder, 'temporal.log') });
    client = new Client({ connection: await Connection.connect({ address: server.address }) });
  });
  after(async () => {
    await client.connection.close();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const apply = async (cadence: Cadence) =>
    applyProgram(client, { name: 'calendar', cadences: [cadence] }, { appliedBy: 'a test', prune: true });

  /** What the server says that it would match from the first day of a year to the last of another, in UTC. */
  const matching = async (fromMs: number, toMs: number): Promise<readonly number[]> => {
    const found: number[] = [];
    // What a server is asked from does not count.
    for (let startMs = fromMs - 1_000; startMs < toMs;) {
      const at = (ms: number) => ({ seconds: Math.floor(ms / 1_000) as unknown as Long, nanos: 0 });
      const { startTime } = await client.workflowService.listScheduleMatchingTimes({
        namespace: 'default',
        scheduleId: 'squall-program/calendar/it',
        startTime: at(startMs),
        endTime: at(toMs),
      });
      const some = startTime.map(({ seconds }) => Number(seconds) * 1_000);
      found.push(...some);
      if (some.length < MATCHING_MAX) break;
      startMs = some.at(-1) ?? toMs;
    }
    return found;
  };

  for (const [written, first, last] of CADENCES)
    it(`${written}, from ${first} to ${last}`, async () => {
      await apply(cadenceAt(written));
      const expected = momentsIn(written, [first - 1, last + 1]);
      const [fromMs, toMs] = [Date.UTC(first, 0, 1), Date.UTC(last, 11, 31)];
      const within = expected.filter((ms) => ms >= fromMs && ms <= toMs);
      assert.ok(within.length > 0);
      const iso = (list: readonly number[]) => list.map((ms) => new Date(ms).toISOString());
      assert.deepEqual(iso(await matching(fromMs, toMs)), iso(within));
      assert.deepEqual(await apply(cadenceAt(written)), [{ cadence: 'it', what: 'unchanged', changes: [] }]);
    });

  it('every half hour of a leap year, whatever the clocks do', async () => {
    const cadence: Cadence = { name: 'it', everyMs: 1_800_000, pick: 'evidence', dryRun: true, pool: [] };
    await apply(cadence);
    const [fromMs, toMs] = [Date.UTC(2028, 0, 1), Date.UTC(2028, 11, 31)];
    const halves = Array.from({ length: 365 * 48 + 1 }, (_, i) => fromMs + i * cadence.everyMs);
    assert.deepEqual(await matching(fromMs, toMs), halves);
  });

  it('those of the standard program are among them', async () => {
    const file = join(ROOT, 'experiments', 'programs', 'standard.yaml');
    const parsed = parseFile(await readFile(file), file, catalogue);
    assert.ok(parsed.ok);
    const written = (parsed.program?.cadences ?? []).flatMap(({ at }) =>
      at === undefined ? [] : formatCalendarTime(at),
    );
    assert.equal(written.length, 3);
    for (const at of written)
      assert.ok(
        CADENCES.some(([one]) => one === at),
        at,
      );
  });

  it('a change is told in the words of the document, and so is what was done by hand', async () => {
    const changes = async (cadence: Cadence) => (await apply(cadence)).map(({ what, changes }) => [what, ...changes]);
    await apply(cadenceAt('daily 10:00 America/Los_Angeles'));
    const friday = cadenceAt('last Friday of month 14:00 America/Los_Angeles');
    assert.deepEqual(await changes(friday), [
      ['changed', 'last Friday of month 14:00 America/Los_Angeles, was daily 10:00 America/Los_Angeles'],
    ]);
    const { at: _at, ...often } = friday;
    assert.deepEqual(await changes({ ...often, everyMs: 1_800_000, pick: 'random' }), [
      ['changed', 'every 30m, was last Friday of month 14:00 America/Los_Angeles', 'pick: random, was pick: evidence'],
    ]);
    await apply(friday);
    const handle = client.schedule.getHandle('squall-program/calendar/it');
    await handle.update((found) => ({ ...found, spec: { ...found.spec, timezone: 'Europe/Zurich' } }));
    assert.deepEqual(await changes(friday), [['changed', 'somebody had changed it in Temporal']]);
    await handle.update((found) => ({ ...found, spec: { ...found.spec, intervals: [{ every: '1 day' }] } }));
    assert.deepEqual(await changes(friday), [['changed', 'somebody had changed it in Temporal']]);
    assert.deepEqual(await changes(friday), [['unchanged']]);
    const [scheduled] = await scheduledCadences(client);
    assert.equal(scheduled && describeTimes(scheduled), 'last Friday of month 14:00 America/Los_Angeles');
  });
});

describe('what is written', () => {
  it('is read, and written the same', () => {
    for (const [written] of CADENCES) assert.equal(formatCalendarTime(cadenceAt(written).at ?? assert.fail()), written);
    const loose = parseCalendarTime('LAST friday OF MONTH 09:05 europe/zurich') ?? assert.fail();
    assert.equal(formatCalendarTime(loose), 'last Friday of month 09:05 Europe/Zurich');
  });

  for (const wrong of [
    'daily 10:00',
    'daily 24:00 UTC',
    'daily 9:00 UTC',
    'daily 10:60 UTC',
    'Freitag 10:00 UTC',
    'daily 10:00 Europe/Atlantis',
    'daily 10:00 +01:00',
    'last Friday 10:00 UTC',
    'Friday of month 10:00 UTC',
    'last daily of month 10:00 UTC',
    ' daily 10:00 UTC',
    '',
  ])
    it(`is refused: ${JSON.stringify(wrong)}`, () => assert.equal(parseCalendarTime(wrong), undefined));
});
