/**
 * Marks: the small signs that stand beside a word, so that colour is never the only signal.
 *
 * Owns their shapes and the tone of each outcome.
 */
import { html } from './markup.ts';
import type { Markup } from './markup.ts';

/** What an outcome feels like. */
export type Tone = 'good' | 'bad' | 'warn' | 'calm';

/** The sign of a tone: a tick, a cross, an exclamation mark, a bar. Decorative: a word always stands beside it. */
export function sign(tone: Tone): Markup {
  return html`<svg viewBox="0 0 24 24" aria-hidden="true" focusable="false">
    <circle cx="12" cy="12" r="11" fill="none" stroke="currentColor" stroke-width="2"></circle>${SHAPES[tone]}
  </svg>`;
}

/** A word with its sign. */
export function mark(tone: Tone, word: string): Markup {
  return html`<span class="mark ${tone}">${sign(tone)}${word}</span>`;
}

const SHAPES: Readonly<Record<Tone, Markup>> = {
  good: html`<path d="M7 12.5l3.5 3.5L17 9" fill="none" stroke="currentColor" stroke-width="2.4"></path>`,
  bad: html`<path d="M8 8l8 8M16 8l-8 8" fill="none" stroke="currentColor" stroke-width="2.4"></path>`,
  warn: html`<path d="M12 6v8M12 16.4v2.2" fill="none" stroke="currentColor" stroke-width="2.4"></path>`,
  calm: html`<path d="M7 12h10" fill="none" stroke="currentColor" stroke-width="2.4"></path>`,
};
