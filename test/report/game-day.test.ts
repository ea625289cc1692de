/** A game day's report as text: complete, self-contained, and unbroken by what is put into it, in each of its forms. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { micromark } from 'micromark';
import { gfm, gfmHtml } from 'micromark-extension-gfm';
import { gameDayReport } from '../../domain/game-day-report.ts';
import type { GameDayReport } from '../../domain/game-day-summary.ts';
import { actionsCsv, actionsMarkdown } from '../../report/game-day/actions.ts';
import { renderGameDay } from '../../report/game-day/html.ts';
import { markdownGameDay } from '../../report/game-day/markdown.ts';
import { escapeMarkdown } from '../../report/markdown.ts';
import { escapeText } from '../../report/markup.ts';
import {
  abortedDay,
  calledDay,
  goodDay,
  hostileDay,
  interruptedDay,
  mixedDay,
  runningDay,
  skippedDay,
} from './game-days.ts';
import type { Told } from './game-days.ts';
import { HOSTILE } from './journals.ts';

function reported({ record, journals }: Told): GameDayReport {
  const report = gameDayReport(record, journals);
  assert.ok(report);
  return report;
}
const DAYS = {
  mixed: mixedDay(),
  good: goodDay(),
  aborted: abortedDay(),
  interrupted: interruptedDay(),
  running: runningDay(),
  called: calledDay(),
  skipped: skippedDay(),
  hostile: hostileDay(HOSTILE),
};
const PAGES: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(DAYS).map(([name, told]) => [name, renderGameDay(reported(told))]),
);
const pageOf = (name: keyof typeof DAYS): string => PAGES[name] ?? '';
/** Markdown as GitHub renders it; what is raw HTML in it stays so, and would be seen. */
const rendered = (markdown: string): string =>
  micromark(markdown, { allowDangerousHtml: true, extensions: [gfm()], htmlExtensions: [gfmHtml()] });
const textOf = (html: string): string =>
  html
    .replaceAll(/<[^>]+>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();

describe('the report of a game day', () => {
  it('is the same every time', () => {
    assert.equal(renderGameDay(reported(mixedDay())), pageOf('mixed'));
  });

  for (const [name, text] of Object.entries(PAGES)) {
    it(`${name}: needs nothing else`, () => {
      assert.ok(text.startsWith('<!doctype html>') && text.endsWith('</html>\n'));
      assert.match(text, /default-src (?:'|&#39;)none(?:'|&#39;); style-src/);
      assert.doesNotMatch(text, /<(?:script|link|img|iframe|object|embed|base|form)\b/i);
      assert.doesNotMatch(text, /\b(?:src|href|action|xlink:href)="|@import|url\((?!#)/i);
      const ids = [...text.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
      assert.equal(new Set(ids).size, ids.length, 'every id is unique');
      for (const [, id] of text.matchAll(/url\(#([^)]+)\)/g)) assert.ok(ids.includes(id), `#${id} exists`);
    });
  }

  for (const [name, word] of [
    ['mixed', '1 criterion missed'],
    ['good', 'All criteria met'],
    ['aborted', 'Aborted, 1 criterion missed'],
    ['interrupted', 'A person is needed'],
    ['running', 'Not over yet'],
    ['called', 'Not begun yet'],
    ['skipped', 'Nothing was done'],
  ] as const) {
    it(`${name}: says “${word}”, as a page and as Markdown`, () => {
      const heading = /<h2 id="verdict">(.*?)<\/h2>/s.exec(pageOf(name))?.[1] ?? '';
      assert.equal(textOf(heading), word);
      assert.ok(textOf(rendered(markdownGameDay(reported(DAYS[name])))).includes(`${word}.`));
    });
  }

  it('shows a criterion that nobody answered as not met', () => {
    assert.match(textOf(pageOf('mixed')), /everybody knew whom to call not met: unknown nobody answered in time/);
    assert.match(
      markdownGameDay(reported(DAYS.mixed)),
      /\| everybody knew whom to call \| not met: unknown \| nobody answered in time \|/,
    );
  });

  it('leaves a gap in a chart where nobody measured, whether that was said or not', () => {
    const lines = (page: string): number => {
      const figure = page.split('<h3>orders</h3>')[1]?.split('</figure>')[0] ?? '';
      const line = /<path d="([^"]+)"[^>]*stroke="var\(--line\)"/.exec(figure)?.[1] ?? '';
      return (line.match(/M/g) ?? []).length;
    };
    assert.equal(lines(pageOf('good')), 1);
    assert.equal(lines(pageOf('mixed')), 2);
    const { record, journals } = goodDay();
    const events = record.events.map((event) => {
      const orders = event.type === 'samples' ? event.series['orders'] : undefined;
      if (event.type !== 'samples' || orders === undefined) return event;
      return { ...event, series: { ...event.series, orders: { ...orders, points: orders.points.toSpliced(40, 12) } } };
    });
    assert.equal(lines(renderGameDay(reported({ record: { ...record, events }, journals }))), 2);
  });

  it('never shows a hostile text other than escaped', () => {
    const text = pageOf('hostile');
    assert.ok(text.includes(escapeText(HOSTILE)));
    assert.doesNotMatch(text, /<script>|<img|onerror="/);
    assert.equal((text.match(/<\/style>/g) ?? []).length, 1);
  });

  it('as JSON says which schema it has, and comes back as it was', () => {
    const report = reported(DAYS.mixed);
    assert.equal(report.schema, 'squall/game-day-report/v1');
    assert.deepEqual(JSON.parse(JSON.stringify(report)), report);
  });
});

describe('the report as Markdown', () => {
  for (const [name, told] of Object.entries(DAYS)) {
    it(`${name}: has the sections of the page, and whole tables`, () => {
      const report = reported(told);
      const html = rendered(markdownGameDay(report));
      const headings = (text: string): string[] =>
        [...text.matchAll(/<h2[^>]*>(.*?)<\/h2>/gs)].map(([, heading = '']) => textOf(heading));
      const ofPage = headings(PAGES[name] ?? '').filter((one) => one !== 'Key figures' && one !== 'Timeline');
      assert.deepEqual(headings(html).slice(0, -1), ofPage.slice(1));
      assert.doesNotMatch(textOf(html), /\|/, 'no table is broken');
    });
  }

  it('reads as it was written, and is no markup', () => {
    const report = reported(
      hostileDay(
        '`x` *b* _i_ ~~s~~ [l](javascript:alert(1)) ![i](http://x) <b>raw</b> &amp; | $m$ @ops #12 www.a.b http://a.b a@b.cd',
      ),
    );
    const html = rendered(markdownGameDay(report));
    assert.doesNotMatch(html, /<(?:a|b|img|del|code|em>b|input)\b/);
    assert.ok(
      textOf(html)
        .replaceAll('\u200b', '')
        .includes(
          '`x` *b* _i_ ~~s~~ [l](javascript:alert(1)) ![i](http://x) &lt;b&gt;raw&lt;/b&gt; &amp;amp; | $m$ @ops #12 www.a.b http://a.b a@b.cd',
        ),
    );
    assert.doesNotMatch(html, /[@#]\w|:\/\/|www\./, 'nobody is mentioned, and nothing is referred to');
  });

  it('whatever is written, in a paragraph, a list and a cell', () => {
    const piece = fc.constantFrom(
      '# ',
      '- ',
      '+ ',
      '1. ',
      '2) ',
      '> ',
      '---',
      '===',
      '***',
      '```',
      '    ',
      '\n\n',
      '\r',
      '|',
      '\\',
      '<',
      '&lt;',
      '[x]',
      '[ ] ',
      '~~',
      '_',
      '@a',
      '#1',
      ':',
      '//',
      'www.',
      '<!--',
      ']]>',
      'a',
      ' ',
      '\u2028',
      '\u202e',
      '\0',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(piece, { maxLength: 12 }).map((all) => all.join('')),
          fc.string({ unit: 'grapheme' }),
        ),
        (text) => {
          const one = escapeMarkdown(text);
          const plain = (html: string): string => html.replaceAll('\u200b', '').replaceAll(/\s+/g, ' ').trim();
          // What is shown is the text on one line, what cannot be seen made visible.
          const shown = plain(rendered(`x ${one}`))
            .replace(/^<p>x ?/, '')
            .replace(/<\/p>$/, '');
          const cell = /<td>(.*?)<\/td>/s.exec(rendered(`| a |\n| --- |\n| ${one} |`))?.[1] ?? '';
          const item = plain(rendered(`- ${one}`))
            .replace(/^<ul> ?<li>/, '')
            .replace(/<\/li> ?<\/ul>$/, '');
          for (const html of [shown, plain(cell), item]) {
            assert.doesNotMatch(html, /<\w/, JSON.stringify(one));
            assert.equal(html, shown);
          }
          const words = text.replaceAll(
            /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g,
            '\u{fffd}',
          );
          const back = shown
            .replaceAll('&lt;', '<')
            .replaceAll('&gt;', '>')
            .replaceAll('&quot;', '"')
            .replaceAll('&amp;', '&');
          assert.equal(back, plain(words));
        },
      ),
      { numRuns: 500 },
    );
  });
});

const link = (run: string): string => `https://reports.example/${run}.html`;

describe('action items', () => {
  it('as CSV: one record an item, as RFC 4180 has it', () => {
    const text = actionsCsv(reported(DAYS.mixed), link);
    assert.ok(text.endsWith('\r\n') && !/[^\r]\n/.test(text));
    const [first, second, ...rest] = parse<Record<string, string>>(text, { columns: true });
    assert.deepEqual(first, {
      day: 'autumn-game-day-20261123-140000',
      item: '1',
      action: 'Alert on latency-p99 above 2 s for a minute',
      owner: 'barbara',
      scenario: 'cascade',
      'said by': 'grace',
      at: '2026-11-23T15:19:12.000Z',
      runs: 'slow-payments-20261123-143300-b2 stressed-catalogue-20261123-143300-c3',
      reports: `${link('slow-payments-20261123-143300-b2')} ${link('stressed-catalogue-20261123-143300-c3')}`,
    });
    assert.deepEqual([second?.['scenario'], second?.['runs']?.split(' ').length, rest], ['', 3, []]);
    assert.equal(
      actionsCsv(reported(DAYS.good), link).trim().split('\r\n').length,
      1,
      'a day without any has the line of names',
    );
  });

  it('as CSV: comes back whole, and no cell is a formula', () => {
    const report = reported(DAYS.mixed);
    const [action] = report.actions;
    assert.ok(action);
    for (const text of [
      '=1+1',
      '+1',
      '-1',
      '@SUM(A1)',
      '\t=1',
      '\r=1',
      '＝1',
      '=cmd|"/c calc"!A0',
      'a,b',
      'a"b',
      'a\nb',
      'a\r\nb',
      ' =1',
    ]) {
      const csv = actionsCsv({ ...report, actions: [{ ...action, text, owner: text }] }, link);
      const [row] = parse<Record<string, string>>(csv, { columns: true });
      const safe = /^[=+\-@\t\r＝]/.test(text) ? `'${text}` : text;
      assert.deepEqual([row?.['action'], row?.['owner']], [safe, safe]);
    }
  });

  it('as issues: each with its owner, its evidence and the reports of its runs', () => {
    const blocks = actionsMarkdown(reported(DAYS.mixed), link).split('\n---\n\n');
    assert.equal(blocks.length, 2);
    const html = rendered(blocks[0] ?? '');
    assert.match(html, /^<h1>Alert on latency-p99 above 2 s for a minute<\/h1>/);
    assert.match(html, /<strong>Owner:<\/strong> barbara/);
    assert.match(
      textOf(html),
      /Evidence cascade: p99 under 2 s, missed: latency-p99 2\.5s after 2m30s found by barbara: The breaker/,
    );
    assert.match(textOf(html), /gap \(monitoring\): latency-p99 2\.5s is above 2s, and no alert fired/);
    assert.deepEqual(
      [...html.matchAll(/<a href="([^"]+)">/g)].map(([, to]) => to),
      ['slow-payments-20261123-143300-b2', 'stressed-catalogue-20261123-143300-c3'].map(link),
    );
    assert.equal(actionsMarkdown(reported(DAYS.good), link), '');
  });

  it('as issues: a hostile text is text', () => {
    const text = `${HOSTILE} @everyone [x](javascript:alert(1)) <!-- `;
    const html = rendered(actionsMarkdown(reported(hostileDay(text)), (run) => `${encodeURIComponent(run)}.html`));
    assert.doesNotMatch(html, /<(?:script|img|!--)|@everyone/);
    assert.doesNotMatch(html, /href="(?!(?:primary|slow|stressed)-)/);
  });
});
