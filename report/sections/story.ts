/** What happened, event by event, in the order it happened. */
import { describeStopCondition } from '../../domain/breach.ts';
import type { Experiment } from '../../domain/experiment.ts';
import type { Journal, JournalEvent } from '../../domain/journal.ts';
import type { RunSummary } from '../../domain/run-summary.ts';
import { formatDuration, formatQuantity } from '../../domain/units.ts';
import { html } from '../markup.ts';
import type { Markup } from '../markup.ts';
import { chosenWords, clock, counted, number, since, stageWords, toldWords } from '../words.ts';

/** Lines that are shown; the journal has them all. */
const LINES_SHOWN = 300;

/** One line: what, and in which words. `loud` is what nobody may miss. */
interface Line {
  readonly what: string;
  readonly words: string;
  readonly loud?: boolean;
}

/** Every event that means something to a reader: edges, timers, aborts, reverts and the rest. */
export function story({ events }: Journal, { startedAtMs, started }: RunSummary): Markup {
  const lines = events.flatMap((event) => {
    const line = lineOf(event, started?.experiment);
    return line ? [{ atMs: event.atMs, ...line }] : [];
  });
  const shown = lines.slice(0, LINES_SHOWN);
  const rest = lines.length - shown.length;
  return html`<section aria-labelledby="story">
    <h2 id="story">What happened</h2>
    <p class="note">Times are UTC, and counted from the start.</p>
    <div class="scroll">
      <table class="cards story">
        <thead><tr><th scope="col">Time</th><th scope="col" class="num">Since start</th><th scope="col">Event</th><th scope="col">In words</th></tr></thead>
        <tbody>${shown.map(
          ({ atMs, what, words, loud }) => html`<tr class="${loud === true ? 'loud' : ''}">
            <td class="nowrap mono">${clock(atMs)}</td><td class="num quiet">${since(startedAtMs, atMs)}</td><td class="nowrap">${what}</td><td>${words}</td>
          </tr>`,
        )}</tbody>
      </table>
    </div>
    ${rest > 0 && html`<p class="note">and ${number(rest)} more; the journal has them all</p>`}
  </section>`;
}

/** Exhaustive: a new type of event does not compile until it has a line or is said to need none. */
function lineOf(event: JournalEvent, experiment: Experiment | undefined): Line | null {
  switch (event.type) {
    case 'pre-flight': {
      const passed = event.checks.filter((check) => check.passed).length;
      return {
        what: 'pre-flight',
        words: `${passed} of ${counted(event.checks.length, 'check')} passed; ${counted(event.candidates, 'candidate')}`,
      };
    }
    case 'admission':
      return {
        what: event.stage === undefined ? 'admission' : `admission to stage ${event.stage + 1}`,
        words: event.guards.map(({ guard, found }) => `${guard}: ${found}`).join('; '),
      };
    case 'started':
    case 'chosen':
    case 'approval-asked':
    case 'approved':
    case 'rejected':
    case 'note':
    case 'acknowledged':
      return peopleLine(event);
    case 'refused':
      return { what: 'refused', words: `${event.check}: ${event.found}`, loud: true };
    case 'stage-skipped':
      return { what: `stage ${event.stage + 1} skipped`, words: event.why };
    case 'stage-opened':
      return {
        what: `stage ${event.stage + 1} opened`,
        words: `${event.size}: ${counted(event.targets.length, 'target')} more, ${number(event.reached)} in all (${formatQuantity(event.radius, 'ratio')})`,
      };
    case 'stage-held':
      return {
        what: `stage ${event.stage + 1} holds`,
        words: [`the fault is on ${counted(event.injected, 'target')}`, ...(event.how ?? []), ...event.problems].join(
          '; ',
        ),
      };
    case 'edge':
      return { what: EDGES[event.edge], words: event.evidence };
    case 'timer':
      return timerLine(event, experiment);
    case 'blind':
      return { what: 'blind', words: `${event.what}: ${event.why}` };
    case 'abort':
      return {
        what: `abort, ${event.mode}`,
        words: `${event.evidence}${event.by === undefined ? '' : `, by ${event.by}`}`,
        loud: true,
      };
    case 'told':
      return { what: event.delivered ? 'told' : 'not told', words: toldWords(event), loud: !event.delivered };
    case 'reverted':
      return {
        what: `stage ${event.stage + 1} reverted`,
        words: `${counted(event.targets, 'target')}, verified, in ${formatDuration(event.tookMs)}${event.by === 'revert-only' ? ', by a second lease' : ''}`,
      };
    case 'stuck':
      return { what: `stage ${event.stage + 1} stuck`, words: event.why, loud: true };
    case 'recovered':
      return recoveredLine(event);
    case 'closed':
      return { what: 'closed', words: `${event.status}: ${event.reason}` };
    case 'phase':
      return event.phase === 'rolling-back' ? { what: 'rollback begins', words: 'every stage is released' } : null;
    case 'samples':
    case 'steady-state':
      return null;
  }
}

function recoveredLine({ recovered, tookMs }: JournalEvent & { type: 'recovered' }): Line {
  const lasting = formatDuration(tookMs);
  if (recovered) return { what: 'recovered', words: `the steady state was back after ${lasting}`, loud: false };
  return { what: 'not recovered', words: `not within ${lasting}`, loud: true };
}

/** Who began it, and what people said. */
function peopleLine(
  event: JournalEvent & {
    type: 'started' | 'chosen' | 'approval-asked' | 'approved' | 'rejected' | 'note' | 'acknowledged';
  },
): Line {
  switch (event.type) {
    case 'started':
      return { what: 'started', words: `by ${event.startedBy}` };
    case 'chosen':
      return { what: 'chosen', words: chosenWords(event) };
    case 'acknowledged':
      return { what: 'acknowledged', words: `by ${event.by}: ${event.reason}` };
    case 'approval-asked':
      return {
        what: 'waits for approval',
        words: `of ${event.people}, for ${formatDuration(event.forMs)}: ${event.why}; plan ${short(event.plan)}${planWords(event)}`,
      };
    case 'approved':
      return {
        what: 'approved',
        words: `plan ${short(event.plan)} by ${event.by}${event.reason === undefined ? '' : `: ${event.reason}`}`,
      };
    case 'rejected':
      return { what: 'rejected', words: `by ${event.by}: ${event.reason}`, loud: true };
    case 'note':
      return { what: 'note', words: `${event.by}: ${event.text}` };
  }
}

/** What is approved, stage by stage; journals before 0.3 do not say. */
function planWords({ stages = [] }: JournalEvent & { type: 'approval-asked' }): string {
  return stages.map((stage) => `; stage ${stage.stage + 1} (${stage.size}) ${stageWords(stage)}`).join('');
}

/** As much of a plan's hash as people compare. */
function short(hash: string): string {
  return hash.slice(0, 12);
}

const EDGES = { 'breach-begins': 'breach begins', 'breach-ends': 'breach ends', 'no-data': 'no data' } as const;

function timerLine(
  { timer, condition, forMs }: JournalEvent & { type: 'timer' },
  experiment: Experiment | undefined,
): Line {
  const asked = experiment?.stopConditions[condition];
  const words = asked ? describeStopCondition(asked) : `stop condition ${condition + 1}`;
  const lasting = formatDuration(forMs);
  if (timer === 'started') return { what: 'timer started', words: `aborts in ${lasting} unless it ends: ${words}` };
  return timer === 'fired'
    ? { what: 'timer fired', words: `${lasting} are over: ${words}` }
    : { what: 'timer cancelled', words: `it ended in time: ${words}` };
}
