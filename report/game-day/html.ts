/**
 * The report of a game day: one HTML file that needs nothing else.
 *
 * Owns the order of its sections. Must never show a text from outside other than escaped.
 */
import type { GameDayReport } from '../../domain/game-day-summary.ts';
import { html } from '../markup.ts';
import type { Markup, Piece } from '../markup.ts';
import { mark, sign } from '../marks.ts';
import { page } from '../page.ts';
import { clock, day } from '../words.ts';
import { charts, CHARTS_STYLE } from './charts.ts';
import { DEFINITIONS } from './definitions.ts';
import { facts, provenance } from './facts.ts';
import type { Cell, Row, Table } from './table.ts';
import { story, tables } from './tables.ts';
import { held, judgement, machinery } from './words.ts';
import type { Judgement } from './words.ts';

const DAY_STYLE = `${CHARTS_STYLE}
.sentence+.sentence{margin-top:8px}
td small,th small{display:block;font-size:13px;font-weight:400;color:var(--muted)}
[aria-labelledby="gaps"] tbody th[scope=row],[aria-labelledby="findings"] tbody th[scope=row]{font-weight:400}
td.number,th.number{text-align:right} td.number{white-space:nowrap}
@media screen and (min-width:761px){ table.cards:not(.story) td{min-width:92px} td.word{min-width:124px} tbody th{min-width:132px} }
.word .mark{align-items:flex-start;white-space:normal} .word .mark svg{margin-top:4px}
.definitions dt{font-weight:600;margin-top:12px} .definitions dd{font-size:14.5px;max-width:56em}
tr.loud td:nth-child(3){font-weight:650}
`;

/** A day's report as a complete HTML document. The same report gives the same text. */
export function renderGameDay(report: GameDayReport): string {
  return page(
    `${report.name}: ${report.state}, ${day(report.begunAtMs ?? report.calledAtMs)}`,
    html`${heading(report)}
<main>
${verdict(report)}
${figures(report)}
${charts(report)}
${tables(report).map((one) => section(one))}
${section(story(report), 'story')}
${sources(report)}
</main>
<footer>From the record of ${report.day}, as of ${day(report.lastAtMs)}, ${clock(report.lastAtMs)} UTC.</footer>`,
    DAY_STYLE,
  );
}

function heading({ day: id, name, purpose, begunAtMs, calledAtMs }: GameDayReport): Markup {
  return html`<header>
    <p class="kicker"><span>Squall · game day, ${day(begunAtMs ?? calledAtMs)}</span><code>${id}</code></p>
    <h1>${name}</h1>
    <p class="hypothesis">${purpose}</p>
  </header>`;
}

function verdict(report: GameDayReport): Markup {
  const { tone, word } = judgement(report);
  return html`<section class="verdict ${tone}" aria-labelledby="verdict">
    <h2 id="verdict">${sign(tone)}${word}</h2>
    ${report.summary.map((sentence) => html`<p class="sentence">${sentence}</p>`)}
    <dl class="axes">
      ${axis('Did the day run to its end?', machinery(report))} ${axis('Was what was expected found true?', held(report))}
    </dl>
  </section>`;
}

function axis(question: string, { tone, word, why }: Judgement & { readonly why: string }): Markup {
  return html`<div class="${tone}"><dt>${question}</dt><dd><strong>${mark(tone, word)}</strong>${why !== '' && html`<span>, ${why}</span>`}</dd></div>`;
}

function figures(report: GameDayReport): Markup {
  return html`<section aria-labelledby="facts">
    <h2 id="facts" hidden>Key figures</h2>
    <dl class="facts">${facts(report).map(
      ([name, { text, more }]) => html`<div><dt>${name}</dt><dd>${text}${small(more)}</dd></div>`,
    )}</dl>
  </section>`;
}

function section({ id, title, note, head, groups, none }: Table, look = ''): Markup {
  const some = groups.filter(({ rows }) => rows.length > 0);
  return html`<section aria-labelledby="${id}">
    <h2 id="${id}">${title}</h2>
    ${note !== undefined && html`<p class="note">${note}</p>`}
    ${
      some.length === 0
        ? html`<p>${none}</p>`
        : html`<div class="scroll"><table class="cards ${look}">
      <thead><tr>${head.map((name, i) => html`<th scope="col" class="${isNumeric(some, i) ? 'number' : ''}">${name}</th>`)}</tr></thead>
      ${some.map(
        ({ name, rows }) => html`<tbody class="group">
        ${name !== undefined && html`<tr><th scope="rowgroup" colspan="${head.length}">${name}</th></tr>`}
        ${rows.map((one) => (look === 'story' ? storyRow(one) : row(one, head)))}
      </tbody>`,
      )}
    </table></div>`
    }
  </section>`;
}

function isNumeric(groups: Table['groups'], column: number): boolean {
  return groups.every(({ rows }) => rows.every(({ cells }) => cells[column]?.set === 'number'));
}

function row({ cells }: Row, head: readonly string[]): Markup {
  const [name, ...rest] = cells;
  return html`<tr>${name && html`<th scope="row">${content(name)}</th>`}${rest.map(
    (one, i) => html`<td class="${look(one)}" data-label="${head[i + 1] ?? ''}"><span>${content(one)}</span></td>`,
  )}</tr>`;
}

/** As in a run's report. */
function storyRow({ cells: [time, since, what, words], loud }: Row): Markup {
  return html`<tr class="${loud === true ? 'loud' : ''}"><td class="nowrap mono">${time?.text}</td><td class="num quiet">${since?.text}</td><td class="nowrap">${what?.text}</td><td>${words?.text}</td></tr>`;
}

function look({ tone, set }: Cell): string {
  return tone === undefined ? (set === 'number' ? 'number' : '') : 'word';
}

function content({ text, more, tone, set }: Cell): Piece {
  const shown = set === 'code' ? html`<code>${text}</code>` : text;
  return [tone === undefined ? shown : mark(tone, text), small(more)];
}

function small(more: string | undefined): Piece {
  return more !== undefined && html`<small>${more}</small>`;
}

function sources(report: GameDayReport): Markup {
  return html`<section aria-labelledby="provenance">
    <h2 id="provenance">Provenance</h2>
    <p class="note">Each run has a report of its own: <code>squall report RUN</code>.</p>
    <dl class="provenance">${provenance(report).map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>
    <details><summary>How the figures are counted</summary>
      <dl class="definitions">${DEFINITIONS.map(([figure, words]) => html`<dt>${figure}</dt><dd>${words}</dd>`)}</dl>
    </details>
    <details><summary>The day as it was read</summary><pre>${JSON.stringify(report.gameDay, null, 2)}</pre></details>
  </section>`;
}
