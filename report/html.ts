/**
 * The report: one run as one HTML file that needs nothing else.
 *
 * Owns the order of its sections. Must never show a text from outside other than escaped.
 */
import type { Journal } from '../domain/journal.ts';
import { summarise } from '../domain/summary.ts';
import { html } from './markup.ts';
import { page } from './page.ts';
import { abortEvidence, preflight, provenance } from './sections/evidence.ts';
import { stages } from './sections/stages.ts';
import { steadyState } from './sections/steady-state.ts';
import { story } from './sections/story.ts';
import { timeline } from './sections/timeline.ts';
import { facts, heading, verdict } from './sections/verdict.ts';
import { clock, day } from './words.ts';

/** The report of a run, whole or partial, as a complete HTML document. The same journal gives the same text. */
export function renderReport(journal: Journal): string {
  const summary = summarise(journal);
  const name = summary.started?.experiment.name ?? summary.run;
  return page(
    `${name}: ${summary.status ?? 'open'}, ${day(summary.startedAtMs)}`,
    html`${heading(summary)}
<main>
${verdict(summary)}
${facts(summary)}
${timeline(summary)}
${abortEvidence(summary)}
${steadyState(summary)}
${stages(summary)}
${story(journal, summary)}
${preflight(summary)}
${provenance(summary)}
</main>
<footer>From the journal of ${summary.run}, as of ${day(summary.lastAtMs)}, ${clock(summary.lastAtMs)} UTC.</footer>`,
  );
}
