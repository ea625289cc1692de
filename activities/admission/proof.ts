/**
 * Proof of who somebody is: a signature against a key that the policy knows.
 *
 * Owns the check, by Node's own Ed25519. Temporal's open-source server authenticates nobody, so a name without a signature
 * is what the starter says and no more; a signature that is wrong proves nothing.
 */
import { createHash, createPublicKey, verify } from 'node:crypto';
import type { Experiment } from '../../domain/experiment.ts';
import { forbidden } from '../../domain/policy.ts';
import type { Policy } from '../../domain/policy.ts';
import { signedText } from '../../domain/identity.ts';
import type { Claim, Identity, Right, Signed } from '../../domain/identity.ts';

/** SHA-256 of an experiment as it travels, in hex: what a start is signed for. */
export function experimentHash(experiment: Experiment): string {
  return createHash('sha256').update(JSON.stringify(experiment)).digest('hex');
}

/** What somebody wants to do, and on what proof. */
export interface Asking {
  readonly claim: Claim;
  readonly signed: Signed;
  readonly right: Right;
}

/** Who asks, and why they may not; without `forbidden` they may. */
export interface Authority {
  readonly who: Identity;
  readonly forbidden?: string;
}

/** Judges `asking` by `policy`. */
export function authority(policy: Policy, { claim, signed, right }: Asking): Authority {
  const who = { name: claim.by, proven: isProven(policy, claim, signed) };
  const why = forbidden(policy, who, right);
  return why === undefined ? { who } : { who, forbidden: why };
}

function isProven({ people }: Policy, { by, signature }: Claim, signed: Signed): boolean {
  const person = people && Object.hasOwn(people, by) ? people[by] : undefined;
  if (!person || signature === undefined) return false;
  try {
    const text = Buffer.from(signedText(signed, by));
    return verify(null, text, createPublicKey(person.key), Buffer.from(signature, 'base64'));
  } catch {
    return false;
  }
}
