/**
 * A room that is open for a day, and who is in it.
 *
 * Owns the process that serves it, and the browsers' contexts: one for each person, which fail the test where anything is logged.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { start } from '../cli/squall.ts';
import type { Started } from '../cli/squall.ts';
import { until } from '../until.ts';
import type { Days } from './days.ts';

/** One room. */
export class Room {
  readonly served: Started;
  /** By name. */
  readonly links: Readonly<Record<string, string>>;

  private constructor(served: Started, links: Readonly<Record<string, string>>) {
    this.served = served;
    this.links = links;
  }

  /** Opens one as alice, and for those of `links`. */
  static async open(days: Days, day: string, links: readonly string[] = []): Promise<Room> {
    const served = start(
      ['--json', 'gameday', 'room', day, '--as', 'alice', ...links.flatMap((link) => ['--link', link])],
      days.env,
    );
    const said = (): string[] => served.out().split('\n').slice(0, -1);
    await until(() => said().length > links.length || served.child.exitCode !== null, 'the room is open');
    if (said().length <= links.length) assert.fail(`the room is not open: ${served.out()}${(await served.ended).err}`);
    const events = said().map((line) => JSON.parse(line) as { name: string; url: string });
    return new Room(served, Object.fromEntries(events.map(({ name, url }) => [name, url])));
  }

  link(name: string): string {
    return this.links[name] ?? assert.fail(`no link for ${name}`);
  }

  get base(): string {
    return new URL(this.link('alice')).origin;
  }

  /** The cookie of somebody who has come in. */
  async cookieOf(name: string): Promise<string> {
    const answer = await fetch(this.link(name));
    return answer.headers.getSetCookie()[0]?.split(';')[0] ?? assert.fail(`no cookie for ${name}`);
  }

  /** Posts a form as somebody, as a page of the room would but for what is said. */
  async post(
    name: string,
    fields: Readonly<Record<string, string>>,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Response> {
    return fetch(`${this.base}/act`, {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams(fields),
      headers: { cookie: await this.cookieOf(name), origin: this.base, accept: 'application/json', ...headers },
    });
  }

  /** Somebody comes in with their link, and does something; fails where the page logged anything, or asked for anything elsewhere. */
  async visit(
    browser: Browser,
    name: string,
    look: (page: Page) => Promise<void>,
    options: BrowserContextOptions & { readonly mayFail?: boolean } = {},
  ): Promise<void> {
    const { mayFail = false, ...given } = options;
    const context = await browser.newContext(given);
    const noise: string[] = [];
    try {
      const page = await context.newPage();
      page.on('console', (message) => {
        if (!mayFail || !message.text().startsWith('Failed to load resource')) noise.push(`console: ${message.text()}`);
      });
      page.on('pageerror', (error) => noise.push(`error: ${error.message}`));
      page.on('request', (request) => {
        const url = request.url();
        if (!url.startsWith(`${this.base}/`) && url !== 'data:,') noise.push(`request: ${url}`);
      });
      await page.goto(this.link(name));
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.waitForURL(`${this.base}/`);
      await look(page);
      assert.deepEqual(noise, []);
    } finally {
      await context.close();
    }
  }

  /** Ctrl-C. */
  async close(): Promise<number | null> {
    const { child } = this.served;
    if (child.exitCode === null) {
      const closed = once(child, 'exit');
      child.kill('SIGINT');
      await closed;
    }
    return child.exitCode;
  }
}
