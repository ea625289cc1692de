/**
 * A plan, as people read it: what would be touched, with what, for how long, and what undoes it.
 *
 * Owns the words, and how much of a long plan is printed; `--json` has it whole.
 */
import type { PreflightResult } from '../activities/interface.ts';
import { describeStopCondition } from '../domain/breach.ts';
import type { GuardAnswer } from '../domain/admission.ts';
import type { Experiment } from '../domain/experiment.ts';
import { EXPIRY_WORDS } from '../domain/fault.ts';
import { reachOf, shownStages } from '../domain/ladder.ts';
import { leaseTiming, worstCaseMs } from '../domain/timing.ts';
import { formatDuration } from '../domain/units.ts';
import { stageWords } from '../report/words.ts';
import type { Output } from './output.ts';

/** The most that is printed of what a document writes down as it likes, in characters. */
const WRITTEN_MAX = 400;

/** A plan, and what was said to it. */
export interface ShownPlan extends PreflightResult {
  readonly guards: readonly GuardAnswer[];
  readonly violations: readonly string[];
  /** How many other people must agree. */
  readonly people: number;
}

/** Prints a plan of `experiment`. */
export function show(experiment: Experiment, plan: ShownPlan, out: Output): void {
  out.line(`${out.style('bold', experiment.name)}: ${experiment.hypothesis}`);
  out.line('');
  const row = (name: string, passed: boolean, found: string): void =>
    out.line(`  ${passed ? out.style('green', 'pass') : out.style('red', 'FAIL')}  ${name.padEnd(15)} ${found}`);
  for (const { guard, passed, found, overridable } of plan.guards)
    row(guard, passed, overridable ? `${found}; approval may set it aside` : found);
  for (const { check, passed, found } of plan.checks) row(check, passed, found);
  for (const violation of plan.violations) row('policy', false, violation);
  out.line('');
  out.line(`${experiment.fault} at ${experiment.targets.site}, ${plan.candidates} candidates`);
  const { ttlMs } = leaseTiming(reachOf(plan.stages), experiment.timeToLiveMs, plan);
  for (const stage of shownStages(plan.stages, plan.targets)) {
    const ends = plan.expiry === 'renewed' && !stage.skipped ? ` (time-to-live ${formatDuration(ttlMs)})` : '';
    out.line(`  stage ${stage.stage + 1}  ${stage.size.padStart(5)}  ${stageWords(stage)}${ends}`);
  }
  out.line('');
  showAsked(experiment, out);
  showUndo(plan, out);
  out.line(
    `approval:    ${plan.people === 0 ? 'none needed' : `by ${plan.people} other ${plan.people === 1 ? 'person' : 'people'}`}`,
  );
  out.line(`plan:        ${plan.planHash ?? 'unknown'}`);
  const waiting = plan.people === 0 ? '' : ', and as long as people take';
  out.line(`takes:       ${formatDuration(worstCaseMs(experiment, plan.stages, plan))} at worst${waiting}`);
}

/** Prints what the document asks for. */
export function showAsked({ stopConditions, with: params, targets, blastRadius }: Experiment, out: Output): void {
  const stops = stopConditions.map((condition) => describeStopCondition(condition)).join('; ');
  out.line(`with:        ${written(params)}`);
  out.line(`targets:     ${written(targets.selector)}`);
  out.line(`each stage:  held ${formatDuration(blastRadius.holdMs)}`);
  out.line(`stops on:    ${stops || 'nothing'}`);
}

/** Prints what ends the fault, and what a worker needs for it. */
export function showUndo(
  { undo, reversal, expiry, permissions }: Pick<PreflightResult, 'undo' | 'reversal' | 'expiry' | 'permissions'>,
  out: Output,
): void {
  out.line(`undo:        ${undo}`);
  out.line(`reversal:    ${reversal}`);
  out.line(`expiry:      ${EXPIRY_WORDS[expiry]}`);
  out.line(`permissions: ${permissions.join('; ') || 'none'}`);
}

function written(value: unknown): string {
  const text = JSON.stringify(value);
  const more = text.length - WRITTEN_MAX;
  return more > 0 ? `${text.slice(0, WRITTEN_MAX)} … and ${more} more characters; \`--json\` has them` : text;
}
