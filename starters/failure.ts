/**
 * Failures of the command line, as people and programs read them.
 *
 * Owns the mapping from an error to an exit code and a sentence. A stack is shown only for what nobody foresaw.
 */
import { isGrpcServiceError } from '@temporalio/client';
import { JournalError } from '../activities/journal/store.ts';
import { InvalidProbes } from '../activities/probes/registry.ts';
import { InvalidDocument } from '../documents/problem.ts';
import { InvalidConfig } from '../workers/config.ts';
import { InvalidConnection, Unreachable } from '../workers/connect.ts';
import { PortTaken } from '../workers/temporal-server.ts';
import { EXIT } from './exit.ts';
import { shown } from './output.ts';

/** Something the person at the terminal can mend. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** What the person at the terminal can mend, whoever finds it. */
const INVALID = [UsageError, InvalidDocument, InvalidConfig, InvalidConnection, InvalidProbes, JournalError, PortTaken];

/** gRPC's DEADLINE_EXCEEDED and UNAVAILABLE. */
const UNREACHABLE_CODES: ReadonlySet<number> = new Set([4, 14]);

/** Whether Temporal did not answer, so that what it was asked may have been done or not. */
export function isUnreachable(error: unknown): boolean {
  const cause = error instanceof Error && isGrpcServiceError(error.cause) ? error.cause : error;
  return isGrpcServiceError(cause) && UNREACHABLE_CODES.has(cause.code);
}

/** Prints `error` and returns the exit code. */
export function report(error: unknown, json: boolean): number {
  const message = error instanceof Error ? error.message : String(error);
  if (json) process.stdout.write(`${JSON.stringify({ event: 'error', at: new Date().toISOString(), message })}\n`);
  else for (const line of `squall: ${message}`.split('\n')) process.stderr.write(`${shown(line)}\n`);
  if (error instanceof Unreachable || isUnreachable(error)) return EXIT.unreachable;
  if (INVALID.some((kind) => error instanceof kind)) return EXIT.invalid;
  if (!json && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
  return EXIT.unforeseen;
}
