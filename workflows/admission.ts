/**
 * Asking for admission.
 *
 * Owns what a run does with the answer: it is journalled whole, a refusal before anything was touched refuses the run, and
 * one in mid-run aborts it. Nobody to ask is a refusal.
 */
import { CancellationScope } from '@temporalio/workflow';
import type { AdmitInput, PreflightResult } from '../activities/interface.ts';
import { needsOverride, refusalOf } from '../domain/admission.ts';
import type { Admission, GuardAnswer } from '../domain/admission.ts';
import type { ServiceAsk } from '../domain/blast-radius.ts';
import { STOP_GUARD } from '../domain/emergency-stop.ts';
import type { PlannedStage } from '../domain/ladder.ts';
import { targetKey } from '../domain/target-key.ts';
import { why } from './blindness.ts';
import type { Run } from './experiment.ts';
import { admission, attending, queueing } from './proxies.ts';

/** What the control worker says before pre-flight; undefined where the run has been refused or aborted. */
export async function admitted(run: Run): Promise<Admission | undefined> {
  const answer = await ask(run);
  if (!answer) return undefined;
  run.policyHash = answer.policy?.hash;
  // What people may set aside they are asked once the plan is known.
  const refusal = refusalOf(answer.guards, needsOverride(answer.guards));
  return refusal ? run.refuse(refusal.guard, refusal.found) : answer;
}

/** Whether `stage` may be opened; where not, the run has been aborted. */
export async function admittedTo(run: Run, planned: PlannedStage, plan: PreflightResult): Promise<boolean> {
  const { stage } = planned;
  const services = servicesOf(planned, plan);
  const answer = await ask(run, stage, services);
  if (!answer) return false;
  const refusal = refusalOf(answer.guards, run.approvals.overridden);
  if (refusal?.waits) return queued(run, stage, services);
  if (!refusal) {
    run.granted(stage, services);
    run.admitted = answer.execution;
    return true;
  }
  abort(run, refusal);
  return false;
}

/** Whether the budget has granted the stage after all. What else is asked may have changed meanwhile, and is asked again. */
async function queued(run: Run, stage: number, services: readonly ServiceAsk[]): Promise<boolean> {
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
  const again = await ask(run, stage, services);
  const refusal = again && refusalOf(again.guards, run.approvals.overridden);
  if (refusal) abort(run, refusal);
  run.admitted = again?.execution;
  return again !== undefined && !refusal;
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

function abort(run: Run, { guard, found }: GuardAnswer): void {
  const cause = guard === STOP_GUARD ? 'emergency-stop' : 'admission';
  run.abort({ cause, mode: 'immediate', evidence: `${guard}: ${found}` });
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
  const { experiment, documentHash, startedBy, signature } = run.input;
  const { policyHash } = run;
  const { given } = run.approvals;
  return {
    run: run.id,
    experiment,
    documentHash,
    startedBy: { by: startedBy, ...(signature === undefined ? {} : { signature }) },
    ...(stage === undefined ? {} : { stage }),
    ...(services ? { services } : {}),
    ...(given.length === 0 ? {} : { approvals: given }),
    ...(policyHash === undefined ? {} : { policy: policyHash }),
  };
}
