/**
 * Asking for admission.
 *
 * Owns what a run does with the answer: it is journalled whole, a refusal before anything was touched refuses the run, and
 * one in mid-run aborts it. Nobody to ask is a refusal.
 */
import { CancellationScope, patched, workflowInfo } from '@temporalio/workflow';
import type { AdmitInput, PreflightResult } from '../activities/interface.ts';
import { needsOverride, refusalOf } from '../domain/admission.ts';
import type { Admission, GuardAnswer } from '../domain/admission.ts';
import type { ServiceAsk } from '../domain/ask.ts';
import { STOP_GUARD } from '../domain/emergency-stop.ts';
import type { Claim } from '../domain/identity.ts';
import type { PlannedStage } from '../domain/ladder.ts';
import { protectionAt } from '../domain/policy.ts';
import { targetKey } from '../domain/target-key.ts';
import { why } from './blindness.ts';
import type { Run } from './run.ts';
import type { RunInput } from './messages.ts';
import { admission, attending, minHealthyAt, queueing } from './proxies.ts';
import { askedAgain } from './site-checks.ts';

/** What the control worker says before pre-flight; undefined where the run has been refused or aborted. */
export async function admitted(run: Run): Promise<Admission | undefined> {
  const answer = await ask(run);
  if (!answer) return undefined;
  run.policy = answer.policy;
  // What people may set aside they are asked once the plan is known.
  const refusal = refusalOf(answer.guards, needsOverride(answer.guards));
  return refusal ? run.refuse(refusal.guard, refusal.found) : answer;
}

/** Whether `stage` may be opened; where not, the run has been aborted. */
export async function admittedTo(run: Run, planned: PlannedStage, plan: PreflightResult): Promise<boolean> {
  return (await allowed(run, planned, plan)) && !run.aborting && enoughLeft(run, planned, plan);
}

/** Whether the control worker's guards let it. */
async function allowed(run: Run, planned: PlannedStage, plan: PreflightResult): Promise<boolean> {
  const { stage } = planned;
  const services = servicesOf(planned, plan);
  const answer = await ask(run, stage, services);
  if (!answer) return false;
  const refusal = refusalOf(answer.guards, run.approvals.overridden);
  if (refusal?.waits) return queued(run, planned, plan, services);
  if (!refusal) {
    run.granted(stage, services);
    run.admitted = answer.execution;
    return true;
  }
  abort(run, refusal);
  return false;
}

/** Whether the budget has granted the stage after all. What else is asked may have changed meanwhile, and is asked again. */
async function queued(
  run: Run,
  { stage }: PlannedStage,
  plan: PreflightResult,
  services: readonly ServiceAsk[],
): Promise<boolean> {
  const { waitMs = 0 } = run.input.experiment.blastRadius;
  const options = { summary: `wait for targets before stage ${stage + 1}` };
  const answer = await run.unlessAborted(() =>
    queueing(waitMs).queue.executeWithOptions(options, [asking(run, stage, services)]),
  );
  if (!answer) return false;
  run.note({ type: 'admission', stage, guards: [answer] });
  if (!answer.passed) {
    abort(run, answer);
    return false;
  }
  run.granted(stage, services);
  // Before the first stage nobody has watched meanwhile, either.
  if (run.openedAtMs === undefined && patched('watched-once-admitted'))
    if (!(await askedAgain(run, run.policy, plan, 'budget'))) return false;
  const again = await ask(run, stage, services);
  const refusal = again && refusalOf(again.guards, run.approvals.overridden);
  if (refusal) abort(run, refusal);
  run.admitted = again?.execution;
  return again !== undefined && !refusal;
}

/** Whether the site finds as many left outside of the blast radius as the experiment, or the policy, asks for. Last: it is what the stage changes. */
async function enoughLeft(run: Run, { stage, to }: PlannedStage, plan: PreflightResult): Promise<boolean> {
  const { experiment } = run.input;
  const minHealthyShare = run.policy?.minHealthyShare;
  const asked = experiment.preconditions?.minHealthy !== undefined || minHealthyShare !== undefined;
  if (!asked || !patched('min-healthy')) return true;
  const reached = plan.targets.slice(0, to).map(targetKey);
  const protect = run.policy ? { protect: protectionAt(run.policy, experiment.targets.site) } : {};
  const share = minHealthyShare === undefined ? {} : { minHealthyShare };
  const input = { experiment, candidates: plan.candidates, reached, ...protect, ...share };
  const options = { summary: `who is left before stage ${stage + 1}` };
  const counted = await run.unlessAborted(() =>
    minHealthyAt(experiment)
      .minHealthy.executeWithOptions(options, [input])
      .catch((failure: unknown): GuardAnswer => {
        if (run.aborting) throw failure;
        return { guard: 'min-healthy', passed: false, found: `cannot be read: ${why(failure)}`, unreadable: true };
      }),
  );
  if (!counted) return false;
  run.note({ type: 'admission', stage, guards: [counted] });
  if (!counted.passed) abort(run, counted);
  return counted.passed;
}

/** The targets that a stage adds, by service. */
function servicesOf({ from, to }: PlannedStage, { targets, services }: PreflightResult): ServiceAsk[] {
  const { names, members, of } = services ?? { names: [''], members: [targets.length], of: targets.map(() => 0) };
  return names.flatMap((service, index) => {
    const keys = targets.slice(from, to).filter((_, i) => of[from + i] === index);
    return keys.length === 0 ? [] : [{ service, members: members[index] ?? 0, keys: keys.map(targetKey) }];
  });
}

/** Has the guards that may change their mind asked all the time; a refusal aborts the run. Ends when what is returned is called. */
export function attended(run: Run): () => void {
  const scope = new CancellationScope();
  scope
    .run(() => attending().attend.executeWithOptions({ summary: 'guards, meanwhile' }, [asking(run)]))
    .then(
      (refusal) => abort(run, refusal),
      () => undefined,
    );
  return () => scope.cancel();
}

function abort(run: Run, { guard, found, by }: GuardAnswer): void {
  const cause = guard === STOP_GUARD ? 'emergency-stop' : 'admission';
  run.abort({ cause, mode: 'immediate', evidence: `${guard}: ${found}`, ...(by === undefined ? {} : { by }) });
}

async function ask(run: Run, stage?: number, services?: readonly ServiceAsk[]): Promise<Admission | undefined> {
  const where = stage === undefined ? {} : { stage };
  const answer = await run.unlessAborted(() => answerTo(run, stage, services));
  if (answer) run.note({ type: 'admission', ...where, guards: answer.guards });
  return answer;
}

async function answerTo(run: Run, stage?: number, services?: readonly ServiceAsk[]): Promise<Admission> {
  const summary = `admission before ${stage === undefined ? 'pre-flight' : `stage ${stage + 1}`}`;
  try {
    return await admission().admit.executeWithOptions({ summary }, [asking(run, stage, services)]);
  } catch (failure) {
    if (run.aborting) throw failure;
    return { guards: [{ guard: 'admission', passed: false, found: `nobody could be asked: ${why(failure)}` }] };
  }
}

function asking(run: Run, stage?: number, services?: readonly ServiceAsk[]): AdmitInput {
  const { experiment, documentHash } = run.input;
  const { given } = run.approvals;
  return {
    run: run.id,
    experiment,
    documentHash,
    startedBy: claimOf(run.input),
    first: workflowInfo().firstExecutionRunId,
    ...(stage === undefined ? {} : { stage }),
    ...(services ? { services } : {}),
    ...(given.length === 0 ? {} : { approvals: given }),
    ...(run.policy === undefined ? {} : { policy: run.policy.hash }),
  };
}

/** What whoever started a run says of themselves. */
export function claimOf({ startedBy: by, signature, signedAtMs, day }: RunInput): Claim {
  return {
    by,
    ...(signature === undefined ? {} : { signature }),
    ...(signedAtMs === undefined ? {} : { signedAtMs }),
    ...(day === undefined ? {} : { day }),
  };
}
