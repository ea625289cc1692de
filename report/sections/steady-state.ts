/** The steady state before, during and after the fault, as people group it. */
import type { CheckedReading } from '../../domain/journal.ts';
import type { RunSummary } from '../../domain/run-summary.ts';
import { html } from '../markup.ts';
import type { Markup } from '../markup.ts';
import { mark } from '../marks.ts';
import { reading } from '../words.ts';

const GROUPS = [
  ['business', 'Business'],
  ['system', 'System'],
  ['dependencies', 'Dependencies'],
] as const;
const TIMES = ['before', 'during', 'after'] as const;

/** Nothing where it was never read. */
export function steadyState({ steadyState: states }: RunSummary): Markup | null {
  const rows = rowsOf(states);
  if (rows.length === 0) return null;
  return html`<section aria-labelledby="steady-state">
    <h2 id="steady-state">Steady state</h2>
    <p class="note">Before the fault, at its worst while the fault was on, and after everything was reverted.</p>
    <div class="scroll">
      <table class="cards">
        <thead>
          <tr><th scope="col">Probe</th><th scope="col">Accepted</th><th scope="col">Before</th><th scope="col">During</th><th scope="col">After</th></tr>
        </thead>
        ${GROUPS.map(([group, name]) =>
          groupRows(
            name,
            rows.filter((row) => row.group === group),
          ),
        )}
      </table>
    </div>
  </section>`;
}

type Row = Pick<CheckedReading, 'probe' | 'group' | 'expected'> & {
  readonly cells: readonly (CheckedReading | undefined)[];
};

/** One row a check; two checks of one probe stay apart. */
function rowsOf(states: RunSummary['steadyState']): Row[] {
  const first = TIMES.map((when) => states[when]).find((state) => state !== null && state.readings.length > 0);
  if (!first) return [];
  return first.readings.map(({ probe, group, expected }, i) => ({
    probe,
    group,
    expected,
    cells: TIMES.map((when) => {
      const there = states[when]?.readings ?? [];
      return there[i]?.probe === probe ? there[i] : there.find((one) => one.probe === probe);
    }),
  }));
}

function groupRows(name: string, rows: readonly Row[]): Markup | null {
  if (rows.length === 0) return null;
  return html`<tbody class="group">
    <tr><th scope="rowgroup" colspan="5">${name}</th></tr>
    ${rows.map(
      ({ probe, expected, cells }) => html`<tr>
        <th scope="row">${probe}</th><td data-label="Accepted"><span>${expected}</span></td>${cells.map((cell, i) => valueCell(TIMES[i] ?? '', cell))}
      </tr>`,
    )}
  </tbody>`;
}

function valueCell(when: string, cell: CheckedReading | undefined): Markup {
  const label = `${when.charAt(0).toUpperCase()}${when.slice(1)}`;
  const value = cell ? markOf(cell) : html`<span class="quiet">not read</span>`;
  return html`<td data-label="${label}"><span>${value}</span></td>`;
}

function markOf({ held, value, dimension }: CheckedReading): Markup {
  return html`${mark(held ? 'good' : 'bad', reading(value, dimension))}${!held && html` <span class="quiet">did not hold</span>`}`;
}
