/** The page of a game day's room in a real browser: it fits, can be read, says who may do what, and is broken by nobody's words. */
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { roomPage } from '../../report/room/page.ts';
import type { DaySeen } from '../../report/room/seen.ts';
import { ROOM_STYLE } from '../../report/room/style.ts';
import { CONTRAST, NO_BROWSER, openBrowser } from '../browser.ts';
import { abortedDay, calledDay, interruptedDay, mixedDay, poisoned, runningDay } from './game-days.ts';
import { HOSTILE } from './journals.ts';
import { seenOf, untilEvent } from './seen.ts';

const DESK = { viewport: { width: 1180, height: 900 } };
const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };
/** Where to put pictures of every page, for people to look at; nowhere unless asked for. */
const PICTURES = process.env['SQUALL_PICTURES'];
const picture = async (page: Page, name: string): Promise<void> => {
  if (PICTURES) await page.screenshot({ path: join(PICTURES, `${name.replaceAll(/\W+/g, '-')}.png`), fullPage: true });
};
/** Opens all that can be opened. */
const OPEN = `document.querySelectorAll('details').forEach((one) => { one.open = true })`;

const due = untilEvent(mixedDay(), ({ type, seq }) => type === 'scenario-due' && seq > 2);
const waits = untilEvent(mixedDay(), (event) => event.type === 'criterion' && event.scenario === 0);

/** Who looks at which day. */
const SCENES: Readonly<Record<string, { readonly seen: DaySeen; readonly name: string }>> = {
  'called, its commander': { seen: seenOf(calledDay()), name: 'ada' },
  'due, its commander': { seen: seenOf(due), name: 'ada' },
  'due, an observer': { seen: seenOf(due), name: 'barbara' },
  'running, its commander': { seen: seenOf(runningDay()), name: 'ada' },
  'judging, an observer': { seen: seenOf(waits), name: 'barbara' },
  'running, a guest': { seen: seenOf(runningDay(), { silent: 'Temporal does not answer' }), name: 'eve' },
  'ended, its commander': { seen: seenOf(mixedDay()), name: 'ada' },
  'aborted, a scribe': { seen: seenOf(abortedDay()), name: 'grace' },
  'interrupted, a scribe': { seen: seenOf(interruptedDay()), name: 'grace' },
  'lost, its commander': { seen: seenOf(runningDay(), { lost: 'terminated' }), name: 'ada' },
  hostile: {
    seen: seenOf(
      { record: poisoned(due.record, HOSTILE), journals: due.journals.map((one) => poisoned(one, HOSTILE)) },
      { silent: HOSTILE, day: HOSTILE, execution: HOSTILE },
    ),
    name: `ada ${HOSTILE}`,
  },
};

describe('the page of a room', { skip: NO_BROWSER }, () => {
  let browser: Browser;
  before(async () => {
    browser = await openBrowser();
    if (PICTURES) await mkdir(PICTURES, { recursive: true });
  });
  after(() => browser.close());

  /** Opens a scene without its script, and fails where anything else is asked for, or logged. */
  const view = async (
    scene: string,
    options: BrowserContextOptions,
    look: (page: Page) => Promise<void>,
  ): Promise<void> => {
    const { seen, name } = SCENES[scene] ?? assert.fail(scene);
    const context = await browser.newContext(options);
    const noise: string[] = [];
    try {
      const page = await context.newPage();
      page.on('console', (message) => noise.push(`console: ${message.text()}`));
      page.on('pageerror', (error) => noise.push(`error: ${error.message}`));
      await page.route('**/*', async (route) => {
        const { pathname } = new URL(route.request().url());
        if (pathname === '/')
          return route.fulfill({ contentType: 'text/html', body: roomPage(seen, { name }, seen.atMs) });
        if (pathname === '/room.css') return route.fulfill({ contentType: 'text/css', body: ROOM_STYLE });
        if (pathname === '/room.js') return route.fulfill({ contentType: 'text/javascript', body: '' });
        noise.push(`request: ${pathname}`);
        return route.abort();
      });
      await page.goto('http://room.test/');
      await look(page);
      assert.deepEqual(noise, []);
    } finally {
      await context.close();
    }
  };

  for (const scene of Object.keys(SCENES)) {
    for (const [where, device] of [
      ['on a desk', DESK],
      ['on a phone', PHONE],
    ] as const) {
      for (const colorScheme of ['light', 'dark'] as const)
        it(`${scene}, ${where}, ${colorScheme}: fits, stands out, and is broken by no words`, () =>
          view(scene, { ...device, colorScheme }, async (page) => {
            assert.equal(await page.evaluate('document.documentElement.scrollWidth'), device.viewport.width);
            assert.equal(await page.evaluate('window.pwned'), undefined);
            await picture(page, `${scene} ${where} ${colorScheme}`);
            await page.evaluate(OPEN);
            if (scene.startsWith('due')) await picture(page, `${scene} ${where} ${colorScheme} open`);
            assert.equal(await page.evaluate('document.documentElement.scrollWidth'), device.viewport.width);
            const { faint, measured } = await page.evaluate<{ faint: string[]; measured: number }>(CONTRAST);
            assert.deepEqual(faint, []);
            assert.ok(measured > 40, `${measured} texts`);
            const small = await page.evaluate<string[]>(SMALL);
            assert.deepEqual(small, [], 'too small for a thumb');
          }));
    }
  }

  it('offers each what they may do, and nobody anything else', async () => {
    const offered = async (scene: string): Promise<string[]> => {
      let words: string[] = [];
      await view(scene, DESK, async (page) => {
        await page.evaluate(OPEN);
        words = await page.getByRole('button').allTextContents();
      });
      return words;
    };
    const anybodys = ['Note', 'Finding', 'Action'];
    const stop = 'Yes, stop now: roll back what runs';
    const time = ['Pause: begin no other', 'Extend the day'];
    assert.deepEqual(await offered('called, its commander'), ['Begin the day', ...anybodys, stop]);
    assert.deepEqual(await offered('due, its commander'), [
      'Approve: let it begin',
      'Skip it',
      ...time,
      ...anybodys,
      stop,
    ]);
    assert.deepEqual(await offered('due, an observer'), anybodys);
    assert.deepEqual(await offered('running, its commander'), [
      'End it: roll back what runs',
      'Extend the scenario',
      ...time,
      ...anybodys,
      stop,
    ]);
    assert.deepEqual(await offered('judging, an observer'), ['Yes, met', 'No, missed', ...anybodys]);
    assert.deepEqual(await offered('running, a guest'), anybodys);
    assert.deepEqual(await offered('ended, its commander'), []);
    assert.deepEqual(await offered('lost, its commander'), []);
  });

  it('names every field and part, for those who do not see them', () =>
    view('due, its commander', DESK, async (page) => {
      await page.evaluate(OPEN);
      for (const input of await page.locator('input:visible').all()) {
        const id = await input.getAttribute('id');
        assert.equal(await page.locator(`label[for="${id}"]`).count(), 1, id ?? 'a field without an id');
      }
      const ids = await page.evaluate<string[]>(`[...document.querySelectorAll('[id]')].map(({ id }) => id)`);
      assert.equal(new Set(ids).size, ids.length, 'each id once');
      for (const name of ['Timeline', 'Write it down', 'What happened', 'Scenarios', 'Roles'])
        assert.equal(await page.getByRole('region', { name, exact: true }).count(), 1, name);
      assert.equal(await page.getByRole('complementary', { name: 'Stop' }).count(), 1);
    }));

  it('the second tap of the stop is not where the first was', () =>
    view('running, its commander', PHONE, async (page) => {
      const first = await page.locator('#stop > summary').boundingBox();
      await page.locator('#stop > summary').tap();
      const second = await page.getByRole('button', { name: /^Yes, stop now/ }).boundingBox();
      assert.ok(first && second && second.y + second.height <= first.y);
      const again = await page.locator('#stop > summary').boundingBox();
      assert.deepEqual(again, first);
    }));

  it('is worked from the keyboard: the stop takes two keys, in two places', () =>
    view('running, its commander', DESK, async (page) => {
      const yes = page.getByRole('button', { name: /^Yes, stop now/ });
      const here = (): Promise<number> => page.locator('button:focus', { hasText: 'Yes, stop now' }).count();
      assert.equal(await yes.isVisible(), false);
      await page.locator('#stop > summary').focus();
      await page.keyboard.press('Enter');
      assert.equal(await yes.isVisible(), true);
      await page.keyboard.press('Tab');
      assert.equal(await here(), 0);
      await page.keyboard.press('Tab');
      assert.equal(await here(), 1);
    }));
});

/** In the page: what is tapped, and is lower than 44 pixels. */
const SMALL = `[...document.querySelectorAll('button, summary, input:not([type=hidden])')].filter((one) => one.checkVisibility() && one.getBoundingClientRect().height < 43.5).map((one) => one.outerHTML.slice(0, 80))`;
