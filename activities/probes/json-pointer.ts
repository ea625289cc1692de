/**
 * JSON pointers (RFC 6901).
 *
 * Owns finding one value in a parsed document. Only own properties are found.
 */

/** What `pointer` points at in `document`, or undefined where there is nothing. */
export function pointAt(document: unknown, pointer: string): unknown {
  if (pointer === '') return document;
  const tokens = pointer.slice(1).split('/');
  return tokens.reduce<unknown>(
    (value, token) => step(value, token.replaceAll('~1', '/').replaceAll('~0', '~')),
    document,
  );
}

function step(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  if (Array.isArray(value) && !/^(0|[1-9][0-9]*)$/.test(key)) return undefined;
  return Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
}
