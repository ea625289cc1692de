/** The stages: how far each reached, when it was reverted, and its targets. */
import type { RunSummary, StageSummary } from '../../domain/run-summary.ts';
import { formatDuration, formatQuantity } from '../../domain/units.ts';
import { html } from '../markup.ts';
import type { Markup, Piece } from '../markup.ts';
import { mark } from '../marks.ts';
import { clock, counted, number } from '../words.ts';

/** Targets of one stage that are listed; the journal has them all. */
const TARGETS_SHOWN = 100;

/** Nothing where no stage was planned. */
export function stages({ stages: all }: RunSummary): Markup | null {
  if (all.length === 0) return null;
  return html`<section aria-labelledby="stages">
    <h2 id="stages">Stages and reverts</h2>
    <p class="note">Each stage contains the one before. A revert counts once the target was read again and the fault was not there.</p>
    <div class="scroll">
      <table class="cards stages">
        <thead>
          <tr>
            <th scope="col">Stage</th><th scope="col" class="num">Reached</th><th scope="col" class="num">Of all</th><th scope="col" class="num">Fault on</th>
            <th scope="col" class="num">Reverted</th><th scope="col" class="num">Revert took</th><th scope="col">Absence</th>
          </tr>
        </thead>
        <tbody>${all.map(row)}</tbody>
      </table>
    </div>
    ${all.filter(({ targets }) => targets.length > 0).map(targetList)}
  </section>`;
}

function row(stage: StageSummary): Markup {
  const { skipped, reached, radius, heldAtMs, openedAtMs, revertedAtMs, revert, how, problems } = stage;
  const name = html`<th scope="row">${stage.stage + 1} · ${stage.size}${[...how, ...problems].map((words) => html`<div class="quiet">${words}</div>`)}</th>`;
  if (skipped !== null) return html`<tr>${name}<td colspan="6" class="quiet">skipped: ${skipped}</td></tr>`;
  return html`<tr>
    ${name}${cell('Reached', number(reached))}${cell('Of all', formatQuantity(radius, 'ratio'))}
    ${cell('Fault on', heldAtMs === null ? (openedAtMs === null ? '?' : 'not confirmed') : clock(heldAtMs))}
    ${cell('Reverted', revertedAtMs === null ? 'not yet' : clock(revertedAtMs))}
    ${cell('Revert took', revert === null ? '' : formatDuration(revert.tookMs))}
    <td data-label="Absence"><span>${absence(stage)}</span></td>
  </tr>`;
}

function cell(label: string, value: Piece): Markup {
  return html`<td class="num" data-label="${label}"><span>${value}</span></td>`;
}

function absence({ revert, stuck }: StageSummary): Markup {
  if (revert?.by === 'revert-only')
    return html`${mark('good', 'verified')}<div class="quiet">by a second lease; the first was lost</div>`;
  if (revert) return mark('good', 'verified');
  return stuck === null ? mark('warn', 'not confirmed') : html`${mark('bad', 'stuck')}<div>${stuck}</div>`;
}

function targetList({ stage, size, targets, injected }: StageSummary): Markup {
  const shown = targets.slice(0, TARGETS_SHOWN);
  const rest = targets.length - shown.length;
  const on = injected === null || injected === targets.length ? '' : `, the fault was on ${number(injected)} of them`;
  return html`<details>
    <summary>Stage ${stage + 1} (${size}) added ${counted(targets.length, 'target')}${on}</summary>
    <ol class="targets mono">${shown.map((target) => html`<li>${target}</li>`)}</ol>
    ${rest > 0 && html`<p class="note">and ${number(rest)} more; the journal lists them all</p>`}
  </details>`;
}
