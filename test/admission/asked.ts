/** What a guard is asked, of a run that nobody has to look at closely. */
import type { Asked } from '../../activities/admission/guard.ts';
import type { Experiment } from '../../domain/experiment.ts';

export function asked(experiment: Experiment): Asked {
  return { run: 'any', execution: 'any', experiment, documentHash: '', startedBy: { by: 'a test' } };
}
