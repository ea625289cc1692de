/**
 * `policy` and `approval`: what the organisation allows, and what people agreed to.
 *
 * Owns these two rungs. The rules are `domain/policy.ts`'s; what only the plan shows the workflow judges after pre-flight.
 */
import { describeIdentity } from '../../domain/identity.ts';
import { violationsOf } from '../../domain/policy.ts';
import type { Policy } from '../../domain/policy.ts';
import type { AdmitInput } from '../interface.ts';
import type { Guard } from './guard.ts';
import { authority } from './proof.ts';
import type { Authority } from './proof.ts';

/** Refuses what the document asks for against the policy, and whoever may not start it. */
export function policyGuard(policy: Policy): Guard {
  return {
    name: 'policy',
    async ask(input) {
      const { who, forbidden } = starterOf(policy, input);
      const violations = [...(forbidden === undefined ? [] : [forbidden]), ...violationsOf(policy, input.experiment)];
      const by = `policy ${policy.version} (${policy.hash.slice(0, 12)})`;
      if (violations.length > 0) return { passed: false, found: `${violations.join('; ')}: ${by}` };
      return { passed: true, found: `${by} allows it, started by ${describeIdentity(who)}` };
    },
  };
}

/** Who started the run, and whether they may. */
export function starterOf(policy: Policy, { run, documentHash, startedBy }: AdmitInput): Authority {
  return authority(policy, {
    claim: startedBy,
    signed: { act: 'start', of: run, what: documentHash },
    right: 'start',
  });
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
