/**
 * Failures that may pass: throttling, no capacity, an answer that did not come.
 *
 * Owns the list. After one of these the request may have been carried out all the same.
 */

import { isMissing } from '../../aws/denied.ts';

/** Codes of AWS's common errors, whatever was asked for: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html */
const GENERAL =
  /Throttl|RequestLimitExceeded|TooManyRequests|SlowDown|Unavailable|InternalError|InternalFailure|InternalServerError|RequestTimeout|TimeoutError|ECONNRESET|ECONNREFUSED|EPIPE|ENOTFOUND|EAI_AGAIN|ETIMEDOUT/;
/** Codes of what is so for now, of one of those that were asked for. */
const FOR_NOW =
  /InsufficientInstanceCapacity|InsufficientHostCapacity|IncorrectState|IncorrectInstanceState|ResourceContention|ScalingActivityInProgress|InvalidDBClusterState|InvalidDBInstanceState|InvalidReplicationGroupState|DependencyViolation|InUse/;

/** Something that was made or changed a moment ago, and is not to be seen yet. */
export class Unseen extends Error {
  override readonly name = 'Unseen';
}

/** A request for many failed, which says little of each: whoever was in it is asked for by itself the next time. */
export class AskedTogether extends Error {
  override readonly name = 'AskedTogether';
}

/** Whether trying again may help. */
export function isPassing(error: unknown): boolean {
  if (error instanceof Unseen || error instanceof AskedTogether) return true;
  return isGeneral(error) || isNamed(error, FOR_NOW);
}

/** Whether it says nothing of what was asked for: it was too much, it failed on AWS's side, or nobody has heard the answer. */
export function isGeneral(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } };
  const { name } = error;
  if (($metadata?.httpStatusCode ?? 0) >= 500 && !FOR_NOW.test(name)) return true;
  return isNamed(error, GENERAL) || /socket hang up/.test(error.message);
}

function isNamed(error: unknown, codes: RegExp): boolean {
  if (!(error instanceof Error)) return false;
  const { name, code } = error as Error & { code?: unknown };
  return codes.test(name) || (typeof code === 'string' && codes.test(code));
}

/** Throws what trying again does not change. */
export function mayPass(error: unknown): void {
  if (!isPassing(error)) throw error;
}

/** Throws unless what it was about is gone: then there is nothing of ours at it. */
export function unlessMissing(error: unknown): void {
  if (!isMissing(error)) throw error;
}
