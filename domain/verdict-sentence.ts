/**
 * The verdict in words.
 *
 * Owns the one or two sentences that a run is remembered by: what happened to the system first, how far the fault reached,
 * and whether it is gone. Pure; must never call a run good that has not closed.
 */
import type { RunSummary } from './run-summary.ts';
import { describeLeft } from './steady-state.ts';
import { formatDuration, formatQuantity } from './units.ts';

type Facts = Omit<RunSummary, 'verdict'>;

/** One or two sentences. */
export function verdictSentence(facts: Facts): string {
  if (facts.open) return openSentence(facts);
  switch (facts.status) {
    case 'refused':
      return refused(facts);
    case 'completed':
      return facts.deviated === true
        ? `The system deviated: it bore the fault on ${reach(facts)}, but its steady state did not return in time.`
        : `The system held with the fault on ${reach(facts)}.${left(facts)}${back(facts)}`;
    case 'aborted':
    case 'inconclusive':
    case null:
      return `${endedEarly(facts)}${back(facts)}`;
  }
}

/** A run that was reset may be refused when it begins anew, after it has done something. */
function refused(facts: Facts): string {
  const { refusal, reason, reached } = facts;
  const why = plain(refusal ? `${refusal.check}: ${refusal.found}` : (reason ?? 'no reason was given'));
  if (reached === 0) return `Refused, and nothing was touched: ${why}.`;
  return `Refused when it was begun anew, after the fault had been on ${reach(facts)}: ${why}.${back(facts)}`;
}

function openSentence(facts: Facts): string {
  const stuck = facts.stages.filter((stage) => stage.stuck !== null);
  if (facts.phase === 'stuck' || stuck.length > 0) {
    const why = stuck[0]?.stuck ?? 'a revert is not confirmed';
    return `A person is needed, the fault may still be on: ${plain(why)}.`;
  }
  const abort = facts.decisive;
  const ending = abort ? ` It is being aborted: ${plain(abort.evidence)}.` : '';
  return `This run is not over: it was last seen ${facts.phase}, with the fault on ${reach(facts)}.${ending}`;
}

function endedEarly(facts: Facts): string {
  const { decisive: abort, deviated, reason, status } = facts;
  const evidence = plain(abort?.evidence ?? reason ?? 'the run ended early');
  const by = abort?.by === undefined ? '' : ` by ${abort.by}`;
  if (abort?.cause === 'person' || abort?.cause === 'cancelled') {
    return `Stopped${by} with the fault on ${reach(facts)}${deviated === true ? '; the system deviated' : ', before it could be judged'}: ${evidence}.`;
  }
  if (abort?.cause === 'skipped') return `Nothing was done: ${evidence}.`;
  if (deviated === true) return `The system deviated with the fault on ${reach(facts)}: ${evidence}.`;
  return status === 'inconclusive'
    ? `Nothing can be said of the system: ${evidence}.`
    : `Ended early with the fault on ${reach(facts)}: ${evidence}.`;
}

/** The steady state is a promise for before and after; that it was left in between is said all the same. */
function left({ steadyState: { during } }: Facts): string {
  return during?.held === false ? ` While it was on, ${describeLeft(during.readings, 'was')}.` : '';
}

function back({ stages, recovery }: Facts): string {
  const opened = stages.filter(({ lease }) => lease !== null);
  if (opened.length === 0) return '';
  const undone = opened.every(({ revertedAtMs }) => revertedAtMs !== null);
  const revert = undone ? 'Every fault was reverted and its absence verified' : 'Not every revert is confirmed here';
  if (recovery?.recovered === true && recovery.tookMs !== null) {
    return ` ${revert}; the steady state was back after ${formatDuration(recovery.tookMs)}.`;
  }
  return recovery?.recovered === false ? ` ${revert}; the steady state did not return in time.` : ` ${revert}.`;
}

function reach({ reached, radius, preflight }: Facts): string {
  if (reached === 0) return 'no target';
  const targets = `${reached} target${reached === 1 ? '' : 's'}`;
  return preflight ? `${reached} of ${preflight.candidates} targets (${formatQuantity(radius, 'ratio')})` : targets;
}

/** Without the full stop that the sentence brings itself. */
function plain(text: string): string {
  return text.replace(/[.\s]+$/, '');
}
