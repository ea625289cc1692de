/** The top of the page: what was asked, what came of it on two axes, and the key facts. */
import { EXPIRY_WORDS } from '../../domain/fault.ts';
import type { AbortCause } from '../../domain/run.ts';
import type { RunSummary } from '../../domain/run-summary.ts';
import { formatDuration, formatQuantity } from '../../domain/units.ts';
import { html } from '../markup.ts';
import type { Markup, Piece } from '../markup.ts';
import { mark, sign } from '../marks.ts';
import type { Tone } from '../marks.ts';
import { clock, counted, day, number } from '../words.ts';

/** The name, the hypothesis and the day. */
export function heading(summary: RunSummary): Markup {
  const experiment = summary.started?.experiment;
  return html`<header>
    <p class="kicker"><span>Squall · chaos experiment, ${day(summary.startedAtMs)}</span><code>${summary.run}</code></p>
    <h1>${experiment?.name ?? summary.run}</h1>
    ${experiment && html`<p class="hypothesis">${experiment.hypothesis}</p>`}
  </header>`;
}

/** The verdict in a word, in a sentence, and on both axes. */
export function verdict(summary: RunSummary): Markup {
  const { tone, word } = judgement(summary);
  return html`<section class="verdict ${tone}" aria-labelledby="verdict">
    <h2 id="verdict">${sign(tone)}${word}</h2>
    <p class="sentence">${summary.verdict}</p>
    <dl class="axes">
      ${axis('Did the machinery work?', 'status', machinery(summary))} ${axis('Did the system hold?', 'deviated', system(summary))}
    </dl>
  </section>`;
}

/** The figures people ask for first. */
export function facts(summary: RunSummary): Markup {
  const { started, preflight, reached, radius, startedAtMs, endedAtMs, lastAtMs } = summary;
  const experiment = started?.experiment;
  return html`<section aria-labelledby="facts">
    <h2 id="facts" hidden>Key facts</h2>
    <dl class="facts">
      ${fact('Fault', experiment?.fault ?? 'unknown', experiment && `at ${experiment.targets.site}`)}
      ${fact('Reached', counted(reached, 'target'), preflight && `${formatQuantity(radius, 'ratio')} of ${number(preflight.candidates)} candidates`)}
      ${fact('Under fault for', faultTime(summary), stagesReached(summary))}
      ${fact('Reverted', ...reverted(summary))}
      ${fact('Recovery', ...recovery(summary))}
      ${fact('Started', `${clock(startedAtMs)} UTC`, started && `by ${started.startedBy}`)}
      ${fact(endedAtMs === null ? 'Open for, so far' : 'Took', formatDuration((endedAtMs ?? lastAtMs) - startedAtMs), endedAtMs !== null && `ended ${clock(endedAtMs)} UTC`)}
      ${fact('Fault ends by itself', ...timeToLive(summary))}
    </dl>
  </section>`;
}

function fact(name: string, value: string, detail?: Piece): Markup {
  return html`<div><dt>${name}</dt><dd>${value}${detail && html`<small>${detail}</small>`}</dd></div>`;
}

function judgement({ open, phase, status, deviated, stages }: RunSummary): { tone: Tone; word: string } {
  if (phase === 'stuck' || (open && stages.some(({ stuck }) => stuck !== null))) {
    return { tone: 'bad', word: 'Stuck' };
  }
  if (open) return { tone: 'calm', word: 'Not over yet' };
  if (status === 'refused') return { tone: 'calm', word: 'Refused' };
  if (deviated === true) return { tone: 'bad', word: 'Deviated' };
  if (deviated === false) return { tone: 'good', word: 'Held' };
  return { tone: 'warn', word: 'No verdict' };
}

/** One axis: its question, the answer, and what stands behind it. */
interface Answer {
  readonly tone: Tone;
  readonly word: string;
  readonly why: string;
}

function axis(question: string, field: string, { tone, word, why }: Answer): Markup {
  return html`<div class="${tone}"><dt>${question} <code>${field}</code></dt><dd><strong>${mark(tone, word)}</strong>${why !== '' && html`<span>, ${why}</span>`}</dd></div>`;
}

/** Why a run was ended early whose machinery worked. */
const ABORTED_BY: Readonly<Partial<Record<AbortCause, string>>> = {
  'stop-condition': 'by its stop condition',
  person: 'because a person asked',
  cancelled: 'because it was cancelled',
  'emergency-stop': 'by the emergency stop',
  admission: 'because a guard refused',
  skipped: 'since every target was skipped',
};

function machinery({ status, open, phase, decisive, refusal }: RunSummary): Answer {
  if (open && phase === 'stuck') return { tone: 'bad', word: 'Stuck', why: 'a revert is not verified' };
  if (open) return { tone: 'calm', word: 'Open', why: `last seen ${phase}` };
  switch (status) {
    case 'completed':
      return { tone: 'good', word: 'Yes, completed', why: 'every stage ran to its end' };
    case 'aborted':
      return {
        tone: 'good',
        word: 'Yes, aborted',
        why: (decisive && ABORTED_BY[decisive.cause]) ?? '',
      };
    case 'refused':
      return { tone: 'good', word: 'Yes, refused', why: refusal === null ? '' : `by ${refusal.check}` };
    case 'inconclusive':
    case null:
      return { tone: 'warn', word: 'No, inconclusive', why: 'it ended before it could judge' };
  }
}

function system({ deviated, open, status, reached, steadyState: { during } }: RunSummary): Answer {
  if (deviated === true) return { tone: 'bad', word: 'No, it deviated', why: '' };
  if (deviated === false) {
    const why = during?.held === false ? 'before and after the fault; the steady state was left in between' : '';
    return { tone: 'good', word: 'Yes, it held', why };
  }
  if (open) return { tone: 'calm', word: 'Not known yet', why: '' };
  return {
    tone: 'calm',
    word: 'Not known',
    why: status === 'refused' && reached === 0 ? 'it was not put to the test' : 'it ended too early to say',
  };
}

function faultTime({ stages, rollback, lastAtMs }: RunSummary): string {
  const opened = stages.flatMap(({ openedAtMs }) => (openedAtMs === null ? [] : [openedAtMs]));
  const first = opened[0];
  if (first === undefined) return 'never';
  const ends = stages.map(({ openedAtMs, revertedAtMs }) =>
    openedAtMs === null ? 0 : (revertedAtMs ?? rollback?.toMs ?? lastAtMs),
  );
  return formatDuration(Math.max(...ends) - first);
}

function stagesReached({ stages, started }: RunSummary): string {
  const held = stages.filter(({ heldAtMs }) => heldAtMs !== null).length;
  return `${held} of ${counted(started?.experiment.blastRadius.stages.length ?? stages.length, 'stage')} reached`;
}

function reverted({ stages }: RunSummary): [string, Piece] {
  const opened = stages.filter(({ openedAtMs }) => openedAtMs !== null);
  if (opened.length === 0) return ['nothing to revert', null];
  const done = opened.filter(({ revert }) => revert !== null);
  const slowestMs = Math.max(0, ...done.map(({ revert }) => revert?.tookMs ?? 0));
  const word = done.length === opened.length ? 'all, verified' : `${done.length} of ${opened.length} stages`;
  return [word, done.length > 0 && `slowest stage ${formatDuration(slowestMs)}`];
}

function recovery({ recovery: way, started }: RunSummary): [string, Piece] {
  const within = started && `within ${formatDuration(started.experiment.recoverWithinMs)} was asked`;
  if (way === null) return ['not needed yet', null];
  if (way.recovered === null) return ['not known yet', within];
  return [way.recovered ? formatDuration(way.tookMs ?? 0) : 'did not recover', within];
}

function timeToLive({ stages, preflight }: RunSummary): [string, Piece] {
  if (preflight?.expiry === 'none') return ['none', EXPIRY_WORDS.none];
  const ttlMs = Math.max(0, ...stages.map((stage) => stage.ttlMs ?? 0));
  return ttlMs > 0 ? [formatDuration(ttlMs), 'after its last renewal'] : ['no fault was on', null];
}
