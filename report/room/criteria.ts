/** Criteria as they are judged: what is asked, what was found, by what. */
import type { ScenarioState } from '../../domain/game-day-state.ts';
import { nameAndAsked } from '../../domain/game-day-words.ts';
import type { Scenario } from '../../domain/game-day.ts';
import { VERDICTS } from '../game-day/words.ts';
import { html } from '../markup.ts';
import type { Piece } from '../markup.ts';
import { mark } from '../marks.ts';
import { clock } from '../words.ts';

/** Each criterion of a scenario; `ask`: what stands below one that is open. */
export function criteriaOf(
  { criteria }: Scenario,
  { criteria: found, phase }: ScenarioState,
  ask: (criterion: number) => Piece = () => null,
): Piece {
  if (criteria.length === 0) return null;
  return html`<ul class="rows criteria" aria-label="Criteria">${criteria.map((criterion, index) => {
    const one = found[index] ?? null;
    const words = nameAndAsked(criterion);
    if (one === null) {
      const word = phase === 'running' ? 'open' : phase === 'ended' ? 'never judged' : 'ahead';
      return html`<li class="open">${mark('calm', word)}<span>${words}</span>${ask(index)}</li>`;
    }
    const { tone, word } = VERDICTS[one.verdict];
    const by = one.by === undefined ? '' : `, by ${one.by}`;
    return html`<li class="${tone}">${mark(tone, word)}<span>${words}<small>${one.evidence}${by}, at ${clock(one.atMs)} UTC</small></span></li>`;
  })}</ul>`;
}
