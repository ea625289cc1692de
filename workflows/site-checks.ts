/**
 * What the site says to an experiment: its own checks, the targets, and the baseline.
 *
 * Owns what a run does with the answer: it is journalled, and a check that failed refuses the run, of which nothing was touched.
 */
import type { PreflightInput, PreflightResult } from '../activities/interface.ts';
import { protectionAt } from '../domain/policy.ts';
import type { Policy } from '../domain/policy.ts';
import { why } from './blindness.ts';
import type { Run } from './run.ts';
import { preflightAt } from './proxies.ts';

/** What the site says; undefined where it, or nobody to ask, has refused the run, or the run was aborted meanwhile. For `waitMs` its candidates may be under another's fault. */
export async function askedOfSite(
  run: Run,
  policy: Policy | undefined,
  waitMs = run.input.experiment.blastRadius.waitMs,
): Promise<PreflightResult | undefined> {
  const { experiment } = run.input;
  const { site } = experiment.targets;
  const options = { summary: `pre-flight at ${site}` };
  const protect = policy ? forPolicy(policy, site) : {};
  let found;
  try {
    found = await run.unlessAborted(() =>
      preflightAt(experiment).preflight.executeWithOptions(options, [
        { experiment, seed: run.seed, ...protect, ...(waitMs === undefined ? {} : { waitMs }) },
      ]),
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

/** The same once more, since the world went on meanwhile: a plan that is another one than `plan` refuses the run. */
export async function askedAgain(
  run: Run,
  policy: Policy | undefined,
  plan: PreflightResult,
  check: string,
): Promise<PreflightResult | undefined> {
  // Whoever was granted targets must not wait for a run that may be waiting for them.
  const now = await askedOfSite(run, policy, run.grants.length > 0 ? 0 : undefined);
  if (!now || now.planHash === plan.planHash) return now;
  return run.refuse(check, 'the plan is another one by now: targets came or went meanwhile; start it again');
}

/** What the site needs to know of the policy. */
export function forPolicy(
  policy: Policy,
  site: string,
): Pick<PreflightInput, 'protect' | 'serviceLabel' | 'minHealthyShare'> {
  const { label } = policy.budget;
  const { minHealthyShare } = policy;
  return {
    protect: protectionAt(policy, site),
    ...(minHealthyShare === undefined ? {} : { minHealthyShare }),
    ...(label === undefined ? {} : { serviceLabel: label }),
  };
}
