/** `squall reject`: ends a run that waits for approval; nothing was touched. */
import { answer } from './answering.ts';
import type { AnswerOptions } from './answering.ts';

export async function main([run = '']: readonly string[], options: AnswerOptions): Promise<number> {
  return answer(run, 'reject', options);
}
