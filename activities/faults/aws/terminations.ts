/**
 * Instances that are to be terminated, with their slot in the tags of their Auto Scaling group.
 *
 * Owns where the slot is: the tags of an instance end with it, so that each has some of its group's, `squall:terminated-<id>-fault` and
 * so on, as long as there is a slot, and `squall:terminated-<id>` to find it by. Whoever holds the instance itself is seen in the same slot.
 */
import type { RegionClients } from '../../aws/cloud.ts';
import { groupOf, instances } from './instances.ts';
import type { LiveInstance } from './instances.ts';
import { everyGroup, groupsTagged, scalingGroup, tagGroup } from './scaling.ts';
import type { ScalingGroup } from './scaling.ts';
import { FAULT } from './tag-slot.ts';
import type { TagPatch, Tags } from './tag-slot.ts';
import type { TaggedKind, TaggedRegion } from './tagged.ts';

const OURS = 'squall:';
const MARK = 'squall:terminated-';
const MARKED = /^squall:terminated-(i-[0-9a-f]+)/;

/** An instance, or what is left of it in the tags of its group. */
export interface Termination {
  readonly tags: Tags;
  /** Undefined where it is gone. */
  readonly instance: LiveInstance | undefined;
  /** Undefined where it is in none, or that is gone. */
  readonly group: ScalingGroup | undefined;
}

export const terminations: TaggedKind<Termination> = { kind: 'instance', open: openTerminations };

function openTerminations(clients: RegionClients): TaggedRegion<Termination> {
  const { region } = clients;
  const living = instances.open(clients);
  const read = async (id: string): Promise<Termination | undefined> => {
    const [instance, marked] = await Promise.all([
      living.read({ region, kind: 'instance', name: id }),
      groupsTagged(`${MARK}${id}`, clients),
    ]);
    const name = instance && groupOf(instance);
    // It may have been in another one when it was to be terminated.
    const group = marked[0] ?? (name === undefined ? undefined : await scalingGroup(name, clients));
    if (instance === undefined && marked.length === 0) return undefined;
    return { tags: tagsOf(id, instance, group), instance, group };
  };
  return {
    read: ({ name }) => read(name),
    async write({ name: id }, patch) {
      const found = await read(id);
      // What is in no group is never terminated, and needs no fence.
      if (found?.group === undefined) return;
      await tagGroup(found.group.name, onGroup(id, patch, found.group), clients);
    },
    async *marked() {
      for await (const group of everyGroup(clients))
        for (const id of idsOn(group))
          yield {
            target: { region, kind: 'instance', name: id },
            live: { tags: slotOf(id, group), instance: undefined, group },
          };
    },
  };
}

/** The instances that have a slot in the tags of a group. */
export function idsOn({ tags }: ScalingGroup): string[] {
  return [...new Set(Object.keys(tags).flatMap((key) => MARKED.exec(key)?.[1] ?? []))];
}

/** The slot of an instance as if it were in tags of its own. What else is there is kept for its number. */
export function slotOf(id: string, { tags }: ScalingGroup): Tags {
  const mark = `${MARK}${id}`;
  const named = (key: string): string =>
    key.startsWith(`${mark}-`) ? `${OURS}${key.slice(mark.length + 1)}` : `other:${key}`;
  const entries = Object.entries(tags).map(([key, value]): [string, string] => [named(key), value]);
  return { [`other:${mark}`]: '', ...Object.fromEntries(entries) };
}

function tagsOf(id: string, instance: LiveInstance | undefined, group: ScalingGroup | undefined): Tags {
  const slot = group === undefined ? {} : slotOf(id, group);
  const isHeld = instance !== undefined && Object.hasOwn(instance.tags, FAULT) && !Object.hasOwn(slot, FAULT);
  return isHeld ? { ...instance.tags, ...slot } : slot;
}

/** A patch of the slot as one of the group's tags; the mark comes with the first of them, and goes with the last. */
function onGroup(id: string, patch: TagPatch, { tags }: ScalingGroup): TagPatch {
  const mark = `${MARK}${id}`;
  const there = (key: string): string => `${mark}-${key.slice(OURS.length)}`;
  const mapped = Object.fromEntries(Object.entries(patch).map(([key, value]) => [there(key), value]));
  const kept = Object.keys(tags).filter((key) => key.startsWith(`${mark}-`) && mapped[key] !== null);
  const isUsed = kept.length > 0 || Object.values(mapped).some((value) => value !== null);
  return { ...mapped, [mark]: isUsed ? 'slot' : null };
}
