/**
 * The story: what the Temporal UI says about a run.
 *
 * Owns the sentence people read there and the search attributes they filter by. Pure.
 */
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import type { Experiment } from '../domain/experiment.ts';
import type { RunState } from '../domain/run.ts';

/** Typed search attributes of a run; registered by the control worker where it may. */
export const SEARCH_ATTRIBUTES = {
  state: defineSearchAttributeKey('ChaosState', SearchAttributeType.KEYWORD),
  fault: defineSearchAttributeKey('ChaosFault', SearchAttributeType.KEYWORD),
  site: defineSearchAttributeKey('ChaosSite', SearchAttributeType.KEYWORD),
  experiment: defineSearchAttributeKey('ChaosExperiment', SearchAttributeType.KEYWORD),
} as const;

/** A run in Markdown, as `setCurrentDetails` shows it. */
export function describe(experiment: Experiment, state: RunState): string {
  const stage = experiment.blastRadius.stages[state.stage];
  const where =
    stage === undefined ? '' : ` stage ${state.stage + 1} of ${experiment.blastRadius.stages.length} (${stage.text})`;
  const lines = [
    `**${state.phase}**${where}: \`${experiment.fault}\` at ${experiment.targets.site}`,
    '',
    experiment.hypothesis,
  ];
  if (state.refusal) lines.push('', `Refused by *${state.refusal.check}*: ${state.refusal.found}`);
  if (state.abort) lines.push('', `Aborted (${state.abort.mode}): ${state.abort.evidence}`);
  return lines.join('\n');
}

/** The coarse state people filter by; changes at most four times in a run. */
export function coarse(state: RunState): string {
  if (state.phase === 'injecting' || state.phase === 'holding') return 'faulting';
  return state.phase;
}
