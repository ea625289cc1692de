/** What there is to tell of a run: which events, in which words, and how much of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wordingOf } from '../../activities/notify/wording.ts';
import type { JournalEvent } from '../../domain/journal.ts';
import { lostNotice, noticesOf } from '../../domain/notice.ts';
import { abortedRun, heldRun, hostileRun, refusedRun, stuckRun } from '../report/journals.ts';
import { allOf } from './notices.ts';

const said = (journal: Parameters<typeof allOf>[0]): string[] =>
  allOf(journal).map((notice) => wordingOf({}).text(notice));

test('each kind of run in its own words', () => {
  assert.deepEqual(said(abortedRun()), [
    'slow-payments has begun: host/stutter at prod-eu, started by ada@build-7',
    'slow-payments: stage 1 of 5 holds, targets under fault: 1 (0.833%)',
    'slow-payments: stage 2 of 5 holds, targets under fault: 6 (5%)',
    'slow-payments: stage 3 of 5 holds, targets under fault: 12 (10%)',
    'slow-payments: stage 4 of 5 holds, targets under fault: 30 (25%)',
    'slow-payments is ABORTED, immediate: error-rate 7.1% is above 5%, sustained for 60 s',
    'slow-payments: the steady state is back after 1m25s',
    'slow-payments is over, aborted, deviated: error-rate 7.1% is above 5%, sustained for 60 s',
  ]);
  assert.equal(
    said(heldRun()).at(-1),
    'slow-payments is over, completed, held: the steady state held before and after the fault',
  );
  assert.deepEqual(said(refusedRun()).slice(1), [
    'slow-payments is refused by probes: latency-p99 does not answer: connection refused',
    'slow-payments is over, refused, no verdict: probes: latency-p99 does not answer: connection refused',
  ]);
  assert.deepEqual(said(stuckRun()).slice(-2), [
    'slow-payments is ABORTED, immediate: the pager went off, by grace',
    'slow-payments is STUCK, a person is needed: payments-0 does not answer: permission denied',
  ]);
});

test('a fact is one bounded line, and an event is told by the same key whenever it is offered', () => {
  const { run, events } = hostileRun();
  const long: JournalEvent = { seq: 99, atMs: 1, type: 'refused', check: 'a\nb', found: 'x'.repeat(5_000) };
  const [notice] = noticesOf(run, [long], events);
  assert.equal(notice?.facts.check, 'a b');
  assert.equal(notice.facts.evidence?.length, 600);
  assert.deepEqual(
    noticesOf(run, [long], []).map(({ key }) => key),
    [notice.key],
  );
});

test('of a run whose beginning is in no journal what is known is told', () => {
  const { run, events } = abortedRun();
  const abort = events.filter(({ type }) => type === 'abort');
  const [notice] = noticesOf(run, abort, abort);
  assert.ok(notice);
  assert.equal(
    wordingOf({}).text(notice),
    'unknown is ABORTED, immediate: error-rate 7.1% is above 5%, sustained for 60 s',
  );
  assert.match(wordingOf({}).text(lostNotice(notice, 5)), /^unknown is over, lost, no verdict: the run was ended/);
});

test('a delivery is confirmed for an abort that is to be communicated, and for no other', () => {
  const { run, events } = abortedRun();
  const confirms = (mode: 'immediate' | 'graceful' | 'communicate'): boolean =>
    noticesOf(
      run,
      events.map((event) => (event.type === 'abort' ? { ...event, mode } : event)),
      events,
    ).some(({ confirm }) => confirm === true);
  assert.deepEqual([confirms('communicate'), confirms('immediate'), confirms('graceful')], [true, false, false]);
});

test('an address is made of nothing but a host that is written out, a run’s name and its times', () => {
  const [notice] = allOf(hostileRun());
  assert.ok(notice);
  const reportUrl = 'https://reports.example.com/{run}.html';
  const chartUrl = 'https://grafana.example.com/d/shop?var-run={run}&from={from}&to={to}';
  const [chart, report] = wordingOf({}, { reportUrl, chartUrl }).links(notice);
  assert.deepEqual([chart?.to, report?.to], ['chart', 'report']);
  const url = new URL(report?.url ?? '');
  assert.equal(url.host, 'reports.example.com');
  assert.equal(url.pathname.split('/').length, 2, url.href);
  const { host, searchParams } = new URL(chart?.url ?? '');
  assert.equal(host, 'grafana.example.com');
  assert.deepEqual(
    ['var-run', 'from', 'to'].map((name) => searchParams.get(name)),
    [notice.facts.run, `${notice.startedAtMs}`, `${notice.atMs}`],
  );
});
