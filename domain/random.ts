/**
 * Repeatable chance: numbers drawn from a seed that is written down.
 *
 * Owns the one generator that choices are made with, so that each can be explained and repeated. Not for secrets.
 */

/**
 * Uniform numbers in [0, 1), the same for the same seed on every machine: FNV-1a (Fowler, Noll, Vo; 32 bit) turns the
 * text into a state, mulberry32 (T. Ettinger, public domain) draws from it.
 */
export function randomFrom(seed: string): () => number {
  let state = 0x811c9dc5;
  for (const char of seed) state = Math.imul(state ^ (char.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
