/**
 * `policy` and `approval`: what the organisation allows, and what people agreed to.
 *
 * Owns these two rungs. The rules are `domain/policy.ts`'s; what only the plan shows the workflow judges after pre-flight.
 */
import type { Experiment } from '../../domain/experiment.ts';
import { misformed } from '../../domain/experiment-bounds.ts';
import { actText } from '../../domain/game-day-acts.ts';
import { describeIdentity, SIGNED_MS, startText } from '../../domain/identity.ts';
import type { DayClaim } from '../../domain/identity.ts';
import { violationsOf } from '../../domain/policy.ts';
import type { Policy } from '../../domain/policy.ts';
import { formatDuration } from '../../domain/units.ts';
import { experiment as shape } from '../journal/experiment-schema.ts';
import type { JournalStore } from '../journal/store.ts';
import type { Asked, Guard } from './guard.ts';
import { authority, experimentHash } from './proof.ts';
import type { Authority } from './proof.ts';

/**
 * Refuses what the document asks for against the policy, and whoever may not start it. A run that began by another policy is
 * refused too: who is protected, what a plan may be and who must agree were judged by that one.
 */
export function policyGuard(policy: Policy, now: () => number = Date.now): Guard {
  return {
    name: 'policy',
    async ask(input) {
      const { who, forbidden } = starterOf(policy, input, now());
      const odd = oddIn(input.experiment);
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
 * site's name, time-to-live is what ends a fault, and what never breaches stops nothing.
 */
function oddIn(experiment: Experiment): string | undefined {
  const [issue] = shape.safeParse(experiment).error?.issues ?? [];
  return issue ? `${issue.path.join('.')}: ${issue.message}` : misformed(experiment);
}

/**
 * Who started the run, and whether they may. The signature is good for one start: a run that was started, or reset, long
 * after it was signed is nobody's.
 */
export function starterOf(policy: Policy, asked: Asked, nowMs = Date.now()): Authority {
  const { run, experiment, documentHash, startedBy, plans } = asked;
  if (startedBy.day !== undefined) return commanderOf(policy, asked, startedBy.day);
  const signedAtMs = startedBy.signedAtMs ?? NaN;
  const what = startText(experimentHash(experiment), documentHash, signedAtMs);
  const found = authority(policy, {
    claim: startedBy,
    signed: { act: plans ? 'plan' : 'start', of: run, what },
    right: 'start',
  });
  const late = isNew(asked) ? !(Math.abs(nowMs - signedAtMs) <= SIGNED_MS) : Number.isNaN(signedAtMs);
  if (!found.who.proven || !late) return found;
  return unprovenSince(
    found,
    `the signature is good for ${formatDuration(SIGNED_MS)} by the clock of the control worker`,
  );
}

/** Acts by which runs of a game day begin. */
const BEGINS: ReadonlySet<string> = new Set<DayClaim['act']['act']>(['begin', 'approve']);

/** Whoever let a game day, or its scenario, begin, has started its runs: each once, as a child of that very execution. */
function commanderOf(policy: Policy, { startedBy, parent, first, execution }: Asked, claim: DayClaim): Authority {
  const { day, execution: begun, act } = claim;
  const what = actText(act, begun, startedBy.signedAtMs ?? NaN);
  const found = authority(policy, { claim: startedBy, signed: { act: 'game-day', of: day, what }, right: 'start' });
  if (!found.who.proven) return found;
  if (!BEGINS.has(act.act)) return unprovenSince(found, `what was signed for lets nothing begin (${act.act})`);
  if (parent?.workflowId !== day || parent.runId !== begun)
    return unprovenSince(found, `it is no run of the game day ${day} that was begun`);
  return first !== undefined && first !== execution ? unprovenSince(found, 'the run was reset') : found;
}

function unprovenSince({ who: { name } }: Authority, why: string): Authority {
  const who = { name, proven: false };
  return { who, forbidden: `${describeIdentity(who)} may not start: ${why}; start it anew` };
}

/** Whether the execution that asks has not been admitted before: it begins, or was reset. */
function isNew({ stage, first, execution }: Asked): boolean {
  return stage === undefined || (first !== undefined && first !== execution);
}

/** Refuses a run whose approvals were given to another execution of it, and one that has been a run before. */
export function approvalGuard(store: Pick<JournalStore, 'read'>): Guard {
  return {
    name: 'approval',
    async ask(asked) {
      const { approvals = [], execution } = asked;
      const foreign = approvals.find((approval) => approval.execution !== execution);
      if (foreign)
        return {
          passed: false,
          found: `${describeIdentity(foreign.by)} approved it before the run was reset; start it anew`,
        };
      const used = isNew(asked) ? await usedUp(store, asked) : undefined;
      if (used !== undefined) return { passed: false, found: used };
      const names = approvals.map(({ by }) => describeIdentity(by)).join(', ');
      return { passed: true, found: names === '' ? 'none was needed, or none is yet' : `by ${names}` };
    },
  };
}

/** Why nobody started this very run, as its journal says; undefined where somebody did. */
async function usedUp(store: Pick<JournalStore, 'read'>, { run, first }: Asked): Promise<string | undefined> {
  const { events = [] } = (await store.read(run)) ?? {};
  const before = events.find((event) => {
    if (event.type === 'closed') return true;
    if (event.type !== 'started' || event.execution === undefined || first === undefined) return false;
    return event.execution !== first;
  });
  if (before === undefined) return undefined;
  const what = before.type === 'closed' ? 'was over' : 'was started';
  return `a run of this name ${what} before, at ${new Date(before.atMs).toISOString()}; start it under another name`;
}
