/** The room of a game day, in a real browser, on a real day: what people see in it, what they do there, and who is kept out. */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, describe, it } from 'node:test';
import type { Browser, Locator, Page } from 'playwright-core';
import type { Criterion, Scenario } from '../../domain/game-day.ts';
import { NO_BROWSER, openBrowser } from '../browser.ts';
import { gameDayOf, scenarioOf, workOf } from './day-of.ts';
import { Days, ofType } from './days.ts';
import { HOSTILE } from '../report/journals.ts';
import { until } from '../until.ts';
import { Room } from './rooms.ts';

const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };
const byHand = (step: string): Scenario['work'] => ({ kind: 'by-hand', step });
const CRITERIA: Criterion[] = [
  { name: 'it holds', kind: 'hypothesis' },
  { name: 'customers were told', kind: 'judged', by: 'observer' },
];

const HOUR_MS = 3_600_000;
/** An experiment that is held for an hour, unless somebody ends it. */
const long = (): Scenario['work'] =>
  workOf({ blastRadius: { stages: [{ kind: 'count', count: 1, text: '1' }], holdMs: HOUR_MS, seed: 'any' } });
const title = (page: Page, name: string | RegExp): Promise<void> => page.getByRole('heading', { name }).waitFor();

describe('the room of a game day', { skip: NO_BROWSER }, () => {
  let days: Days;
  let browser: Browser;
  const rooms: Room[] = [];
  const open = async (day: string, links: readonly string[] = []): Promise<Room> => {
    const room = await Room.open(days, day, links);
    rooms.push(room);
    return room;
  };
  before(async () => {
    [days, browser] = await Promise.all([Days.open(), openBrowser()]);
  });
  after(async () => {
    for (const room of rooms) await room.close();
    await browser.close();
    await days.close();
  });

  it('the commander begins and approves in it, an observer judges, and the criterion turns green', async () => {
    const scenarios = [scenarioOf({ name: 'payments are slow', approve: 'commander', criteria: CRITERIA })];
    const day = await days.call('held-here', gameDayOf({ scenarios }));
    const room = await open(day.name, ['observer:carol']);
    await room.visit(
      browser,
      'alice',
      async (page) => {
        await title(page, 'Waits for alice to begin');
        await page.getByRole('button', { name: 'Begin the day' }).click();
        await title(page, 'Waits for alice to approve');
        await page.getByRole('button', { name: 'Approve: let it begin' }).click();
        await title(page, 'A scenario is on');
        await day.has({ type: 'criterion', criterion: 0 });
        await room.visit(browser, 'carol', async (hers) => {
          await hers.getByLabel('What you saw').fill('the page said so');
          // What is being written stays, whatever comes meanwhile.
          await day.does('bob', { act: 'note', text: 'the scribe saw it too' });
          await hers.locator('.happened').getByText('the scribe saw it too').waitFor();
          await day.has({ type: 'criterion', criterion: 0 });
          assert.equal(await hers.getByLabel('What you saw').inputValue(), 'the page said so');
          await hers.getByRole('button', { name: 'Yes, met' }).click();
          await title(hers, 'All criteria met');
        });
        await page.locator('summary', { hasText: 'payments are slow' }).click();
        const judged = page.locator('li.good', { hasText: 'customers were told' });
        await judged.getByText('the page said so, by carol (not authenticated)').waitFor();
        const line = page.locator('figure .chart:visible path[stroke="var(--line)"]').first();
        await line.waitFor({ state: 'attached' });
        await page.getByRole('link', { name: 'Read the report' }).click();
        await title(page, 'What happened');
      },
      PHONE,
    );
    const verdicts = ofType(await day.record(), 'criterion').map(({ verdict }) => verdict);
    assert.deepEqual(verdicts, ['met', 'met']);
    assert.equal(await room.close(), 0);
    await assert.rejects(fetch(room.base));
  });

  it('the stop ends the day, and what runs is rolled back; nobody else may pull it, though they post', async () => {
    const day = await days.call('stopped-here', gameDayOf({ scenarios: [scenarioOf({ work: long() })] }));
    const room = await open(day.name, ['observer:carol', 'scribe:bob', 'guest:eve']);
    await day.does('alice', { act: 'begin' });
    const run = await day.has({ type: 'run' });
    const { execution } = await day.story();
    for (const name of ['carol', 'bob', 'eve']) {
      const answer = await room.post(name, { act: 'abort', execution });
      assert.equal(answer.status, 409);
      const words = `${name} may not abort; the commander is alice`;
      assert.deepEqual(await answer.json(), { done: false, words });
    }
    const noted = await room.post('eve', { act: 'note', execution, text: 'I see nothing' });
    assert.deepEqual([noted.status, await noted.json()], [200, { done: true, words: 'noted' }]);
    const stale = await room.post('alice', { act: 'skip', execution, scenario: '1' });
    assert.match(((await stale.json()) as { words: string }).words, /the scenario that is on is 1/);
    const before = await room.post('alice', { act: 'skip', execution: 'another', scenario: '0' });
    assert.match(((await before.json()) as { words: string }).words, /the day was reset since it was looked at/);
    await room.visit(
      browser,
      'alice',
      async (page) => {
        await page.locator('#stop > summary').tap();
        await page.getByLabel('Why (may be left empty)').fill('customers complain');
        await page.getByRole('button', { name: /^Yes, stop now/ }).tap();
        await title(page, 'Aborted');
        await page.getByText('aborted: customers complain').waitFor();
        assert.equal(await page.locator('#stop').count(), 0);
      },
      PHONE,
    );
    const events = await day.record();
    const [ended] = ofType(events, 'run-ended');
    assert.deepEqual([ended?.run, ended?.status], [run.type === 'run' ? run.run : '', 'aborted']);
    assert.equal(ofType(events, 'day-ended')[0]?.by, 'alice (not authenticated)');
    assert.equal(ofType(events, 'note')[0]?.by, 'eve (not authenticated)');
  });

  it('works without its script: a step, a duration that is none, a judgement, words that would break a page', async () => {
    const criteria: Criterion[] = [{ name: `told ${HOSTILE}`, kind: 'judged', by: 'commander' }];
    const scenarios = [scenarioOf({ name: HOSTILE, expected: HOSTILE, work: byHand(`wait\n${HOSTILE}`), criteria })];
    const day = await days.call('without-script', gameDayOf({ purpose: HOSTILE, briefing: HOSTILE, scenarios }));
    const room = await open(day.name);
    await day.does('alice', { act: 'begin' });
    await day.has({ type: 'step-asked' });
    await day.does('bob', { act: 'note', text: HOSTILE });
    await room.visit(
      browser,
      'alice',
      async (page) => {
        /** Looks again until it is there, as a person does whose browser runs no script. */
        const comes = (there: Locator): Promise<void> =>
          until(async () => {
            if ((await there.count()) > 0) return true;
            await page.getByRole('link', { name: 'Look again' }).click();
            return false;
          }, 'it comes');
        await comes(page.locator('#extend-0'));
        await page.locator('#extend-0 > summary').click();
        await page.getByLabel('How much, such as 10m').fill('soon');
        await page.getByRole('button', { name: 'Extend the scenario' }).click();
        await page.getByText('by: found soon, expected a duration such as 30m').waitFor();
        await page.goto(room.base);
        await comes(page.getByRole('button', { name: 'Done' }));
        await page.getByRole('button', { name: 'Done' }).click();
        await comes(page.getByLabel('What you saw'));
        await page.getByLabel('What you saw').fill(HOSTILE);
        await page.getByRole('button', { name: 'No, missed' }).click();
        await comes(page.getByRole('heading', { name: '1 criterion missed' }));
      },
      { javaScriptEnabled: false, mayFail: true },
    );
    await room.visit(browser, 'alice', async (page) => {
      await title(page, '1 criterion missed');
      await page.locator('.happened').getByText(HOSTILE).first().waitFor();
      assert.equal(await page.evaluate('window.pwned'), undefined);
    });
    const [judged] = ofType(await day.record(), 'criterion');
    assert.deepEqual([judged?.verdict, judged?.evidence], ['missed', HOSTILE]);
    assert.equal(ofType(await day.record(), 'step-done')[0]?.step, `wait\n${HOSTILE}`);
  });

  it('keeps out who has no key, other pages, other names for this machine, and what is no form', async () => {
    const day = await days.call('locked', gameDayOf());
    const room = await open(day.name, ['observer:carol']);
    const status = async (answer: Promise<Response>): Promise<number> => (await answer).status;
    const { base } = room;
    const cookie = await room.cookieOf('alice');
    assert.match(cookie, /^squall-room-\d+=[\w-]{43}$/);
    assert.notEqual(cookie, await room.cookieOf('carol'));
    assert.match((await fetch(room.link('alice'))).headers.getSetCookie()[0] ?? '', /; HttpOnly; SameSite=Strict;/);
    for (const path of ['/', '/live', '/report', '/nothing']) assert.equal(await status(fetch(`${base}${path}`)), 403);
    for (const key of ['', 'x', `${room.link('alice')}x`])
      assert.equal(await status(fetch(`${base}/enter?key=${key}`)), 403);
    assert.equal(await status(fetch(base, { headers: { cookie: `${cookie}x` } })), 403);
    assert.equal(await status(fetch(`${base}/nothing`, { headers: { cookie } })), 404);
    const page = await fetch(base, { headers: { cookie } });
    assert.equal(page.status, 200);
    assert.match(page.headers.get('content-security-policy') ?? '', /^default-src 'none'; script-src 'self';/);
    assert.doesNotMatch(await page.text(), new RegExp(cookie.split('=')[1] ?? 'no key'));
    const { execution } = await day.story();
    const begin = { act: 'begin', execution };
    for (const origin of ['', 'null', 'http://evil.example', 'http://127.0.0.1:1', base.replace('http', 'https')])
      assert.equal(await status(room.post('alice', begin, { origin })), 403, origin);
    assert.equal(await status(room.post('alice', begin, { cookie: '' })), 403);
    assert.equal(await status(room.post('alice', begin, { 'content-type': 'text/plain' })), 415);
    assert.equal(await status(room.post('alice', { ...begin, text: 'x'.repeat(40_000) })), 413);
    for (const odd of [
      {},
      { act: 'gossip' },
      { act: 'approve', scenario: '-1' },
      { act: 'done', scenario: '7', step: '0' },
    ])
      assert.equal(await status(room.post('alice', { execution, ...odd })), 400, JSON.stringify(odd));
    const { hostname, port } = new URL(base);
    const named = (host: string): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        request({ hostname, port, path: '/', headers: { host, cookie } }, (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        })
          .on('error', reject)
          .end();
      });
    for (const host of ['evil.example', `evil.example:${port}`, `localhost.evil.example:${port}`, 'a b'])
      assert.equal(await named(host), 421, host);
    for (const host of [`localhost:${port}`, 'localhost:9999', `127.0.0.1:${port}`])
      assert.equal(await named(host), 200, host);
    assert.equal((await day.story()).state.phase, 'called', 'nothing of it was done');
    await day.does('alice', { act: 'abort', why: 'seen' });
  });

  it('says so when nobody answers, and goes on once somebody does', async () => {
    const day = await days.call('away', gameDayOf({ scenarios: [scenarioOf({ work: byHand('wait') })] }));
    const room = await open(day.name);
    await day.does('alice', { act: 'begin' });
    await day.has({ type: 'step-asked' });
    await room.visit(
      browser,
      'alice',
      async (page) => {
        await page.getByText('live', { exact: true }).waitFor();
        await days.lane.kill('control');
        await page.getByText(/no control worker answers for the day.*What you see is as of/).waitFor();
        await days.lane.kill('temporal');
        await page.getByText(/Temporal does not answer/).waitFor();
        assert.equal(await page.getByRole('button', { name: 'Done' }).count(), 1, 'what was seen is there');
        await days.lane.start('temporal');
        await days.lane.start('control');
        await page.getByText('live', { exact: true }).waitFor({ timeout: 90_000 });
        await page.getByRole('button', { name: 'Done' }).click();
        await title(page, 'Done; nothing was asked of it');
        assert.equal(await room.close(), 0);
        await page.getByText(/The room does not answer, since/).waitFor();
      },
      { mayFail: true },
    );
  });
});
