/**
 * Target keys: short names for targets, for telling who holds whom.
 *
 * Owns the hash. Two targets with one key would only keep each other waiting, so it need not be a cryptographic one.
 */
import type { TargetId } from './fault.ts';

/**
 * 16 hexadecimal digits: two 32-bit FNV-1a hashes of the text's UTF-16 code units, with different offset bases.
 * See https://www.rfc-editor.org/rfc/rfc9923 (FNV).
 */
export function targetKey(target: TargetId): string {
  return fnv1a(target, 0x811c9dc5) + fnv1a(target, 0x050c5d1f);
}

function fnv1a(text: string, basis: number): string {
  let hash = basis;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}
