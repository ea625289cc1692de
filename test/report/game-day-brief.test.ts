/** What a game day is announced with: the page, and the calendar as another program reads it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import ical from 'node-ical';
import type { VEvent } from 'node-ical';
import type { GameDay } from '../../domain/game-day.ts';
import { gameDayBrief } from '../../report/game-day-brief.ts';
import { gameDayCalendar } from '../../report/game-day-calendar.ts';
import { DAY, dayOf } from '../documents/day.ts';

const { gameDay } = dayOf();
const NOW_MS = Date.UTC(2026, 10, 30, 9);

function written(day: GameDay, mailDomain?: string): string {
  return (
    gameDayCalendar(day, { nowMs: NOW_MS, ...(mailDomain === undefined ? {} : { mailDomain }) }) ?? assert.fail('none')
  );
}

function eventsOf(text: string): VEvent[] {
  return Object.values(ical.sync.parseICS(text)).filter((part): part is VEvent => part?.type === 'VEVENT');
}

test('the calendar has the day and each scenario, at instants in UTC', () => {
  const text = written(gameDay);
  const found = eventsOf(text).map(({ summary, start, end }) => [summary, start.toISOString(), end?.toISOString()]);
  assert.deepEqual(found, [
    ['Game day the-day', '2026-12-04T18:00:00.000Z', '2026-12-04T22:00:00.000Z'],
    ['the-day: slow', '2026-12-04T18:00:00.000Z', '2026-12-04T19:00:00.000Z'],
    ['the-day: gone', '2026-12-04T19:30:00.000Z', '2026-12-04T20:00:00.000Z'],
  ]);
  assert.match(text, /^DTSTART:20261204T180000Z$/m);
  assert.match(text, /^DTSTAMP:20261130T090000Z$/m);
  assert.doesNotMatch(text, /TZID|VTIMEZONE|METHOD/);
});

test('everybody with a role is invited, once, by an address or by one that leads nowhere', () => {
  const roles = { commander: 'alice', scribe: 'bob@example.org', observers: ['dan o', 'alice'] };
  const invited = (mailDomain?: string): unknown => {
    const [event] = eventsOf(written({ ...gameDay, roles }, mailDomain));
    const attendees = event?.attendee;
    assert.ok(Array.isArray(attendees));
    return attendees.map((one) => {
      assert.ok(typeof one === 'object');
      return [one.params.CN, one.params.ROLE, one.val];
    });
  };
  assert.deepEqual(invited(), [
    ['alice (commander, observer)', 'CHAIR', 'MAILTO:alice@people.invalid'],
    ['bob@example.org (scribe)', 'REQ-PARTICIPANT', 'MAILTO:bob@example.org'],
    ['dan o (observer)', 'REQ-PARTICIPANT', 'MAILTO:dan%20o@people.invalid'],
  ]);
  assert.deepEqual(invited('example.com'), [
    ['alice (commander, observer)', 'CHAIR', 'MAILTO:alice@example.com'],
    ['bob@example.org (scribe)', 'REQ-PARTICIPANT', 'MAILTO:bob@example.org'],
    ['dan o (observer)', 'REQ-PARTICIPANT', 'MAILTO:dan%20o@example.com'],
  ]);
  const [event] = eventsOf(written({ ...gameDay, roles }));
  assert.equal((event?.organizer as { val: string } | undefined)?.val, 'mailto:alice@people.invalid');
});

test('a scenario is told with what is expected and what is to be found true', () => {
  const [, slow] = eventsOf(written(gameDay));
  assert.equal(
    slow?.description,
    `It is slow

Met when:
- recovery within 30s
- no experiment deviates
- nothing is lost (lost-orders at most 0 at the end)
- availability at least 99% throughout
- dns-answer between 0 and 1 within 5m
- orders within 10% of its baseline within 2m
- alert HighErrorRate within 2m
- clear customer communication (judged by communications)
- nobody panics (judged by an observer)

Takes at most 1h.`,
  );
});

test('written again later it is the same event, with another stamp', () => {
  const [first, second] = [NOW_MS, NOW_MS + 60_000].map((nowMs) => gameDayCalendar(gameDay, { nowMs }) ?? '');
  const ids = (text: string): string[] => eventsOf(text).map(({ uid }) => uid);
  assert.deepEqual(ids(first ?? ''), ids(second ?? ''));
  assert.equal(new Set(ids(first ?? '')).size, 3);
  assert.notEqual(first, second);
});

test('whatever is written in a day, its lines are those of RFC 5545, and nobody adds a property or an event', () => {
  const hostile = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.constantFrom(
      'a\r\nATTENDEE:mailto:x@y',
      '\nEND:VEVENT\nBEGIN:VEVENT',
      '\\n\\,;:"',
      '\u{1F4A5}'.repeat(60),
      '\r',
      '\u0000\u0007',
    ),
  );
  fc.assert(
    fc.property(hostile, hostile, hostile, (purpose, briefing, expected) => {
      const scenarios = gameDay.scenarios.map((scenario) => ({ ...scenario, expected }));
      const text = written({ ...gameDay, purpose, briefing, scenarios });
      assert.ok(text.endsWith('END:VCALENDAR\r\n'));
      const lines = text.slice(0, -2).split('\r\n');
      for (const line of lines) {
        assert.ok(Buffer.byteLength(line) <= 75, line);
        assert.doesNotMatch(line, /\p{Cc}/u);
      }
      const properties = lines.filter((line) => !line.startsWith(' ')).map((line) => line.split(/[:;]/, 1)[0]);
      const whole = written(gameDay).split('\r\n').slice(0, -1);
      assert.deepEqual(
        properties,
        whole.filter((line) => !line.startsWith(' ')).map((line) => line.split(/[:;]/, 1)[0]),
      );
      assert.equal(eventsOf(text).length, 3);
    }),
    { numRuns: 200 },
  );
});

test('a day that begins whenever it is begun has no calendar', () => {
  const { planned: _planned, ...now } = gameDay;
  assert.equal(gameDayCalendar(now, { nowMs: NOW_MS }), undefined);
});

test('the page says when, who, what and what is to be found true', () => {
  assert.equal(
    gameDayBrief(gameDay),
    `# Game day: the-day

We learn whether it holds

|  |  |
| --- | --- |
| When | Friday 4 December 2026, 10:00 to 14:00 America/Los_Angeles (Friday 4 December 2026, 18:00 to 22:00 UTC) |
| Probes are read at | \`local\`, every 10s |
| Faults are put on at | \`local\` |
| Commander | alice: begins, approves, pauses, skips, extends, aborts |
| Scribe | bob: writes down what happens |
| Communications | carol: tells those outside |
| Observers | dan, erin: judge what no probe can |

## Briefing

Nobody deploys.

Look at **customers**.

## Timeline

| at the earliest | America/Los_Angeles | scenario | begins | takes at most |
| --- | --- | --- | --- | --- |
| T+0 | 10:00 | slow | when alice lets it | 1h |
| T+1h30m | 11:30 | gone | by itself | 30m |

### T+0 slow

**Expected:** It is slow

**Done:**

- \`slow-payments\`: Checkout stays under 800 ms while payments stutters. \`host/stutter\` at \`local\`, on 1%, then 5%, then 3 of its targets, 20 at most, for 5m each; ends early on error-rate above 5% for 1m; latency-p99 outside 1ms to 2s for 2m; complaints rises by 10 within 10m; orders drops by more than 10%

**Met when:**

- recovery within 30s
- no experiment deviates
- nothing is lost (lost-orders at most 0 at the end)
- availability at least 99% throughout
- dns-answer between 0 and 1 within 5m
- orders within 10% of its baseline within 2m
- alert HighErrorRate within 2m
- clear customer communication (judged by communications)
- nobody panics (judged by an observer)

What is not over after 1h is aborted, and what is not met then is missed.

### T+1h30m gone

**Expected:** It is gone

**Done:**

- one after the other:
  - by hand, since no driver does it: Tell customers.
  - side by side:
    - \`slow-payments\`: Checkout stays under 800 ms while payments stutters. \`host/stutter\` at \`local\`, on 1%, then 5%, then 3 of its targets, 20 at most, for 5m each; ends early on error-rate above 5% for 1m; latency-p99 outside 1ms to 2s for 2m; complaints rises by 10 within 10m; orders drops by more than 10%
    - \`gone\`: Checkout stays under 800 ms while payments stutters. \`host/stutter\` at \`local\`, on 1%, then 5%, then 3 of its targets, 20 at most, for 5m each; ends early on error-rate above 5% for 1m; latency-p99 outside 1ms to 2s for 2m; complaints rises by 10 within 10m; orders drops by more than 10%

**Met when:**

- all is well (judged by the scribe)

What is not over after 30m is aborted, and what is not met then is missed.

## What ends the day early

- orders drops by more than 50% for 1m
- its time: after 4h what is still open is skipped, unless the commander extends it
- anybody who sees harm: \`squall stop\` ends every fault at once
`,
  );
});

test('the page follows the clock over a change of it, and past midnight', () => {
  const page = gameDayBrief(dayOf(DAY.replace('2026-12-04 10:00', '2026-10-31 22:30')).gameDay);
  const [when] = page.split('\n').filter((line) => line.startsWith('| When'));
  assert.equal(
    when,
    '| When | Saturday 31 October 2026, 22:30 to 01:30 on Sunday 1 November 2026 America/Los_Angeles (Sunday 1 November 2026, 05:30 to 09:30 UTC) |',
  );
});

test('what is written in a document reads as it is, and is no markup', () => {
  const [first] = gameDay.scenarios;
  assert.ok(first);
  const scenario = { ...first, expected: 'p99 * 2 < 1 s', work: { kind: 'by-hand', step: '<b>now</b>' } } as const;
  const page = gameDayBrief({ ...gameDay, roles: { commander: 'a|b', observers: [] }, scenarios: [scenario] });
  assert.match(page, /^\| Commander \| a&vert;b: begins/m);
  assert.match(page, /^\*\*Expected:\*\* p99 \\\* 2 &lt; 1 s$/m);
  assert.match(page, /does it: &lt;b&gt;now&lt;\/b&gt;$/m);
  assert.match(page, /nowhere: all is done by hand/);
  assert.doesNotMatch(page, /Scribe|Communications|Observers/);
});
