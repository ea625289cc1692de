/**
 * Failures that may pass: throttling, no capacity, an answer that did not come.
 *
 * Owns the list. After one of these the request may have been carried out all the same.
 */

import { isMissing } from '../../aws/denied.ts';

/** Codes of AWS's common errors: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html */
const PASSING =
  /Throttl|RequestLimitExceeded|TooManyRequests|SlowDown|Unavailable|InternalError|InternalFailure|InternalServerError|InsufficientInstanceCapacity|InsufficientHostCapacity|RequestTimeout|TimeoutError|ECONNRESET|ECONNREFUSED|EPIPE|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|IncorrectState|IncorrectInstanceState|ResourceContention|ScalingActivityInProgress|InvalidDBClusterState|InvalidDBInstanceState|InvalidReplicationGroupState|DependencyViolation|InUse/;

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
  if (!(error instanceof Error)) return false;
  const { name, code, $metadata } = error as Error & { code?: unknown; $metadata?: { httpStatusCode?: number } };
  if (($metadata?.httpStatusCode ?? 0) >= 500) return true;
  return PASSING.test(name) || (typeof code === 'string' && PASSING.test(code)) || /socket hang up/.test(error.message);
}

/** Throws what trying again does not change. */
export function mayPass(error: unknown): void {
  if (!isPassing(error)) throw error;
}

/** Throws unless what it was about is gone: then there is nothing of ours at it. */
export function unlessMissing(error: unknown): void {
  if (!isMissing(error)) throw error;
}
