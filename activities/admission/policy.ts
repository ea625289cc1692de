/**
 * `policy` and `approval`: what the organisation allows, and what people agreed to.
 *
 * Owns these two rungs. The rules are `domain/policy.ts`'s; what only the plan shows the workflow judges after pre-flight.
 */
import type { Experiment } from '../../domain/experiment.ts';
import { describeIdentity } from '../../domain/identity.ts';
import { violationsOf } from '../../domain/policy.ts';
import type { Policy } from '../../domain/policy.ts';
import { DEFAULT_TTL_MS, HOLD_MAX_MS, MIN_TTL_MS, STAGES_MAX, TTL_MAX_MS } from '../../domain/timing.ts';
import type { AdmitInput } from '../interface.ts';
import type { Guard } from './guard.ts';
import { authority, experimentHash } from './proof.ts';
import type { Authority } from './proof.ts';

/**
 * Refuses what the document asks for against the policy, and whoever may not start it. A run that began by another policy is
 * refused too: who is protected, what a plan may be and who must agree were judged by that one.
 */
export function policyGuard(policy: Policy): Guard {
  return {
    name: 'policy',
    async ask(input) {
      const { who, forbidden } = starterOf(policy, input);
      const odd = misformed(input.experiment);
      if (odd !== undefined)
        return { passed: false, found: `the experiment is not one that Squall has parsed: ${odd}` };
      const violations = [...(forbidden === undefined ? [] : [forbidden]), ...violationsOf(policy, input.experiment)];
      const by = `policy ${policy.version} (${policy.hash.slice(0, 12)})`;
      if (violations.length > 0) return { passed: false, found: `${violations.join('; ')}: ${by}` };
      if (input.policy !== undefined && input.policy !== policy.hash)
        return {
          passed: false,
          found: `the run began by another one (${input.policy.slice(0, 12)}), start it anew: ${by}`,
        };
      return { passed: true, found: `${by} allows it, started by ${describeIdentity(who)}` };
    },
  };
}

/**
 * What in an experiment no document can have said; undefined where all is well. A starter is not a trust boundary: rules go by a
 * site's name, and time-to-live is what ends a fault.
 */
function misformed({ targets, timeToLiveMs = DEFAULT_TTL_MS, blastRadius }: Experiment): string | undefined {
  if (!/^[a-z][a-z0-9-]{0,62}$/.test(targets.site)) return `site ${JSON.stringify(targets.site)}`;
  if (!(timeToLiveMs >= MIN_TTL_MS && timeToLiveMs <= TTL_MAX_MS)) return `a time-to-live of ${timeToLiveMs} ms`;
  if (!(blastRadius.holdMs > 0 && blastRadius.holdMs <= HOLD_MAX_MS)) return `a hold of ${blastRadius.holdMs} ms`;
  const { length } = blastRadius.stages;
  return length >= 1 && length <= STAGES_MAX ? undefined : `${length} stages`;
}

/** Who started the run, and whether they may. */
export function starterOf(policy: Policy, { run, experiment, startedBy, plans }: AdmitInput): Authority {
  const signed = { act: plans ? 'plan' : 'start', of: run, what: experimentHash(experiment) } as const;
  return authority(policy, { claim: startedBy, signed, right: 'start' });
}

/** Refuses a run whose approvals were given to another execution of it. */
export const approvalGuard: Guard = {
  name: 'approval',
  async ask({ approvals = [], execution }) {
    const foreign = approvals.find((approval) => approval.execution !== execution);
    if (foreign)
      return {
        passed: false,
        found: `${describeIdentity(foreign.by)} approved it before the run was reset; start it anew`,
      };
    const names = approvals.map(({ by }) => describeIdentity(by)).join(', ');
    return { passed: true, found: names === '' ? 'none was needed, or none is yet' : `by ${names}` };
  },
};
