/**
 * A run's events as lines for people.
 *
 * Owns the wording; an event nobody needs to read in a terminal has no line. Pure but for colour.
 */
import type { JournalEvent } from '../domain/journal.ts';
import { formatDuration, formatQuantity } from '../domain/units.ts';
import { chosenWords, counted, toldWords } from '../report/words.ts';
import type { Output } from './output.ts';

/** One line, or undefined. */
export function eventLine(event: JournalEvent, out: Output): string | undefined {
  const text = words(event, out);
  if (text === undefined) return undefined;
  return `${out.style('dim', new Date(event.atMs).toISOString().slice(11, 19))}  ${text}`;
}

function words(event: JournalEvent, out: Output): string | undefined {
  switch (event.type) {
    case 'pre-flight':
      return `pre-flight   ${event.checks.filter(({ passed }) => passed).length} of ${event.checks.length} checks pass, ${event.candidates} candidates`;
    case 'approval-asked':
      return out.style(
        'yellow',
        `approval     waits for ${counted(event.people, 'approval')}, for ${formatDuration(event.forMs)}: ${event.why}`,
      );
    case 'approved':
      return out.style('green', `approved     by ${event.by}${event.reason ? `: ${event.reason}` : ''}`);
    case 'rejected':
      return out.style('yellow', `rejected     by ${event.by}: ${event.reason}`);
    case 'chosen':
      return out.style('dim', `chosen       ${chosenWords(event)}; \`squall schedule why\` says why`);
    case 'acknowledged':
      return out.style('green', `acknowledged by ${event.by}: ${event.reason}`);
    case 'note':
      return `note         ${event.by}: ${event.text}`;
    case 'refused':
      return out.style('yellow', `refused      ${event.check}: ${event.found}`);
    case 'stage-skipped':
      return out.style('dim', `stage ${event.stage + 1}      skipped: ${event.why}`);
    case 'stage-opened':
      return `stage ${event.stage + 1}      ${event.size}: ${counted(event.reached, 'target')}, ${formatQuantity(event.radius, 'ratio')} of all`;
    case 'stage-held':
      return `             the fault is on: ${[counted(event.injected, 'target'), ...(event.how ?? []), ...event.problems].join('; ')}`;
    case 'edge':
      return edgeWords(event, out);
    case 'timer':
      return out.style('dim', `timer        ${event.timer}: ${formatDuration(event.forMs)}`);
    case 'blind':
      return out.style('yellow', `blind        ${event.what}: ${event.why}`);
    case 'abort':
      return out.style(
        ['bold', 'red'],
        `ABORT        ${event.mode}: ${event.evidence}${event.by ? `, by ${event.by}` : ''}`,
      );
    case 'told':
      return out.style(
        event.delivered ? 'green' : 'red',
        `${event.delivered ? 'told        ' : 'NOT TOLD    '} ${toldWords(event)}`,
      );
    case 'reverted':
      return out.style(
        'green',
        `reverted     ${counted(event.targets, 'target')}, verified, in ${formatDuration(event.tookMs)}`,
      );
    case 'stuck':
      return out.style(['bold', 'red'], `STUCK        ${event.why}`);
    case 'recovered':
      return event.recovered
        ? out.style('green', `recovered    the steady state is back after ${formatDuration(event.tookMs)}`)
        : out.style('red', `recovered    NOT within ${formatDuration(event.tookMs)}`);
    case 'phase':
      return event.phase === 'rolling-back' || event.phase === 'recovering' ? event.phase : undefined;
    case 'admission': {
      const waits = event.guards.find((guard) => guard.waits);
      return waits && out.style('yellow', `waits        ${waits.guard}: ${waits.found}`);
    }
    case 'started':
    case 'samples':
    case 'steady-state':
    case 'closed':
      return undefined;
  }
}

function edgeWords(event: JournalEvent & { type: 'edge' }, out: Output): string {
  if (event.edge === 'breach-ends') return out.style('green', `edge         ${event.evidence}`);
  return out.style('yellow', `edge         ${event.evidence}`);
}
