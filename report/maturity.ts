/**
 * Maturity as a page: the level, what proves it, what is missing, and the coverage of services by classes of faults.
 *
 * Owns the order of its sections, and the look of the coverage; its colours are the report's. Must never show a text from outside
 * other than escaped.
 */
import { FAULT_CLASSES } from '../domain/fault-class.ts';
import { nextRung } from '../domain/maturity.ts';
import type { Assessment, Maturity, Rung } from '../domain/maturity.ts';
import { FRESH_MS } from '../domain/maturity-coverage.ts';
import type { Cell, CellState, CoverageRow } from '../domain/maturity-coverage.ts';
import type { Evidence } from '../domain/maturity-evidence.ts';
import { html } from './markup.ts';
import type { Markup, Piece } from './markup.ts';
import { mark, sign } from './marks.ts';
import type { Tone } from './marks.ts';
import { page } from './page.ts';
import { clock, counted, day } from './words.ts';

const FRESH_DAYS = FRESH_MS / 86_400_000;

const MATURITY_STYLE = `
table.heat td{padding:3px;border:0} table.heat tbody th{min-width:90px;border:0;vertical-align:middle}
.cell{display:block;min-width:88px;min-height:58px;padding:8px 10px;border-radius:8px;background:var(--tint);border:1px solid transparent;font-size:13.5px;line-height:1.35}
.cell.never{background:none;border:1px dashed var(--rule-strong);color:var(--muted)} .cell.never .mark{color:inherit}
.cell small{display:block;font-size:12px;color:var(--muted)}
table.rungs th{min-width:130px} table.rungs td:nth-child(2){min-width:110px} table.rungs td:nth-child(3),table.rungs td:nth-child(4){width:38%;min-width:220px} table.rungs p+p{margin-top:4px}
.next{margin:0;padding-left:20px;font-size:15.5px}
ol.ladder{display:grid;grid-template-columns:repeat(5,1fr);gap:10px;list-style:none;padding:0;margin-top:20px}
.ladder li{background:var(--tint);border-radius:8px;padding:10px 12px;font-size:14px;line-height:1.35} .ladder strong{display:block;margin-bottom:4px}
@media screen and (max-width:760px){
  ol.ladder{grid-template-columns:1fr} .cell{display:inline-block;min-height:0;padding:4px 10px} table.rungs th,table.rungs td:nth-child(n){width:auto;min-width:0} table.rungs td[data-label]{display:block!important} table.rungs td[data-label]>*{text-align:left}
}
`;

/** The page as a complete HTML document. `leftOut`: what is not in the evidence, in sentences. */
export function renderMaturity(
  { whole, services, coverage }: Maturity,
  { nowMs, runs, productionSites }: Pick<Evidence, 'nowMs' | 'runs' | 'productionSites'>,
  leftOut: readonly string[],
): string {
  const production = productionSites.length === 0 ? 'no site' : productionSites.join(', ');
  return page(
    `Chaos maturity: level ${whole.level}, ${day(nowMs)}`,
    html`<header>
  <p class="kicker"><span>Squall · maturity, ${day(nowMs)}</span></p>
  <h1>Chaos maturity</h1>
  <p class="hypothesis">Judged from ${counted(runs.length, 'run')} that came to a verdict. Production is ${production}.</p>
</header>
<main>
${verdict(whole)}
${nextSteps(whole)}
${coverageMap(coverage)}
${levels(whole)}
${byService(services)}
${notIncluded(leftOut)}
</main>
<footer>As of ${day(nowMs)}, ${clock(nowMs)} UTC. Runs older than ${FRESH_DAYS} days prove nothing any more.</footer>`,
    MATURITY_STYLE,
  );
}

const STATES: Readonly<Record<Rung['state'], readonly [Tone, string]>> = {
  proved: ['good', 'proved'],
  missing: ['warn', 'missing'],
  unknown: ['calm', 'not known'],
};

function verdict(whole: Assessment): Markup {
  const next = nextRung(whole);
  const tone = whole.level === 0 ? 'warn' : next === undefined ? 'good' : 'calm';
  const sentence =
    next === undefined
      ? 'Every level is proved.'
      : html`For level ${next.level}, ${next.name}: ${coded(next.missing.join('; '))}.`;
  return html`<section class="verdict ${tone}" aria-labelledby="level">
    <h2 id="level">${sign(tone)}Level ${whole.level} of 5: ${whole.name}</h2>
    <p class="sentence">${sentence}</p>
    <ol class="ladder">${whole.rungs.map(({ level, name, state }) => {
      const [rungTone, word] = STATES[state];
      return html`<li class="${rungTone}"><strong>${level} · ${name}</strong>${mark(rungTone, word)}</li>`;
    })}</ol>
  </section>`;
}

function nextSteps(whole: Assessment): Markup | null {
  const next = nextRung(whole)?.next ?? [];
  if (next.length === 0) return null;
  return html`<section aria-labelledby="next">
    <h2 id="next">Next steps</h2>
    <ul class="next">${next.map((step) => html`<li>${coded(step)}</li>`)}</ul>
  </section>`;
}

const CELLS: Readonly<Record<CellState, Tone>> = { never: 'calm', failed: 'bad', passed: 'good', stale: 'warn' };

function coverageMap(coverage: readonly CoverageRow[]): Markup {
  const [first] = coverage;
  const classes = first?.cells.map(({ faultClass }) => faultClass) ?? [];
  return html`<section aria-labelledby="coverage">
    <h2 id="coverage">Coverage</h2>
    <p class="note">Services by classes of faults: never tried; passed or failed, by the last run in production and the last anywhere else, of which the worse counts;
      stale where the last is more than ${FRESH_DAYS} days old. Only services that a run was about, or that the configuration names, are known here.</p>
    ${
      first === undefined
        ? html`<p>No service is known yet.</p>`
        : html`<div class="scroll"><table class="cards heat">
      <thead><tr><th scope="col">Service</th>${classes.map((one) => html`<th scope="col" title="${FAULT_CLASSES[one]}">${one}</th>`)}</tr></thead>
      <tbody>${coverage.map(
        ({ service, cells }) =>
          html`<tr><th scope="row">${service ?? html`<span class="quiet">of no single service</span>`}</th>${cells.map(cellOf)}</tr>`,
      )}</tbody>
    </table></div>
    <details><summary>Which run decides each cell</summary><ul class="targets">${coverage.map(deciding)}</ul></details>
    <details><summary>What the classes mean</summary><dl class="provenance">${classes.map((one) => html`<dt>${one}</dt><dd>${FAULT_CLASSES[one]}</dd>`)}</dl></details>`
    }
  </section>`;
}

function cellOf({ faultClass, state, run, atMs, held, production }: Cell): Markup {
  const tone = CELLS[state];
  const words = [
    ...(state === 'stale' ? [held === true ? 'passed' : 'failed'] : []),
    ...(atMs === undefined ? [] : [new Date(atMs).toISOString().slice(0, 10)]),
    ...(production === false ? ['not production'] : []),
  ];
  return html`<td data-label="${faultClass}"><span class="cell ${tone} ${state}" title="${run ?? ''}">${mark(tone, state)}${words.map((word) => html`<small>${word}</small>`)}</span></td>`;
}

function deciding({ service, cells }: CoverageRow): readonly Markup[] {
  return cells.flatMap(({ faultClass, state, run }) =>
    run === undefined
      ? []
      : [html`<li>${service ?? 'of no single service'}, ${faultClass}, ${state}: <code>${run}</code></li>`],
  );
}

function levels({ rungs }: Assessment): Markup {
  return html`<section aria-labelledby="levels">
    <h2 id="levels">What proves each level</h2>
    <p class="note">A level stands on those below it.</p>
    <div class="scroll"><table class="cards rungs">
      <thead><tr><th scope="col">Level</th><th scope="col">Result</th><th scope="col">Proved by</th><th scope="col">Missing</th></tr></thead>
      <tbody>${rungs.map(
        ({ level, name, state, proof, runs, missing }) => html`<tr>
        <th scope="row">${level} · ${name}</th><td>${mark(...STATES[state])}</td>
        ${wordsIn('Proved by', [...paragraphs(proof), ...named(runs)])}
        ${wordsIn('Missing', paragraphs(missing))}
      </tr>`,
      )}</tbody>
    </table></div>
  </section>`;
}

function byService(services: readonly Assessment[]): Markup | null {
  if (services.length === 0) return null;
  return html`<section aria-labelledby="services">
    <h2 id="services">By service</h2>
    <div class="scroll"><table class="cards rungs">
      <thead><tr><th scope="col">Service</th><th scope="col">Level</th><th scope="col">Proved by</th><th scope="col">Missing for the next, and what to do</th></tr></thead>
      <tbody>${services.map((one) => {
        const next = nextRung(one);
        const proved = one.rungs[one.level - 1];
        return html`<tr>
        <th scope="row">${one.service}</th><td>${one.level} · ${one.name}</td>
        ${wordsIn('Proved by', [...paragraphs(proved?.proof ?? []), ...named(proved?.runs ?? [])])}
        ${wordsIn('Missing', [...paragraphs(next?.missing ?? []), ...(next?.next ?? []).map((step) => html`<p class="quiet">${coded(step)}</p>`)])}
      </tr>`;
      })}</tbody>
    </table></div>
  </section>`;
}

function notIncluded(leftOut: readonly string[]): Markup | null {
  if (leftOut.length === 0) return null;
  return html`<section aria-labelledby="left-out">
    <h2 id="left-out">Not in it</h2>
    ${paragraphs(leftOut)}
  </section>`;
}

/** Each in a paragraph of its own. */
function paragraphs(texts: readonly string[]): readonly Markup[] {
  return texts.map((text) => html`<p>${coded(text)}</p>`);
}

function named(runs: readonly string[]): readonly Markup[] {
  return runs.map((run) => html`<p><code>${run}</code></p>`);
}

/** A phone shows the label, where there is anything. */
function wordsIn(label: string, words: readonly Markup[]): Markup {
  return words.length === 0 ? html`<td></td>` : html`<td data-label="${label}"><div>${words}</div></td>`;
}

/** What is between backticks is set as code. */
function coded(text: string): readonly Piece[] {
  return text.split('`').map((part, i) => (i % 2 === 1 ? html`<code>${part}</code>` : part));
}
