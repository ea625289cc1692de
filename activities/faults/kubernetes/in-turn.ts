/**
 * One after the other: whatever this process does to the same thing at once.
 *
 * Owns the order alone. Must never hold up what has another key, nor let one that fails keep the next from its turn.
 */
const last = new Map<string, Promise<void>>();

/** Does `work` once everything with the same key that came before is over. */
export async function inTurn<T>(key: string, work: () => Promise<T>): Promise<T> {
  const turn = (last.get(key) ?? Promise.resolve()).then(work);
  const over = turn.then(
    () => undefined,
    () => undefined,
  );
  last.set(key, over);
  try {
    return await turn;
  } finally {
    if (last.get(key) === over) last.delete(key);
  }
}
