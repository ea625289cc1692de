/** The room of a game day, in a real browser, on a real day: what people see in it, what they do there, and who is kept out. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Browser } from 'playwright-core';
import type { Criterion, Scenario } from '../../domain/game-day.ts';
import { NO_BROWSER, openBrowser } from '../browser.ts';
import { gameDayOf, scenarioOf, workOf } from './day-of.ts';
import { Days, ofType } from './days.ts';
import { Room } from './rooms.ts';

const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };
const byHand = (step: string): Scenario['work'] => ({ kind: 'by-hand', step });
const CRITERIA: Criterion[] = [
  { name: 'it holds', kind: 'hypothesis' },
  { name: 'customers were told', kind: 'judged', by: 'observer' },
];

describe('the room of a game day', { skip: NO_BROWSER }, () => {
  let days: Days;
  let browser: Browser;
  before(async () => {
    [days, browser] = await Promise.all([Days.open(), openBrowser()]);
  });
  after(async () => {
    await browser.close();
    await days.close();
  });

  it('the commander begins and approves in it, an observer judges, and the criterion turns green', async () => {
    const scenarios = [scenarioOf({ name: 'payments are slow', approve: 'commander', criteria: CRITERIA })];
    const day = await days.call('held-here', gameDayOf({ scenarios }));
    const room = await Room.open(days, day.name, ['observer:carol']);
    await room.visit(
      browser,
      'alice',
      async (page) => {
        await page.getByRole('heading', { name: 'Waits for alice to begin' }).waitFor();
        await page.getByRole('button', { name: 'Begin the day' }).click();
        await page.getByRole('heading', { name: 'Waits for alice to approve' }).waitFor();
        await page.getByRole('button', { name: 'Approve: let it begin' }).click();
        await page.getByRole('heading', { name: 'A scenario is on' }).waitFor();
        await day.has({ type: 'criterion', criterion: 0 });
        await room.visit(browser, 'carol', async (hers) => {
          assert.equal(await hers.getByRole('button', { name: 'Skip' }).count(), 0);
          await hers.getByLabel('What you saw').fill('the page said so');
          await hers.getByRole('button', { name: 'Yes, met' }).click();
          await hers.getByRole('heading', { name: 'All criteria met' }).waitFor();
        });
        const judged = page.locator('li.good', { hasText: 'customers were told' });
        await page.locator('summary', { hasText: 'payments are slow' }).click();
        await judged.getByText('the page said so, by carol (not authenticated)').waitFor();
        await page.getByRole('link', { name: 'Read the report' }).click();
        await page.getByRole('heading', { name: 'What happened' }).waitFor();
      },
      PHONE,
    );
    assert.deepEqual(
      ofType(await day.record(), 'criterion').map(({ verdict }) => verdict),
      ['met', 'met'],
    );
    assert.equal(await room.close(), 0);
    await assert.rejects(fetch(room.base));
  });
});
