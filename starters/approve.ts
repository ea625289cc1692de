/** `squall approve`: another person's leave for exactly the plan that a run waits with. */
import { answer } from './answering.ts';
import type { AnswerOptions } from './answering.ts';

export async function main([run = '']: readonly string[], options: AnswerOptions): Promise<number> {
  return answer(run, 'approve', options);
}
