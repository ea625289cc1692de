/**
 * The room of a game day, as a page.
 *
 * Owns its parts and their order. A part is what changes at once; the page's script puts a new one in the place of the old. Whatever anybody
 * wrote is text. Pure: the server looks, and this shows.
 */
import { createHash } from 'node:crypto';
import { actsOpenTo } from '../../domain/game-day-choices.ts';
import { html } from '../markup.ts';
import type { Markup, Piece } from '../markup.ts';
import { mark } from '../marks.ts';
import { clock } from '../words.ts';
import { field, form, line } from './forms.ts';
import { now } from './now.ts';
import { drawn, happened, plan, roles, standing } from './plan.ts';
import type { DaySeen, Viewer } from './seen.ts';

/** What the page is made of, from the top. */
const PARTS = {
  connection,
  now,
  charts: (seen) => drawn(seen),
  write,
  happened: (seen) => happened(seen),
  plan: (seen) => plan(seen),
  roles,
  stop,
} satisfies Readonly<Record<string, (seen: DaySeen, viewer: Viewer, nowMs: number | null) => Piece>>;

/** A part, and what changes when it does. */
export interface Part {
  readonly version: string;
  readonly text: string;
}

/** Every part as it is now, for the page's script. */
export function roomParts(seen: DaySeen, viewer: Viewer): Readonly<Record<string, Part>> {
  return Object.fromEntries(
    Object.entries(PARTS).map(([name, draw]) => {
      const { text } = html`${draw(seen, viewer, null)}`;
      return [name, { text, version: createHash('sha256').update(text).digest('base64url').slice(0, 12) }];
    }),
  );
}

/** The whole page. */
export function roomPage(seen: DaySeen, viewer: Viewer, nowMs: number): string {
  const versions = roomParts(seen, viewer);
  const part = (name: keyof typeof PARTS): Markup =>
    html`<div data-part="${name}" data-version="${versions[name]?.version}">${PARTS[name](seen, viewer, nowMs)}</div>`;
  const { gameDay } = seen.state;
  return shell(
    `${gameDay.name}: game day`,
    html`<header>
    <p class="kicker"><span>Squall · game day room</span><span>You are <strong>${viewer.name}</strong>, ${standing(seen, viewer)}</span></p>
    <h1>${gameDay.name}</h1>
    ${part('connection')}
    <p id="said" class="said ${viewer.said?.tone}" role="status">${viewer.said?.words}</p>
    <p id="news" class="unseen" aria-live="polite"></p>
    <noscript><p class="note">This page does not renew itself without its script. <a href="/">Look again</a></p></noscript>
  </header>
  <main data-now="${nowMs}">
    ${part('now')} ${part('charts')}
    <div class="columns"><div>${part('write')} ${part('happened')}</div><div>${part('plan')} ${part('roles')}</div></div>
  </main>
  ${part('stop')}`,
  );
}

/** A page that has something to say, and nothing to do. */
export function wordsPage(title: string, words: Piece, more: Piece = ''): string {
  return shell(title, html`<main><section><h1>${title}</h1><p class="sentence">${words}</p></section></main>`, more);
}

function shell(title: string, body: Markup, more: Piece = ''): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/room.css">
${more === '' ? html`<script type="module" src="/room.js"></script>` : more}
</head>
<body>
${body}
</body>
</html>
`.text;
}

/** Whether what is shown is as it is. */
function connection({ silent, atMs }: DaySeen): Markup {
  return silent === undefined
    ? html`<p class="connection">${mark('good', 'live')}</p>`
    : html`<p class="connection trouble" role="alert">${mark('bad', 'not live')} ${silent}. What you see is as of ${clock(atMs)} UTC.</p>`;
}

/** What anybody may write down. */
function write(seen: DaySeen, { name }: Viewer): Piece {
  const { state, execution } = seen;
  if (seen.lost !== undefined || !actsOpenTo(state, name).some(({ act }) => act === 'note')) return null;
  const { current } = state;
  const scenario = current !== undefined && state.scenarios[current]?.phase === 'running' ? current : undefined;
  return html`<section class="write" aria-labelledby="write-title">
    <h2 id="write-title" tabindex="-1">Write it down</h2>
    ${line(seen, 'note', { id: 'note-text', ask: 'Note: what happens', name: 'text', send: 'Note', required: true })}
    ${line(seen, 'finding', { id: 'finding-text', ask: 'Finding: what was learnt', name: 'text', send: 'Finding', required: true }, { scenario })}
    ${form(
      execution,
      'action',
      { scenario },
      html`${field('action-text', 'Action: what is to be done', 'text', true)}${field('action-owner', 'Who does it', 'owner', true)}<button>Action</button>`,
      'line',
    )}
  </section>`;
}

/** The big stop: two taps, in two places. */
function stop(seen: DaySeen, { name }: Viewer): Piece {
  const { state } = seen;
  if (state.phase === 'ended' || seen.lost !== undefined) return null;
  if (!actsOpenTo(state, name).some(({ act }) => act === 'abort'))
    return html`<aside class="halt" aria-label="Stop"><p class="quiet">To end the day: ${state.gameDay.roles.commander}, here; or anybody, everything: <code>squall stop --reason …</code></p></aside>`;
  return html`<aside class="halt" aria-label="Stop">
    <details id="stop"><summary><span class="yes">Stop the day</span><span class="no">No, go on</span></summary>
      ${line(seen, 'abort', { id: 'stop-why', ask: 'Why (may be left empty)', name: 'why', send: 'Yes, stop now: roll back what runs', look: 'stop' })}
    </details>
  </aside>`;
}
