/**
 * Pre-flight: everything between a run's start and its first touch.
 *
 * Owns the order: the journal, admission, the site's own checks, the policy's word on the plan, people's leave. Each can
 * refuse the run, and then nothing was touched.
 */
import { patched, setCurrentDetails, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import type { PreflightInput, PreflightResult } from '../activities/interface.ts';
import { needsOverride, refusalOf } from '../domain/admission.ts';
import type { Admission } from '../domain/admission.ts';
import { unproven } from '../domain/identity.ts';
import { approvalsNeeded, planViolationsOf, protectionAt } from '../domain/policy.ts';
import type { Policy } from '../domain/policy.ts';
import { admitted, claimOf } from './admission.ts';
import { why } from './blindness.ts';
import type { Run } from './experiment.ts';
import { placeHeard } from './heard.ts';
import { preflightAt } from './proxies.ts';
import { coarse, describe, SEARCH_ATTRIBUTES } from './story.ts';

/** The plan that may be carried out; undefined where the run has been refused, or aborted. */
export async function passPreflight(run: Run): Promise<PreflightResult | undefined> {
  const { experiment, documentHash, startedBy: said, from } = run.input;
  const seed = experiment.blastRadius.seed ?? run.id;
  setCurrentDetails(describe(experiment, run.state));
  const { firstExecutionRunId: execution } = workflowInfo();
  const startedBy = { startedBy: unproven(said), ...placeHeard(from) };
  run.note({
    type: 'started',
    experiment,
    documentHash,
    seed,
    ...startedBy,
    execution,
    installation: '',
    versions: {},
  });
  run.note({ type: 'phase', phase: 'pre-flight' });
  if (!(await journalled(run))) return undefined;
  if (!patched('admission')) return asked(run, seed);
  const admission = await admitted(run);
  if (!admission) return undefined;
  const { policy } = admission;
  const plan = await asked(run, seed, policy);
  if (!plan) return undefined;
  if (!policy || plan.planHash === undefined)
    return run.refuse(
      'policy',
      'a worker is too old to heed the policy; upgrade the site worker and the control worker',
    );
  const violations = planViolationsOf(policy, experiment, plan);
  if (violations.length > 0) return run.refuse('policy', violations.join('; '));
  return (await approved(run, admission, policy, plan)) ? plan : undefined;
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

/** What the site says to the experiment; undefined where it, or nobody to ask, has refused the run. */
async function asked(run: Run, seed: string, policy?: Policy): Promise<PreflightResult | undefined> {
  const { experiment } = run.input;
  const { site } = experiment.targets;
  const options = { summary: `pre-flight at ${site}` };
  const protect = policy ? forPolicy(policy, site) : {};
  let found;
  try {
    found = await run.unlessAborted(() =>
      preflightAt(experiment).preflight.executeWithOptions(options, [{ experiment, seed, ...protect }]),
    );
  } catch (failure) {
    return run.refuse('site', `no pre-flight at site ${site}: ${why(failure)}`);
  }
  if (!found) return undefined;
  const { checks, candidates, excluded, baseline, expiry, readings, planHash } = found;
  const plan = planHash === undefined ? {} : { plan: planHash };
  run.note({ type: 'pre-flight', checks, candidates, excluded, baseline, expiry, ...plan });
  run.note({ type: 'steady-state', when: 'before', held: readings.every((reading) => reading.held), readings });
  run.baseline = baseline;
  const failed = checks.find((check) => !check.passed);
  return failed ? run.refuse(failed.check, failed.found) : found;
}

/** What the site needs to know of the policy. */
function forPolicy(policy: Policy, site: string): Pick<PreflightInput, 'protect' | 'serviceLabel'> {
  const { label } = policy.budget;
  return { protect: protectionAt(policy, site), ...(label === undefined ? {} : { serviceLabel: label }) };
}

/** Whether as many people have agreed to `plan` as must. While they were asked the world went on: the site is asked again. */
async function approved(
  run: Run,
  { guards, startedBy }: Admission,
  policy: Policy,
  plan: PreflightResult,
): Promise<boolean> {
  const { experiment } = run.input;
  const override = needsOverride(guards) ? refusalOf(guards, false) : undefined;
  const people = Math.max(approvalsNeeded(policy, experiment, plan), override ? 1 : 0);
  if (people === 0) return true;
  const words = override ? `${override.guard}: ${override.found}` : `policy ${policy.version} asks for it`;
  const { planHash } = plan;
  if (planHash === undefined || startedBy === undefined) return false;
  const seed = experiment.blastRadius.seed ?? run.id;
  const shown = { experiment, seed, found: plan, guards };
  if (!(await run.approvals.wait(shown, planHash, people, words, startedBy))) return false;
  const now = await asked(run, seed, policy);
  if (!now) return false;
  run.approvals.overridden = override !== undefined;
  if (now.planHash === planHash) return true;
  run.refuse('approval', 'the plan is another one than was approved: targets came or went meanwhile; start it again');
  return false;
}
