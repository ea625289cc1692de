/**
 * Resources of an account that have a slot in their tags.
 *
 * Owns what a kind of resource must be able to do for it, and the joining of many requests into one: whatever is asked within a
 * moment is asked together. Must never decide what a slot means for a fault.
 */
import DataLoader from 'dataloader';
import type { RegionClients } from '../../aws/cloud.ts';
import type { AwsKind, AwsTarget } from './target.ts';
import type { TagPatch, Tags } from './tag-slot.ts';

/** How long a request waits for others to go with it, in milliseconds. */
const TOGETHER_MS = 25;
/** The most resources of one request, as EC2 has it for filters: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Filter.html */
const TOGETHER_MAX = 200;

/** A resource as it was read. */
export interface Tagged {
  readonly tags: Tags;
}

/** One kind of resource, in one region. */
export interface TaggedRegion<Live extends Tagged> {
  /** Undefined where it is gone, or is another one of the same name. */
  read(target: AwsTarget): Promise<Live | undefined>;
  /** Writes tags, and takes those away that are null. Writing comes first. */
  write(target: AwsTarget, patch: TagPatch): Promise<void>;
  /** All that carry a tag that begins with `squall:`. */
  marked(): AsyncIterable<{ readonly target: AwsTarget; readonly live: Live }>;
}

/** One kind of resource. */
export interface TaggedKind<Live extends Tagged> {
  readonly kind: AwsKind;
  /** Opened once for each region of a site. */
  open(clients: RegionClients): TaggedRegion<Live>;
}

/** Reads many as one request: `fetch` is handed different names, and says what it found of them. */
export function readTogether<Live>(
  fetch: (names: readonly string[]) => Promise<ReadonlyMap<string, Live>>,
): (name: string) => Promise<Live | undefined> {
  const loader = new DataLoader<string, Live | undefined>(
    async (names) => {
      const found = await fetch([...new Set(names)]);
      return names.map((name) => found.get(name));
    },
    { cache: false, maxBatchSize: TOGETHER_MAX, batchScheduleFn: soon },
  );
  return (name) => loader.load(name);
}

/** Something that is to be done to one resource. */
interface Deed<What> {
  readonly name: string;
  readonly what: What;
}

/** Does the same to many resources in one request. Where that fails each is tried by itself, so that one does not fail for another. */
export function doTogether<What>(
  act: (names: readonly string[], what: What) => Promise<unknown>,
): (name: string, what: What) => Promise<void> {
  const actOn = async (deeds: readonly Deed<What>[], what: What): Promise<readonly (Error | undefined)[]> => {
    try {
      await act([...new Set(deeds.map(({ name }) => name))], what);
      return deeds.map(() => undefined);
    } catch (error) {
      if (deeds.length === 1) return [error instanceof Error ? error : new Error(String(error))];
      return (await Promise.all(deeds.map((deed) => actOn([deed], what)))).flat();
    }
  };
  const loader = new DataLoader<Deed<What>, true>(
    async (deeds) => {
      const same = Map.groupBy(deeds, ({ what }) => JSON.stringify(what));
      const failures = new Map<Deed<What>, Error>();
      await Promise.all(
        [...same.values()].map(async (some) => {
          const failed = await actOn(some, (some[0] as Deed<What>).what);
          for (const [i, failure] of failed.entries())
            if (failure !== undefined) failures.set(some[i] as Deed<What>, failure);
        }),
      );
      return deeds.map((deed) => failures.get(deed) ?? true);
    },
    { cache: false, maxBatchSize: TOGETHER_MAX, batchScheduleFn: soon },
  );
  return async (name, what) => void (await loader.load({ name, what }));
}

function soon(go: () => void): void {
  setTimeout(go, TOGETHER_MS);
}

/** The tags to be written and the keys to be taken away. */
export function halves(patch: TagPatch): {
  readonly set: readonly { readonly Key: string; readonly Value: string }[];
  readonly removed: readonly string[];
} {
  const entries = Object.entries(patch);
  return {
    set: entries.flatMap(([Key, Value]) => (Value === null ? [] : [{ Key, Value }])),
    removed: entries.flatMap(([key, value]) => (value === null ? [key] : [])),
  };
}

/** Tags as EC2 and most others list them. */
export function tagsOf(
  listed: readonly { readonly Key?: string | undefined; readonly Value?: string | undefined }[] = [],
): Tags {
  return Object.fromEntries(listed.map(({ Key = '', Value = '' }) => [Key, Value]));
}
