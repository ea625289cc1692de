/**
 * Strict mappings.
 *
 * Owns one thing: a mapping that refuses unknown keys says which it knows, so that the nearest can be named.
 */
import { z } from 'zod';

const KNOWN = 'known keys: ';

/** A mapping with these keys and no others. */
export function strict<Shape extends z.core.$ZodLooseShape>(shape: Shape): z.ZodObject<Shape, z.core.$strict> {
  const known = Object.keys(shape).join(', ');
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? `${KNOWN}${known}` : undefined),
  });
}

/** The keys that a mapping knows, from the issue that it raised; empty when it does not say. */
export function knownKeys(issue: { readonly message: string }): string[] {
  return issue.message.startsWith(KNOWN) ? issue.message.slice(KNOWN.length).split(', ') : [];
}
