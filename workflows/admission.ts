/**
 * Asking for admission.
 *
 * Owns what a run does with the answer: it is journalled whole, a refusal before anything was touched refuses the run, and
 * one in mid-run aborts it. Nobody to ask is a refusal.
 */
import { refusalOf } from '../domain/admission.ts';
import type { Admission } from '../domain/admission.ts';
import { STOP_GUARD } from '../domain/emergency-stop.ts';
import { why } from './blindness.ts';
import type { Run } from './experiment.ts';
import { admission } from './proxies.ts';

/** Whether the run may begin, or open `stage`; where not, it has been refused or aborted. */
export async function admitted(run: Run, stage?: number): Promise<boolean> {
  const answers = await run.unlessAborted(() => ask(run, stage));
  if (!answers) return false;
  run.note({ type: 'admission', ...(stage === undefined ? {} : { stage }), guards: answers });
  const refusal = refusalOf(answers);
  if (!refusal) return true;
  const { guard, found } = refusal;
  if (stage === undefined) run.refuse(guard, found);
  else {
    const cause = guard === STOP_GUARD ? 'emergency-stop' : 'admission';
    run.abort({ cause, mode: 'immediate', evidence: `${guard}: ${found}` });
  }
  return false;
}

async function ask(run: Run, stage?: number): Promise<Admission> {
  const where = stage === undefined ? 'pre-flight' : `stage ${stage + 1}`;
  try {
    return await admission().admit.executeWithOptions({ summary: `admission before ${where}` }, [
      { run: run.id, experiment: run.input.experiment },
    ]);
  } catch (failure) {
    if (run.aborting) throw failure;
    return [{ guard: 'admission', passed: false, found: `nobody could be asked: ${why(failure)}` }];
  }
}
