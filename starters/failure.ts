/**
 * Failures of the command line, as people and programs read them.
 *
 * Owns the mapping from an error to an exit code and a sentence. A stack is shown only for what nobody foresaw.
 */
import { InvalidDocument } from '../documents/problem.ts';
import { Unreachable } from '../workers/connect.ts';
import { EXIT } from './exit.ts';

/** Something the person at the terminal can mend. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Prints `error` and returns the exit code. */
export function report(error: unknown, json: boolean): number {
  const message = error instanceof Error ? error.message : String(error);
  if (json) process.stdout.write(`${JSON.stringify({ event: 'error', at: new Date().toISOString(), message })}\n`);
  else process.stderr.write(`squall: ${message}\n`);
  if (error instanceof Unreachable) return EXIT.unreachable;
  if (error instanceof InvalidDocument || error instanceof UsageError) return EXIT.invalid;
  if (!json && error instanceof Error && process.env['SQUALL_DEBUG']) process.stderr.write(`${error.stack ?? ''}\n`);
  return EXIT.invalid;
}
