/** Workflows that stand for runs, and end in every way there is. */
import { ApplicationFailure } from '@temporalio/common';
import { condition, continueAsNew, defineSignal, setHandler } from '@temporalio/workflow';

/** Ends in the way that it is told to. */
export const endSignal = defineSignal<[how: 'complete' | 'fail' | 'continue']>('end');

export async function holder(): Promise<void> {
  let how = '';
  setHandler(endSignal, (told) => {
    how = told;
  });
  await condition(() => how !== '');
  if (how === 'fail') throw ApplicationFailure.nonRetryable('it was told to fail');
  if (how === 'continue') await continueAsNew<typeof holder>();
}
