/**
 * Pre-flight: everything between a run's start and its first touch.
 *
 * Owns the order: the journal, admission, the site's own checks, the policy's word on the plan, people's leave. Each can
 * refuse the run, and then nothing was touched.
 */
import { patched, setCurrentDetails, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import type { PreflightResult } from '../activities/interface.ts';
import { needsOverride, refusalOf } from '../domain/admission.ts';
import type { Admission } from '../domain/admission.ts';
import { unproven } from '../domain/identity.ts';
import { approvalsNeeded, planViolationsOf } from '../domain/policy.ts';
import type { Policy } from '../domain/policy.ts';
import { admitted, claimOf } from './admission.ts';
import { why } from './blindness.ts';
import type { Run } from './run.ts';
import { labelsHeard, placeHeard } from './heard.ts';
import { askedAgain, askedOfSite } from './site-checks.ts';
import { coarse, describe, SEARCH_ATTRIBUTES } from './story.ts';

/** The plan that may be carried out; undefined where the run has been refused, or aborted. */
export async function passPreflight(run: Run): Promise<PreflightResult | undefined> {
  const { experiment, documentHash, startedBy: said, from } = run.input;
  const { seed } = run;
  setCurrentDetails(describe(experiment, run.state));
  const { firstExecutionRunId: execution } = workflowInfo();
  const startedBy = { startedBy: unproven(said), ...placeHeard(from) };
  run.note({
    type: 'started',
    experiment,
    documentHash,
    seed,
    ...startedBy,
    ...labelsHeard(run.input.labels),
    execution,
    installation: '',
    versions: {},
  });
  if (run.input.chosen) run.note({ type: 'chosen', ...run.input.chosen });
  run.note({ type: 'phase', phase: 'pre-flight' });
  if (!(await journalled(run))) return undefined;
  if (!patched('admission')) return askedOfSite(run, undefined);
  const admission = await admitted(run);
  if (!admission) return undefined;
  const { policy } = admission;
  const plan = await askedOfSite(run, policy);
  if (!plan) return undefined;
  if (!policy || plan.planHash === undefined)
    return run.refuse(
      'policy',
      'a worker is too old to heed the policy; upgrade the site worker and the control worker',
    );
  const violations = planViolationsOf(policy, experiment, plan);
  if (violations.length > 0) return run.refuse('policy', violations.join('; '));
  return approved(run, admission, policy, plan);
}

/** Whether the run was taken in time, and its journal can be written: no journal, no fault. */
async function journalled(run: Run): Promise<boolean> {
  const { experiment, admitWithinMs = Infinity } = run.input;
  const { startTime, runId, firstExecutionRunId } = workflowInfo();
  const waitedMs = Date.now() - startTime.getTime();
  // A reset run was taken long ago.
  if (runId === firstExecutionRunId && waitedMs > admitWithinMs) {
    run.refuse('admission', `no worker took the run for ${Math.round(waitedMs / 1000)} s; start it again`);
    return false;
  }
  try {
    run.searchable = (await run.log.write(claimOf(run.input))).searchAttributes;
  } catch (failure) {
    run.refuse('journal', `the journal cannot be written: ${why(failure)}`);
    return false;
  }
  if (run.searchable) {
    upsertSearchAttributes([
      { key: SEARCH_ATTRIBUTES.state, value: coarse(run.state) },
      { key: SEARCH_ATTRIBUTES.fault, value: experiment.fault },
      { key: SEARCH_ATTRIBUTES.site, value: experiment.targets.site },
      { key: SEARCH_ATTRIBUTES.experiment, value: experiment.name },
    ]);
  }
  return true;
}

/** The plan, once as many people have agreed to it as must. While they were asked the world went on: the site is asked again. */
async function approved(
  run: Run,
  { guards, startedBy }: Admission,
  policy: Policy,
  plan: PreflightResult,
): Promise<PreflightResult | undefined> {
  const { experiment } = run.input;
  const override = needsOverride(guards) ? refusalOf(guards, false) : undefined;
  const people = Math.max(approvalsNeeded(policy, experiment, plan), override ? 1 : 0);
  if (people === 0) return plan;
  const words = override ? `${override.guard}: ${override.found}` : `policy ${policy.version} asks for it`;
  const { planHash } = plan;
  if (planHash === undefined || startedBy === undefined) return undefined;
  const shown = { experiment, seed: run.seed, found: plan, guards };
  if (!(await run.approvals.wait(shown, planHash, people, words, startedBy))) return undefined;
  const now = await askedAgain(run, policy, plan, 'approval');
  run.approvals.overridden = now !== undefined && override !== undefined;
  return now;
}
