/**
 * The tags of what Squall makes in an account, beside the resources it changes.
 *
 * Owns their names. They are written in the request that makes it, so that nothing is ever there without them.
 */
import type { Tag } from '@aws-sdk/client-ec2';

/** Which installation has made it. */
export const OWNED_BY = 'squall:own';

/** For what is made for `installation`. */
export function ownTags(installation: string): Tag[] {
  return [
    { Key: OWNED_BY, Value: installation },
    { Key: 'app.kubernetes.io/part-of', Value: 'squall' },
  ];
}
