/** Windows: the wall clock of a time zone, holidays, change freezes, and calendars that cannot be read. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Temporal } from 'temporal-polyfill';
import { fileCalendar, urlCalendar } from '../../activities/admission/calendar.ts';
import { windowGuard } from '../../activities/admission/window.ts';
import type { Calendar } from '../../activities/admission/window.ts';
import { pausing } from '../../bench/torture/experiment.ts';
import { admissionSchema } from '../../workers/admission-settings.ts';
import { saying, startServer } from '../probes/server.ts';
import { asked } from './asked.ts';

const { signal } = new AbortController();
const plain = pausing({ fault: 'host/pause', group: 'any', seed: 'any', ttlMs: 5_000, stages: [1], holdMs: 5_000 });

interface Written {
  readonly timeZone: string;
  readonly open: Readonly<Record<string, string | readonly string[]>>;
  readonly holidays?: readonly string[];
}

/** What the guard says at `at`, an instant in ISO 8601. */
async function ask(written: Written, at: string, freezes: readonly Calendar[] = []): Promise<string> {
  const { windows } = admissionSchema.parse({
    windows: { office: written },
    incidents: [{ http: { url: 'http://127.0.0.1/', jsonPointer: '', calmWhen: 'empty' } }],
    capacity: { probe: 'spare' },
  });
  const [{ timeZone, open, holidays } = assert.fail()] = Object.values(windows);
  const window = { timeZone, open, holidays: new Set(holidays), freezes };
  const guard = windowGuard(new Map([['office', window]]), () => Date.parse(at));
  const input = asked({ ...plain, preconditions: { window: 'office' } });
  const { passed, found } = await guard.ask(input, signal);
  assert.equal(passed, / is open, /.test(found), found);
  return found;
}

const OFFICE = { timeZone: 'Europe/Zurich', open: { 'mon-fri': '09:00-17:00' } };

test('hours are of the wall clock, in winter and in summer', async () => {
  for (const [at, says] of [
    ['2026-01-14T08:00:00Z', 'office is open, at wed 2026-01-14T09:00 in Europe/Zurich'],
    ['2026-01-14T07:59:59Z', 'office is closed outside 09:00-17:00, at wed 2026-01-14T08:59 in Europe/Zurich'],
    ['2026-07-15T07:00:00Z', 'office is open, at wed 2026-07-15T09:00 in Europe/Zurich'],
    ['2026-07-15T15:00:00Z', 'office is closed outside 09:00-17:00, at wed 2026-07-15T17:00 in Europe/Zurich'],
    ['2026-07-18T10:00:00Z', 'office is closed today, at sat 2026-07-18T12:00 in Europe/Zurich'],
  ] as const)
    assert.equal(await ask(OFFICE, at), says);
});

test('the day that has 23 hours and the one that has 25 are days like others', async () => {
  const nightly = { timeZone: 'Europe/Zurich', open: { sun: '01:00-04:00' } };
  // 2026-03-29: 02:00 becomes 03:00. 2026-10-25: 03:00 becomes 02:00.
  for (const [at, open] of [
    ['2026-03-29T00:30:00Z', true],
    ['2026-03-29T01:00:00Z', true],
    ['2026-03-29T02:00:00Z', false],
    ['2026-10-25T00:30:00Z', true],
    ['2026-10-25T01:30:00Z', true],
    ['2026-10-25T02:59:59Z', true],
    ['2026-10-25T03:00:00Z', false],
  ] as const)
    assert.equal((await ask(nightly, at)).includes('is open'), open, at);
});

test('days may go over the end of a week, and have several hours', async () => {
  const shifts = {
    timeZone: 'Asia/Kathmandu',
    open: { 'sat-mon': ['22:00-24:00', '00:00-02:00'], tue: '08:15-08:30' },
  };
  for (const [at, open] of [
    ['2026-01-11T16:15:00Z', true], // sunday 22:00
    ['2026-01-11T18:10:00Z', true], // sunday 23:55
    ['2026-01-11T18:20:00Z', true], // monday 00:05
    ['2026-01-12T20:20:00Z', false], // tuesday 02:05
    ['2026-01-13T02:30:00Z', true], // tuesday 08:15
    ['2026-01-14T02:30:00Z', false], // wednesday
  ] as const)
    assert.equal((await ask(shifts, at)).includes('is open'), open, at);
});

test('a holiday is the date in the window’s time zone', async () => {
  const closed = { ...OFFICE, open: { 'mon-sun': '00:00-24:00' }, holidays: ['2026-12-25'] };
  assert.match(await ask(closed, '2026-12-24T23:00:00Z'), /^office is closed for a holiday, at fri 2026-12-25T00:00/);
  assert.match(await ask(closed, '2026-12-25T22:59:59Z'), /closed for a holiday/);
  assert.match(await ask(closed, '2026-12-25T23:00:00Z'), /is open/);
});

test('an experiment that names no window is not asked, and one that names an unknown window is refused', async () => {
  const guard = windowGuard(new Map(), Date.now);
  assert.equal((await guard.ask(asked(plain), signal)).passed, true);
  const input = asked({ ...plain, preconditions: { window: 'office' } });
  assert.deepEqual(await guard.ask(input, signal), {
    passed: false,
    found: 'there is no window office on this control worker; there are: none',
  });
});

test('windows that are wrong are refused with what was expected', () => {
  const complaint = (window: unknown): string => {
    const { error } = admissionSchema.shape.windows.safeParse({ office: window });
    return error?.issues[0]?.message ?? 'no complaint';
  };
  assert.match(complaint({ ...OFFICE, timeZone: 'Europe/Zurihc' }), /expected an IANA time zone/);
  assert.match(complaint({ ...OFFICE, open: { 'mon-fri': '17:00-09:00' } }), /the earlier first/);
  assert.match(complaint({ ...OFFICE, open: { 'mon-fri': '9-17' } }), /expected hours/);
  assert.match(complaint({ ...OFFICE, open: {} }), /at least one day/);
  assert.notEqual(complaint({ ...OFFICE, open: { monday: '09:00-17:00' } }), 'no complaint');
  assert.match(complaint({ ...OFFICE, holidays: ['25.12.2026'] }), /expected a date/);
});

const CALENDAR = [
  'BEGIN:VCALENDAR',
  'VERSION:2.0',
  'PRODID:-//test//test//EN',
  'BEGIN:VEVENT',
  'UID:1',
  'DTSTART;VALUE=DATE:20261121',
  'DTEND;VALUE=DATE:20261124',
  'SUMMARY:Black Friday\\, and the days around it',
  'END:VEVENT',
  'BEGIN:VEVENT',
  'UID:2',
  'DTSTART;TZID=America/New_York:20260105T100000',
  'DTEND;TZID=America/New_York:20260105T110000',
  'RRULE:FREQ=WEEKLY;BYDAY=MO',
  'EXDATE;TZID=America/New_York:20260720T100000',
  'SUMMARY:Weekly release',
  'END:VEVENT',
  'END:VCALENDAR',
  '',
].join('\r\n');

describe('change freezes', () => {
  const ALWAYS = { timeZone: 'Europe/Zurich', open: { 'mon-sun': '00:00-24:00' } };
  let folder: string;
  let file: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'squall-freezes-'));
    file = join(folder, 'freezes.ics');
    await writeFile(file, CALENDAR);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  test('events of whole days are on by the window’s own date', async () => {
    const ask2 = (at: string): Promise<string> => ask(ALWAYS, at, [fileCalendar(file)]);
    assert.match(await ask2('2026-11-20T22:59:59Z'), /is open/);
    assert.match(
      await ask2('2026-11-20T23:00:00Z'),
      /closed by a change freeze, "Black Friday, and the days around it" \(\/.*freezes.ics\)/,
    );
    assert.match(await ask2('2026-11-23T22:59:59Z'), /change freeze/);
    assert.match(await ask2('2026-11-23T23:00:00Z'), /is open/);
  });

  test('what comes back every week is on at its own wall clock, except where it is left out', async () => {
    const ask2 = (at: string): Promise<string> => ask(ALWAYS, at, [fileCalendar(file)]);
    for (const [at, frozen] of [
      ['2026-01-12T15:00:00Z', true], // winter in New York: 10:00
      ['2026-01-12T16:00:00Z', false],
      ['2026-07-13T14:00:00Z', true], // summer in New York: 10:00
      ['2026-07-13T15:00:00Z', false],
      ['2026-07-20T14:30:00Z', false],
    ] as const)
      assert.equal((await ask2(at)).includes('change freeze, "Weekly release"'), frozen, at);
  });

  test('a calendar is read from a URL too, and one that cannot be read refuses', async () => {
    const server = await startServer(saying(CALENDAR, 200, 'text/calendar'));
    try {
      const calendar = urlCalendar({ url: server.url });
      assert.match(await ask(ALWAYS, '2026-11-22T12:00:00Z', [calendar]), /Black Friday/);
      server.answer(saying('gone', 404, 'text/plain'));
      await assert.rejects(ask(ALWAYS, '2026-11-22T12:00:00Z', [calendar]), /status 404/);
      server.answer(saying('<html></html>', 200, 'text/html'));
      await assert.rejects(ask(ALWAYS, '2026-11-22T12:00:00Z', [calendar]), /no iCalendar/);
    } finally {
      await server.close();
    }
    const damaged: readonly (readonly [string, RegExp])[] = [
      [CALENDAR.slice(0, CALENDAR.indexOf('RRULE')), /cut off/],
      [`${CALENDAR}${CALENDAR}`, /several calendars/],
      [CALENDAR.replace('UID:2', 'UID:1'), /2 events, of which only 1 can be read/],
      [CALENDAR.replace('EXDATE', 'RDATE'), /RDATE/],
      [CALENDAR.replace('DTSTART;VALUE=DATE:20261121', 'DTSTART;VALUE=DATE:soon'), /time cannot be read|can be read/],
    ];
    for (const [text, says] of damaged) {
      const path = join(folder, 'damaged.ics');
      await writeFile(path, text);
      await assert.rejects(ask(ALWAYS, '2026-11-22T12:00:00Z', [fileCalendar(path)]), says);
    }
    await assert.rejects(ask(ALWAYS, '2026-11-22T12:00:00Z', [fileCalendar(join(folder, 'none.ics'))]), /ENOENT/);
    await writeFile(join(folder, 'large.ics'), Buffer.alloc(1024 * 1024 + 1, 'x'));
    await assert.rejects(ask(ALWAYS, '2026-11-22T12:00:00Z', [fileCalendar(join(folder, 'large.ics'))]), /larger than/);
  });

  /** What is said of CALENDAR with these changes. */
  async function changed(...changes: readonly (readonly [string, string])[]): Promise<string> {
    const path = join(folder, 'changed.ics');
    await writeFile(
      path,
      changes.reduce((text, [from, to]) => text.replaceAll(from, to), CALENDAR),
    );
    return ask(ALWAYS, '2026-01-12T15:00:00Z', [fileCalendar(path)]);
  }

  const ZONE = 'America/New_York';
  /** A time zone that the calendar describes itself. */
  const own = (name: string): readonly [string, string] => [
    'VERSION:2.0',
    `VERSION:2.0\r\nBEGIN:VTIMEZONE\r\nTZID:${name}\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0900\r\nTZOFFSETTO:+0900\r\nEND:STANDARD\r\nEND:VTIMEZONE`,
  ];

  test('a time in a time zone that is not IANA’s is not taken for another one', async () => {
    const says = /time zone that is none of IANA’s/;
    await assert.rejects(changed([ZONE, 'Custom'], own('Custom')), says);
    await assert.rejects(changed([ZONE, 'Nowhere/Land']), says);
    await assert.rejects(changed([ZONE, 'tzone://Microsoft/Custom'], own('tzone://Microsoft/Custom')), says);
    await assert.rejects(changed([ZONE, '"Customized Time Zone"']), says);
    await assert.rejects(changed([`;TZID=${ZONE}`, ''], own('Custom')), says);
    await assert.rejects(changed([`DTEND;TZID=${ZONE}`, 'DTEND;TZID=Custom']), says);
    await assert.rejects(changed([`EXDATE;TZID=${ZONE}`, 'EXDATE;TZID=Custom']), says);
    assert.match(await changed([ZONE, 'Eastern Standard Time']), /change freeze, "Weekly release"/);
    assert.match(await changed([ZONE, 'Etc/GMT+5']), /change freeze, "Weekly release"/);
  });

  test('names in lower case, which are legal, pass over no freeze', async () => {
    await assert.rejects(changed(['BEGIN:VEVENT', 'begin:vevent'], ['END:VEVENT', 'end:vevent']), /begin:vevent/);
    await assert.rejects(changed(['VEVENT', 'vevent']), /2 events, of which only 0 can be read/);
    await assert.rejects(changed(['DTEND;', 'dtend;']), /not understood: "dtend;/);
    await assert.rejects(changed(['EXDATE', 'rdate']), /RDATE/);
    await assert.rejects(changed(['EXDATE', 'RDA\r\n TE']), /RDATE/);
    await assert.rejects(changed(['DTEND;', 'DTEND;X-A="b"c;']), /not understood: "DTEND;/);
    assert.match(await changed(['TZID=', 'tzid=']), /change freeze, "Weekly release"/);
  });

  test('a calendar that would keep the worker busy is refused, and no longer waited for than the guard is', async () => {
    const rule = 'FREQ=WEEKLY;BYDAY=MO';
    const repeats = /repeats by seconds or minutes/;
    await assert.rejects(changed([rule, 'FREQ=SECONDLY']), repeats);
    await assert.rejects(changed([rule, 'freq=minutely;INTERVAL=5']), repeats);
    await assert.rejects(changed([rule, 'FREQ=DAI\r\n LY;BYSECOND=0,1,2']), repeats);
    await assert.rejects(changed([rule, 'FREQ=DAILY;COUNT=1001']), /repeats more than 1000 times/);
    await assert.rejects(
      changed(['DTEND;TZID=America/New_York:20260105', 'DTEND;TZID=America/New_York:20260206']),
      /31 days/,
    );
    const exceptions = Array.from({ length: 1_001 }, () => '20260720T100000').join(',');
    await assert.rejects(changed([':20260720T100000', `:${exceptions}`]), /more than 1000 exceptions/);
    const event = (i: number): string => `BEGIN:VEVENT\r\nUID:${i}\r\nDTSTART:20200101T000000Z\r\nEND:VEVENT\r\n`;
    const many = (count: number): string => Array.from({ length: count }, (_, i) => event(100 + i)).join('');
    assert.match(await changed(['END:VCALENDAR', `${many(498)}END:VCALENDAR`]), /Weekly release/);
    await assert.rejects(changed(['END:VCALENDAR', `${many(499)}END:VCALENDAR`]), /501 events, expected at most 500/);
    const at = Temporal.Instant.from('2026-01-12T15:00:00Z').toZonedDateTimeISO('UTC');
    await assert.rejects(fileCalendar(file).frozen(at, AbortSignal.abort(new Error('late'))), /late/);
  });

  test('an address that is a secret is read at every question, and is in no answer', async () => {
    const server = await startServer(saying(CALENDAR, 200, 'text/calendar'));
    const secret = `${server.url}/private-5f3a9c81/basic.ics?key=5f3a9c81`;
    const path = join(folder, 'address');
    const calendar = urlCalendar({ urlFrom: { file: path } });
    const at = '2026-11-22T12:00:00Z';
    const said: string[] = [];
    const hear = async (asks: Promise<string>): Promise<string> => {
      said.push(await asks.catch((error: unknown) => String(error)));
      return said.at(-1) ?? '';
    };
    try {
      assert.match(await hear(ask(ALWAYS, at, [calendar])), /ENOENT/);
      await writeFile(path, secret);
      assert.match(await hear(ask(ALWAYS, at, [calendar])), new RegExp(`Black Friday.*\\(${path}\\)`));
      server.answer((_, response) => response.writeHead(302, { location: `${secret}&again` }).end());
      assert.match(await hear(ask(ALWAYS, at, [calendar])), /status 302/);
      server.answer((request) => request.destroy());
      assert.match(await hear(ask(ALWAYS, at, [calendar])), /the connection failed/);
    } finally {
      await server.close();
    }
    assert.match(await hear(ask(ALWAYS, at, [calendar])), /ECONNREFUSED/);
    for (const wrong of ['ftp://5f3a9c81.example/', 'https://ada:5f3a9c81@example.com/', '5f3a9c81'])
      assert.match(await hear(writeFile(path, wrong).then(() => ask(ALWAYS, at, [calendar]))), /holds no http/);
    assert.deepEqual(
      said.filter((words) => words.includes('5f3a9c81') || words.includes('127.0.0.1')),
      [],
    );
  });

  test('a freeze is a file, or an address, or where the address is', () => {
    const complaint = (freeze: unknown): string => {
      const freezes = [freeze];
      const { error } = admissionSchema.shape.windows.safeParse({ office: { ...OFFICE, freezes } });
      return error?.issues[0]?.message ?? 'no complaint';
    };
    const [url, urlFrom] = ['https://calendar.example/', { env: 'FREEZES' }];
    assert.equal(complaint({ urlFrom }), 'no complaint');
    assert.equal(complaint({ url }), 'no complaint');
    for (const wrong of [{}, { url, urlFrom }, { tokenFrom: urlFrom }, { file: 'a.ics', urlFrom }])
      assert.match(complaint(wrong), /expected either file, url or urlFrom/);
  });
});
