/** A budget that grants everybody everything, once it is told to: as two budgets do of which one has forgotten what it granted. */
import { condition, defineSignal, setHandler } from '@temporalio/workflow';
import type { BudgetAnswer } from '../../domain/blast-radius.ts';
import { askSignal, budgetQuery, withdrawSignal } from '../../workflows/messages.ts';

export const grantSignal = defineSignal('grant');

export async function blastRadius(): Promise<void> {
  let answer: BudgetAnswer = { answer: 'waits', position: 1, why: 'not yet' };
  setHandler(askSignal, () => undefined);
  setHandler(withdrawSignal, () => undefined);
  setHandler(budgetQuery, (asks) => asks.map(() => answer));
  setHandler(grantSignal, () => {
    answer = { answer: 'granted' };
  });
  await condition(() => false);
}
