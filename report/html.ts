/**
 * The report: one run as one HTML file that needs nothing else.
 *
 * Owns the page. It may not run a script, load anything or send anything: its own security policy forbids it, and it is
 * mailed, archived and opened years later. Must never show a text from outside other than escaped.
 */
import type { Journal } from '../domain/journal.ts';
import { summarise } from '../domain/summary.ts';
import { html } from './markup.ts';
import { Markup } from './markup.ts';
import { abortEvidence, preflight, provenance } from './sections/evidence.ts';
import { stages } from './sections/stages.ts';
import { steadyState } from './sections/steady-state.ts';
import { story } from './sections/story.ts';
import { timeline } from './sections/timeline.ts';
import { facts, heading, verdict } from './sections/verdict.ts';
import { STYLE } from './style.ts';
import { clock, day } from './words.ts';

const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/** The report of a run, whole or partial, as a complete HTML document. The same journal gives the same text. */
export function renderReport(journal: Journal): string {
  const summary = summarise(journal);
  const name = summary.started?.experiment.name ?? summary.run;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="Squall">
<title>${name}: ${summary.status ?? 'open'}, ${day(summary.startedAtMs)}</title>
<style>${new Markup(STYLE)}</style>
</head>
<body>
${heading(summary)}
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
<footer>From the journal of ${summary.run}, as of ${day(summary.lastAtMs)}, ${clock(summary.lastAtMs)} UTC.</footer>
</body>
</html>
`.text;
}
