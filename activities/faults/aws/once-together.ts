/**
 * Changes of many resources by one request, which is sent once.
 *
 * Owns who goes together. Where it fails nobody is tried again here: whoever was in it looks anew, and is asked for by itself the next
 * time, so that one does not fail for another; but not where it failed for whatever was asked. `doTogether` tries again at once, which is for rehearsals.
 */
import DataLoader from 'dataloader';
import { reasonOf } from '../../probes/reading.ts';
import { AskedTogether, isGeneral } from './passing.ts';

/** How long a request waits for others to go with it, in milliseconds. */
const TOGETHER_MS = 25;
/** The most resources of one request. */
const TOGETHER_MAX = 100;

interface Deed<What> {
  readonly name: string;
  readonly what: What;
}

/** Does the same to many. Rejects with {@link AskedTogether} where it failed for several at once. */
export function onceTogether<What>(
  act: (names: readonly string[], what: What) => Promise<unknown>,
): (name: string, what: What) => Promise<void> {
  const alone = new Set<string>();
  const actOn = async (names: readonly string[], what: What): Promise<Error | undefined> => {
    try {
      await act(names, what);
      for (const name of names) alone.delete(name);
      return undefined;
    } catch (error) {
      if (names.length > 1) {
        // What is so of all of them must not become as many requests.
        if (!isGeneral(error)) for (const name of names) alone.add(name);
        return new AskedTogether(`with ${names.length - 1} others: ${reasonOf(error)}`, { cause: error });
      }
      return error instanceof Error ? error : new Error(String(error));
    }
  };
  const loader = new DataLoader<Deed<What>, true>(
    async (deeds) => {
      const same = Map.groupBy(deeds, ({ name, what }) => JSON.stringify([what, alone.has(name) ? name : null]));
      const failures = new Map<Deed<What>, Error>();
      await Promise.all(
        [...same.values()].map(async (some) => {
          const names = [...new Set(some.map(({ name }) => name))];
          const failure = await actOn(names, (some[0] as Deed<What>).what);
          if (failure !== undefined) for (const deed of some) failures.set(deed, failure);
        }),
      );
      return deeds.map((deed) => failures.get(deed) ?? true);
    },
    { cache: false, maxBatchSize: TOGETHER_MAX, batchScheduleFn: (go) => void setTimeout(go, TOGETHER_MS) },
  );
  return async (name, what) => void (await loader.load({ name, what }));
}
