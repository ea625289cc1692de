/** The report in a real browser: nothing is loaded, nothing is logged, and it can be read on a desk, a phone, in the dark and on paper. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { after, before, describe, it } from 'node:test';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { gameDayReport } from '../../domain/game-day-report.ts';
import type { Journal } from '../../domain/journal.ts';
import { maturityOf } from '../../domain/maturity.ts';
import { renderGameDay } from '../../report/game-day/html.ts';
import { renderReport } from '../../report/html.ts';
import { renderMaturity } from '../../report/maturity.ts';
import { CONTRAST, NO_BROWSER, openBrowser } from '../browser.ts';
import { abortedDay, calledDay, hostileDay, interruptedDay, mixedDay, runningDay } from './game-days.ts';
import type { Told } from './game-days.ts';
import { abortedRun, heldRun, HOSTILE, hostileRun, hugeRun, refusedRun, stuckRun } from './journals.ts';
import { hostilePractice, practice } from './maturity-story.ts';

const DESK = { viewport: { width: 1180, height: 900 } };
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
const MATURE = practice();
const RUNS: Readonly<Record<string, Journal>> = {
  held: heldRun(),
  aborted: abortedRun(),
  refused: refusedRun(),
  stuck: stuckRun(),
  huge: hugeRun(),
  hostile: hostileRun(),
};
const GAME_DAYS: Readonly<Record<string, Told>> = {
  'game day': mixedDay(),
  'game day, aborted': abortedDay(),
  'game day, interrupted': interruptedDay(),
  'game day, running': runningDay(),
  'game day, called': calledDay(),
  'game day, hostile': hostileDay(HOSTILE),
};

function dayPage({ record, journals }: Told): string {
  const report = gameDayReport(record, journals);
  assert.ok(report);
  return renderGameDay(report);
}

/** Every page, by its name. */
const PAGES: Readonly<Record<string, string>> = {
  ...Object.fromEntries(Object.entries(RUNS).map(([name, journal]) => [name, renderReport(journal)])),
  ...Object.fromEntries(Object.entries(GAME_DAYS).map(([name, told]) => [name, dayPage(told)])),
  maturity: renderMaturity(maturityOf(MATURE), MATURE, ['1 not over']),
  'maturity, hostile': renderMaturity(maturityOf(hostilePractice()), hostilePractice(), [HOSTILE]),
};

describe('the report in a browser', { skip: NO_BROWSER }, () => {
  let browser: Browser;
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'squall-report-'));
    for (const [name, text] of Object.entries(PAGES)) await writeFile(join(folder, `${name}.html`), text);
    browser = await openBrowser();
  });
  after(async () => {
    await browser.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** Opens one report, does something with it, and fails where it logged or asked for anything. */
  const view = async (
    name: string,
    options: BrowserContextOptions,
    look: (page: Page) => Promise<void>,
  ): Promise<void> => {
    const context = await browser.newContext(options);
    const noise: string[] = [];
    try {
      const page = await context.newPage();
      const url = pathToFileURL(join(folder, `${name}.html`)).href;
      page.on('console', (message) => noise.push(`console: ${message.text()}`));
      page.on('pageerror', (error) => noise.push(`error: ${error.message}`));
      page.on('request', (request) => request.url() === url || noise.push(`request: ${request.url()}`));
      await page.goto(url);
      await look(page);
      assert.deepEqual(noise, []);
    } finally {
      await context.close();
    }
  };

  for (const name of Object.keys(PAGES)) {
    for (const [where, device] of [
      ['on a desk', DESK],
      ['on a phone', PHONE],
      ['on a narrow phone', { viewport: { width: 320, height: 640 } }],
    ] as const) {
      it(`${name}, ${where}: fits its width, and logs and loads nothing`, () =>
        view(name, device, async (page) => {
          assert.equal(await page.evaluate('document.documentElement.scrollWidth'), device.viewport.width);
          assert.equal(await page.locator('main section').first().isVisible(), true);
          assert.equal(await page.evaluate('window.pwned'), undefined);
        }));
    }
  }

  it('has a chart for the reach and for each probe, with lines, thresholds, shades and the abort', () =>
    view('aborted', DESK, async (page) => {
      const charts = page.locator('figure .chart:visible');
      assert.equal(await charts.count(), 5);
      for (const chart of await charts.all()) {
        const line = chart.locator('path[stroke="var(--line)"]').first();
        const box = await line.boundingBox();
        assert.ok(box !== null && box.width > 500 && box.height > 0, 'the line crosses the chart');
        assert.equal(await chart.locator('text', { hasText: 'abort' }).count(), 1);
        assert.equal(await chart.locator('[fill="var(--shade-stage)"]').count(), 4);
        assert.equal(await chart.locator('[fill="var(--shade-rollback)"]').count(), 1);
        assert.equal(await chart.locator('[fill="var(--shade-recovery)"]').count(), 1);
        assert.match(
          (await chart.getAttribute('aria-label')) ?? '',
          /from 14:00:00 to .* lowest .* Aborted at 14:19:18/,
        );
      }
      const errors = page.locator('figure', { hasText: 'error-rate' }).locator('.chart:visible');
      assert.deepEqual(await errors.locator('text').filter({ hasText: /^[≤>]/ }).allTextContents(), ['> 5%', '≤ 1%']);
    }));

  it('draws the abort where the time axis says it was', () =>
    view('aborted', DESK, async (page) => {
      const chart = page.locator('figure .chart:visible').first();
      const plot = await chart.locator('path[stroke="var(--line)"]').first().boundingBox();
      const abort = await chart.locator('path[stroke="var(--bad)"]').first().boundingBox();
      assert.ok(plot !== null && abort !== null);
      const share = (abort.x + abort.width / 2 - plot.x) / plot.width;
      assert.ok(Math.abs(share - 19.3 / 21.6) < 0.01, `at ${share} of the axis`);
    }));

  it('says in headings, tables and roles what it shows', () =>
    view('aborted', DESK, async (page) => {
      assert.equal(await page.getByRole('heading', { level: 1 }).textContent(), 'slow-payments');
      assert.equal(await page.getByRole('heading', { name: 'Deviated' }).count(), 1);
      assert.equal(await page.getByRole('img', { name: /^error-rate from/ }).count(), 1);
      for (const name of [
        'Timeline',
        'The abort',
        'Steady state',
        'Stages and reverts',
        'What happened',
        'Pre-flight',
        'Provenance',
      ]) {
        assert.equal(await page.getByRole('heading', { name, level: 2 }).count(), 1, name);
      }
      assert.equal(
        await page.getByRole('row', { name: /latency-p99.*at most 800ms.*318ms.*1\.7s did not hold.*318ms/ }).count(),
        1,
      );
      assert.equal(await page.locator('li', { hasText: 'payments/payments-29@' }).isVisible(), false);
      await page.getByText('Stage 4 (25%) added 18 targets').click();
      assert.equal(await page.locator('li', { hasText: 'payments/payments-29@' }).isVisible(), true);
    }));

  it('the coverage says in words what its colours say, to those who do not see it too', () =>
    view('maturity', DESK, async (page) => {
      assert.equal(
        await page.getByRole('row', { name: /^orders passed.*not production never failed.* never/ }).count(),
        1,
      );
      const grounds = await page.evaluate<Record<string, string>>(
        `Object.fromEntries(['passed', 'failed', 'stale', 'never'].map((state) => [state, getComputedStyle(document.querySelector('.cell.' + state)).backgroundColor]))`,
      );
      assert.equal(new Set(Object.values(grounds)).size, 4);
    }));

  it('a game day has a chart for each of its probes, with its scenarios, its faults, its alerts and the abort', () =>
    view('game day, aborted', DESK, async (page) => {
      const charts = page.locator('figure .chart:visible');
      assert.equal(await charts.count(), 4);
      for (const chart of await charts.all()) {
        assert.equal(await chart.locator('[fill="var(--shade-stage)"]').count(), 5, '2 scenarios and 3 faults');
        for (const name of ['1 · database-primary-fails', '2 · cascade', '▼ abort'])
          assert.equal(await chart.locator('text', { hasText: name }).count(), 1, name);
        assert.equal(await chart.locator('path[stroke="var(--warn)"]').count(), 1, 'an alert');
        assert.equal(await chart.locator('path[stroke="var(--calm)"]').count(), 3, 'faults');
      }
      const plot = await charts.first().locator('path[stroke="var(--line)"]').first().boundingBox();
      const fault = await charts.first().locator('path[stroke="var(--calm)"]').first().boundingBox();
      assert.ok(plot !== null && fault !== null);
      const share = (fault.x + fault.width / 2 - plot.x) / plot.width;
      assert.ok(Math.abs(share - 2 / 34) < 0.01, `at ${share} of what was read`);
    }));

  it('a game day says in headings, tables and roles what it shows', () =>
    view('game day', PHONE, async (page) => {
      assert.equal(await page.getByRole('heading', { level: 1 }).textContent(), 'autumn-game-day');
      for (const name of [
        '1 criterion missed',
        'Timeline',
        'Scenarios',
        'Criteria',
        'Detection and restoration',
        'Availability',
        'Customer impact',
        'Gaps',
        'Findings',
        'Action items',
        'What happened',
        'Provenance',
      ])
        assert.equal(await page.getByRole('heading', { name, level: 2, exact: true }).count(), 1, name);
      assert.equal(await page.getByText('not met: unknown').isVisible(), true);
      await page.getByText('How the figures are counted', { exact: true }).click();
      assert.equal(await page.getByText('Nothing is assumed of it').isVisible(), true);
      const names = page.locator('figure .chart:visible text');
      assert.equal(await names.filter({ hasText: /^2$/ }).count(), 4, 'where a name has no room, its number has');
    }));

  for (const colorScheme of ['light', 'dark'] as const) {
    for (const name of [
      'held',
      'aborted',
      'refused',
      'stuck',
      'maturity',
      'game day',
      'game day, interrupted',
    ] as const) {
      it(`${name}, ${colorScheme}: every text stands out from its ground by 4.5 to 1`, () =>
        view(name, { ...DESK, colorScheme }, async (page) => {
          const {
            faint,
            measured,
            page: ground,
          } = await page.evaluate<{ faint: string[]; measured: number; page: number }>(CONTRAST);
          assert.deepEqual(faint, []);
          assert.ok(measured > 80, `${measured} texts`);
          assert.equal(ground > 0.5, colorScheme === 'light');
        }));
    }
  }

  it('prints light, without cards, whatever the screen is', () =>
    view('aborted', { ...DESK, colorScheme: 'dark' }, async (page) => {
      await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
      const { faint, page: ground } = await page.evaluate<{ faint: string[]; page: number }>(CONTRAST);
      assert.deepEqual(faint, []);
      assert.ok(ground > 0.9);
      assert.equal(
        await page.evaluate<string>(`getComputedStyle(document.querySelector('section')).borderTopWidth`),
        '0px',
      );
      const pdf = await page.pdf({ format: 'A4' });
      assert.ok(pdf.length > 20_000 && pdf.subarray(0, 5).toString() === '%PDF-');
    }));
});
