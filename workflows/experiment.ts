/**
 * The run's workflow: one execution of an experiment.
 *
 * Owns what it can be told and asked; {@link Run} does the rest.
 */
import { ApplicationFailure } from '@temporalio/common';
import { CancellationScope, setHandler } from '@temporalio/workflow';
import { concerns, describeStop } from '../domain/emergency-stop.ts';
import { abortHeard, newsHeard, runHeard, signedBy, stopHeard } from './heard.ts';
import {
  abortSignal,
  approveUpdate,
  awaitedPlanQuery,
  grantsQuery,
  leaseNewsSignal,
  noteUpdate,
  rejectUpdate,
  stopSignal,
  storyQuery,
  wantedQuery,
} from './messages.ts';
import type { Answer, Note, RunInput, RunResult } from './messages.ts';
import { Run } from './run.ts';

export async function experiment(payload: RunInput): Promise<RunResult> {
  // Somebody may have started it by hand. It must not stay open: budgets ask every open run what it holds.
  const input = runHeard(payload);
  if (!input) throw ApplicationFailure.nonRetryable('what it was started with is no run', 'Refused');
  const run = new Run(input);
  setHandler(abortSignal, (wish) => {
    const { reason, ...abort } = abortHeard(wish);
    run.abort({ cause: 'person', ...abort, evidence: reason });
  });
  setHandler(stopSignal, (wish) => {
    const stop = stopHeard(wish);
    if (concerns(stop, input.experiment.targets.site))
      run.abort({ cause: 'emergency-stop', mode: 'immediate', evidence: describeStop(stop), ...signedBy(stop) });
  });
  setHandler(leaseNewsSignal, (said) => {
    const news = newsHeard(said);
    if (news) run.leases.hear(news);
  });
  setHandler(grantsQuery, (site) => (site === input.experiment.targets.site ? run.grants : []));
  setHandler(wantedQuery, (lease) => run.leases.wanted(lease));
  setHandler(approveUpdate, (answer) => run.approvals.approve(answer), {
    validator: (answer: Answer) => run.approvals.validate(answer),
  });
  setHandler(rejectUpdate, (answer) => run.approvals.reject(answer), {
    validator: (answer: Answer) => run.approvals.validate(answer),
  });
  setHandler(noteUpdate, (note) => run.remark(note), { validator: (note: Note) => run.checkRemark(note) });
  setHandler(storyQuery, (fromSeq) => {
    const { awaiting } = run.approvals;
    return { state: run.state, events: run.log.since(fromSeq), ...(awaiting ? { awaiting } : {}) };
  });
  setHandler(awaitedPlanQuery, () => run.approvals.shown);
  CancellationScope.current().cancelRequested.catch(() =>
    run.abort({ cause: 'cancelled', mode: 'immediate', evidence: 'the run was cancelled' }),
  );
  // The server's cancel is heard above as an abort; nothing in the run is cut short by it.
  return CancellationScope.nonCancellable(() => run.live());
}
