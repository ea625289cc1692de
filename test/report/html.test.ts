/** The report as text: complete, self-contained, and unbroken by what is put into it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Journal } from '../../domain/journal.ts';
import { renderReport } from '../../report/html.ts';
import { escapeText, html } from '../../report/markup.ts';
import { scaleOf } from '../../report/scale.ts';
import { askedOf } from '../../report/thresholds.ts';
import {
  abortedRun,
  endedRun,
  heldRun,
  HOSTILE,
  hostileRun,
  hugeRun,
  refusedRun,
  resetRun,
  stuckRun,
} from './journals.ts';
import { EXPERIMENT } from './story.ts';

describe('the report', () => {
  for (const journal of [heldRun(), abortedRun(), refusedRun(), stuckRun(), hugeRun(), hostileRun()]) {
    it(`of ${journal.run.slice(0, 30)}: needs nothing else, and is the same every time`, () => {
      const text = renderReport(journal);
      assert.equal(renderReport(journal), text);
      assert.ok(text.startsWith('<!doctype html>'));
      assert.match(text, /default-src (?:'|&#39;)none(?:'|&#39;); style-src/);
      assert.doesNotMatch(text, /<(?:script|link|img|iframe|object|embed|base|form)\b/i);
      assert.doesNotMatch(text, /\b(?:src|href|action|xlink:href)="|@import|url\((?!#)/i);
      const ids = [...text.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
      assert.equal(new Set(ids).size, ids.length, 'every id is unique');
      for (const [, id] of text.matchAll(/url\(#([^)]+)\)/g)) assert.ok(ids.includes(id), `#${id} exists`);
    });
  }

  it('says who ended a run early, and who refused one', () => {
    const says = (journal: Journal): string =>
      renderReport(journal)
        .replaceAll(/<[^>]+>/g, ' ')
        .replaceAll(/\s+/g, ' ');
    for (const [cause, machinery, abort] of [
      ['admission', 'because a guard refused', 'a guard refused to let it go on'],
      ['emergency-stop', 'by the emergency stop', 'an emergency stop was called'],
      ['cancelled', 'because it was cancelled', 'the run was cancelled'],
    ] as const) {
      const text = says(endedRun(cause));
      assert.ok(text.includes(`Yes, aborted , ${machinery}`), cause);
      assert.ok(text.includes(`Ended early because ${abort}.`), cause);
    }
    assert.ok(says(refusedRun()).includes('Yes, refused , by probes'));
  });

  it('of a run that was reset says what it had done before it was refused', () => {
    const text = renderReport(resetRun());
    assert.match(
      text,
      /Refused when it was begun anew, after the fault had been on 6 of 120 targets \(5%\): no-incidents: checkout is slow\. Every fault was reverted/,
    );
    assert.doesNotMatch(text, /nothing was touched|not put to the test/);
  });

  it('of a partial journal, cut after any event, is still a report', () => {
    const journal = abortedRun();
    for (let length = 0; length <= journal.events.length; length += 3) {
      assert.ok(renderReport({ ...journal, events: journal.events.slice(0, length) }).endsWith('</html>\n'));
    }
  });

  it('shows a hundred targets of a stage and counts the rest', () => {
    const text = renderReport(hugeRun());
    assert.match(text, /Stage 5 \(50%\) added 2,500 targets/);
    assert.match(text, /and 2,400 more; the journal lists them all/);
    assert.ok(text.length < 400_000, `${text.length} characters`);
  });

  it('leaves a gap where there was no data', () => {
    const gaps = (journal: Journal): number => {
      const figure = renderReport(journal).split('<h3>db-connections</h3>')[1]?.split('</figure>')[0] ?? '';
      const line = [...figure.matchAll(/<path d="([^"]+)"[^>]*stroke="var\(--line\)"/g)][0]?.[1] ?? '';
      return (line.match(/M/g) ?? []).length - 1;
    };
    assert.equal(gaps(abortedRun()), 1);
    const journal = abortedRun();
    const whole = journal.events.map((event) =>
      event.type !== 'samples'
        ? event
        : {
            ...event,
            series: Object.fromEntries(
              Object.entries(event.series).map(([probe, series]) => [
                probe,
                { ...series, points: series.points.map(([at, value]) => [at, value ?? 40] as const) },
              ]),
            ),
          },
    );
    assert.equal(gaps({ ...journal, events: whole }), 0);
  });

  it('never shows a hostile text other than escaped', () => {
    const text = renderReport(hostileRun());
    assert.ok(text.includes(escapeText(HOSTILE)));
    assert.doesNotMatch(text, /<script>|<img|onerror="/);
    assert.equal((text.match(/<\/style>/g) ?? []).length, 1);
  });
});

describe('markup', () => {
  it('escapes text, nests markup, and drops what is nothing', () => {
    assert.equal(
      html`<b title="${`"'<&>`}">${[html`<i>${1}</i>`, null, undefined, false, 'a\u202eb\0']}</b>`.text,
      '<b title="&quot;&#39;&lt;&amp;&gt;"><i>1</i>a\u{fffd}b\u{fffd}</b>',
    );
  });
});

describe('thresholds', () => {
  it('have a height where they have one, and words always', () => {
    const asked = askedOf(EXPERIMENT, 'orders', 20, 'rate');
    assert.deepEqual(
      asked.lines.map(({ kind, value }) => [kind, value]),
      [
        ['steady', 22],
        ['steady', 18],
        ['abort', 14],
      ],
    );
    assert.deepEqual(asked.words, ['steady: within 10% of the baseline 20/s', 'abort: drops by more than 30%']);
    assert.deepEqual(askedOf(EXPERIMENT, 'orders', undefined, 'rate').lines, []);
    assert.equal(askedOf(EXPERIMENT, 'orders', undefined, 'rate').words.length, 2);
  });
});

describe('the scale', () => {
  it('has round ends around all readings and every threshold near them', () => {
    const limit = { kind: 'abort', value: 0.05, label: '> 5%' } as const;
    assert.deepEqual(
      scaleOf(
        [
          [0, 0.004],
          [1, null],
        ],
        [limit],
        'ratio',
      ),
      { min: 0, max: 0.06, interval: 0.02 },
    );
    assert.ok(
      scaleOf([[0, 0.001]], [limit], 'ratio').max < 0.05,
      'a limit fifty times above does not flatten the readings',
    );
    assert.deepEqual(scaleOf([[0, 0]], [], 'count'), { min: 0, max: 5, interval: 1 });
    assert.deepEqual(
      scaleOf(
        [
          [0, -3],
          [1, 3],
        ],
        [],
        'count',
      ),
      { min: -4, max: 4, interval: 2 },
    );
    assert.equal(scaleOf([], [], 'duration').min, 0);
  });
});
