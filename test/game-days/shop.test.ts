/** The game day of the demo shop, from its beginning to its report: in a browser, played, and interrupted. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { NO_BROWSER, openBrowser } from '../browser.ts';
import { ROOT } from '../readme/blocks.ts';
import { open } from '../readme/terminal.ts';
import type { Terminal } from '../readme/terminal.ts';

/** Nothing of the day takes as long, in milliseconds. */
const PATIENT_MS = 150_000;

describe('the game day of the demo shop', () => {
  let state: string;
  before(async () => (state = await mkdtemp(join(tmpdir(), 'squall-shop-day-'))));
  after(() => rm(state, { recursive: true, force: true }));
  const start = (command: string): Terminal => open(command, ROOT, { XDG_STATE_HOME: state, TMPDIR: state });
  const reportOf = (demo: Terminal): Promise<string> => {
    const [, file = ''] = /^report: (.+)$/m.exec(demo.output()) ?? assert.fail(demo.output());
    return readFile(file, 'utf8');
  };

  describe('in a browser', { skip: NO_BROWSER }, () => {
    let browser: Browser;
    before(async () => (browser = await openBrowser()));
    after(() => browser.close());

    it('is begun, approved, done and judged by its people, and ends with all that was asked met', async () => {
      const demo = start('npm run demo:gameday -- --by-hand');
      await demo.until(/^alice .*http:\S+$/m);
      const enter = async (name: string): Promise<Page> => {
        const [, link = ''] = new RegExp(`^${name} .*(http:\\S+)$`, 'm').exec(demo.output()) ?? assert.fail(name);
        const page = await browser.newPage();
        page.setDefaultTimeout(PATIENT_MS);
        await page.goto(link);
        return page;
      };
      const [alice, carol, dan] = await Promise.all(['alice', 'carol', 'dan'].map(enter));
      assert.ok(alice && carol && dan);
      await alice.getByRole('button', { name: 'Begin the day' }).click();
      for (const scenario of ['replicas-stand-still', 'the-catalogue-is-gone']) {
        await alice.getByRole('heading', { name: scenario }).waitFor();
        await alice.getByRole('button', { name: 'Approve: let it begin' }).click();
      }
      await carol.getByRole('button', { name: 'Done' }).click();
      await dan.getByLabel('What you saw').fill('the page said so within a minute');
      await dan.getByRole('button', { name: 'Yes, met' }).click();
      // Whether the shop held is the machine's to say; that it was judged is the day's.
      await alice.getByRole('link', { name: 'Read the report' }).waitFor();
      await demo.until(/Ctrl-C closes the room/);
      demo.interrupt();
      const code = await demo.code;
      assert.ok(code === 0 || code === 1, demo.output());
      assert.match(demo.output(), /^\S+ +completed +3 of 3 scenarios were done$/m);
      const [, met = '', of = ''] = /^(\d+) of (\d+) criteria were met$/m.exec(demo.output()) ?? [];
      assert.equal(of, '9');
      assert.equal(met === of, code === 0);
      assert.match(await reportOf(demo), /the page said so within a minute/);
      assert.deepEqual(demo.left(), [], 'processes left behind');
    });
  });

  it('ends early with Ctrl-C: what runs is rolled back, and its report says so', async () => {
    const demo = start('npm run demo:gameday');
    await demo.until(/run {10}shop-\S+-1-1-/);
    demo.interrupt();
    assert.notEqual(await demo.code, 0);
    assert.match(demo.output(), /run ended .*(?:aborted|not begun)[^]*aborted {6}the demo was interrupted, by alice/);
    assert.doesNotMatch(demo.output(), /^ +at /m, 'a stack');
    assert.match(await reportOf(demo), /the demo was interrupted/);
    assert.deepEqual(demo.left(), [], 'processes left behind');
  });
});
