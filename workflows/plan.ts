/**
 * The plan: pre-flight alone, for `squall plan`.
 *
 * Asks the control worker's guards and the site what a run would meet and touch, and touches nothing.
 */
import { patched, workflowInfo } from '@temporalio/workflow';
import type { PreflightResult } from '../activities/interface.ts';
import type { GuardAnswer } from '../domain/admission.ts';
import { approvalsNeeded, planViolationsOf } from '../domain/policy.ts';
import { claimOf } from './admission.ts';
import type { RunInput } from './messages.ts';
import { admission, preflightAt } from './proxies.ts';
import { forPolicy } from './site-checks.ts';

/** What a run would meet; the guards' answers are of now. */
export interface Plan extends PreflightResult {
  readonly guards: readonly GuardAnswer[];
  /** What the plan shows that the policy does not allow. */
  readonly violations: readonly string[];
  /** How many other people must agree. */
  readonly approvals: number;
}

export async function plan(input: RunInput): Promise<Plan> {
  const { experiment, documentHash } = input;
  const { seed = '' } = experiment.blastRadius;
  if (!patched('admission'))
    return {
      ...(await preflightAt(experiment).preflight({ experiment, seed })),
      guards: [],
      violations: [],
      approvals: 0,
    };
  const run = workflowInfo().workflowId;
  const { guards, policy } = await admission().admit({
    run,
    experiment,
    documentHash,
    startedBy: claimOf(input),
    plans: true,
  });
  const protect = policy ? forPolicy(policy, experiment.targets.site) : {};
  const found = await preflightAt(experiment).preflight({ experiment, seed, ...protect });
  const violations = policy ? planViolationsOf(policy, experiment, found) : [];
  return { ...found, guards, violations, approvals: policy ? approvalsNeeded(policy, experiment, found) : 0 };
}
