/**
 * Auto Scaling groups that are kept from replacing instances which are to come back.
 *
 * Owns the processes that are suspended for it, by any number of faults at once, whoever's they are. The group's tag says which of them
 * were suspended by Squall; each instance for which they are has a tag of its own, which goes with it: a group has room for fifty
 * tags, and may have more instances. Whoever is the last to let go resumes them. What somebody else had suspended stays so.
 *
 * The instance's tag is written first, then the group's, then the processes are suspended; it is taken away before anybody asks who
 * else needs them. Who finds processes resumed, or the group's tag gone, which somebody did who let go in the same moment, does it again.
 */
import { z } from 'zod';
import type { RegionClients } from '../../aws/cloud.ts';
import { pause } from '../../pause.ts';
import { slownessMs } from '../../targets/aws-settings.ts';
import { ec2Tags } from './ec2-tags.ts';
import { describedInstances } from './instances.ts';
import type { LiveInstance } from './instances.ts';
import { onceTogether } from './once-together.ts';
import { groupsTagged, scalingGroup, tagGroup } from './scaling.ts';
import type { ScalingGroup } from './scaling.ts';
import { FAULT } from './tag-slot.ts';
import type { TagPatch } from './tag-slot.ts';
import { readTogether } from './tagged.ts';
import type { Acting } from './tagged-fault.ts';
import type { Looking } from './tagged-site.ts';

/** The processes by which a group finds a stopped instance unhealthy, replaces it, or moves it to another zone. */
const REPLACING = ['HealthCheck', 'ReplaceUnhealthy', 'AZRebalance'] as const;

/** Of a group: the processes that were suspended by Squall. */
export const SUSPENDED = 'squall:suspended';
/** Of an instance: the UUID of the group whose processes are suspended for it. */
export const SUSPENDS = 'squall:suspends';

/** How often it is looked whether what was done is to be seen. */
const LOOKS = 5;
/** A group is held for nobody only after so many looks, over a time in which what is listed becomes what is. */
const LOOKS_APART = 4;
/** Between two of these, as a share of the longest request, and in milliseconds at most. */
const AGAIN = 0.5;
const AGAIN_MS_MAX = 5_000;

/** The group of an instance, for the record. */
export const heldGroup = z.object({
  name: z.string(),
  uid: z.string(),
  /** What of {@link REPLACING} nobody but Squall has suspended. */
  processes: z.array(z.string()),
});
export type HeldGroup = z.infer<typeof heldGroup>;

/** As it is before it is held. */
export function heldOf(group: ScalingGroup): HeldGroup {
  const ours = oursOf(group);
  const processes = REPLACING.filter((one) => !group.suspended.includes(one) || ours.has(one));
  return { name: group.name, uid: group.uid, processes };
}

/** Groups of one region that are kept from replacing instances. */
export interface Replacing {
  /** Whether the group replaces nobody for as long as the instance needs that, and this is written down. */
  isSuspended(live: LiveInstance, held: HeldGroup): Promise<boolean>;
  /** Makes it so, or what is left of it; false where the fault does not hold its instance any more. */
  suspend(live: LiveInstance, held: HeldGroup, acting: Pick<Acting<unknown>, 'holds'>): Promise<boolean>;
  /** The instance needs it no more; false where it is not to be seen yet what has become of the group. */
  letGo(live: LiveInstance, held: HeldGroup): Promise<boolean>;
  /** Lets go for all instances that are gone, or have no fault of `kind` any more. */
  tidy(kind: string): Promise<void>;
}

const opened = new WeakMap<RegionClients, Replacing>();

/** Those of the region that is looked at. */
export function replacing(looking: Looking): Replacing {
  const found = opened.get(looking.clients) ?? open(looking);
  opened.set(looking.clients, found);
  return found;
}

/** The requests, each one for all who ask for it in the same moment. */
function requests({ clients, once }: Looking) {
  const eachGroup =
    <What>(act: (name: string, what: What) => Promise<unknown>) =>
    (names: readonly string[], what: What): Promise<unknown> =>
      Promise.all(names.map((name) => act(name, what)));
  return {
    markInstance: ec2Tags(() => once.ec2()),
    markGroup: onceTogether(eachGroup((name, patch: TagPatch) => tagGroup(name, patch, once))),
    suspend: onceTogether(
      eachGroup(async (AutoScalingGroupName, processes: readonly string[]) =>
        (await once.autoScaling()).suspendProcesses({ AutoScalingGroupName, ScalingProcesses: [...processes] }),
      ),
    ),
    resume: onceTogether(
      eachGroup(async (AutoScalingGroupName, processes: readonly string[]) =>
        (await once.autoScaling()).resumeProcesses({ AutoScalingGroupName, ScalingProcesses: [...processes] }),
      ),
    ),
    /** The instances for which a group is held, by its UUID. */
    holdersOf: readTogether(async (uids) => {
      const found = new Map<string, readonly string[]>();
      const filters = [{ Name: `tag:${SUSPENDS}`, Values: [...uids] }];
      for await (const { id, tags } of describedInstances(await clients.ec2(), filters)) {
        const uid = tags[SUSPENDS] ?? '';
        found.set(uid, [...(found.get(uid) ?? []), id]);
      }
      return found;
    }),
  };
}

function open(looking: Looking): Replacing {
  const { clients } = looking;
  const { markInstance, markGroup, suspend, resume, holdersOf } = requests(looking);

  /** Resumes what is suspended for nobody any more, but for `leaving`, who has gone; false where that is not to be seen yet. */
  const release = async (at: Pick<HeldGroup, 'name' | 'uid'>, leaving?: string): Promise<boolean> => {
    for (let looks = 0; looks < LOOKS; looks += 1) {
      const group = await liveOf(at, clients);
      if (group?.tags[SUSPENDED] === undefined) return true;
      const holders = (await holdersOf(group.uid)) ?? [];
      if (holders.some((id) => id !== leaving)) return true;
      const ours = group.suspended.filter((one) => oursOf(group).has(one));
      if (ours.length > 0) await resume(group.name, ours);
      else await markGroup(group.name, { [SUSPENDED]: null });
    }
    return false;
  };

  /** Faults whose instances go in one moment need one look. */
  const tidy = readTogether<never>(async (kinds) => {
    const marked = [{ Name: 'tag-key', Values: [SUSPENDS] }];
    for await (const { id, tags } of describedInstances(await clients.ec2(), marked))
      if (!kinds.includes(tags[FAULT] ?? '')) await markInstance(id, { [SUSPENDS]: null });
    const held = await groupsTagged(SUSPENDED, clients);
    await Promise.all(
      held.map(async (group) => (await isForNobody(() => holdersOf(group.uid), looking)) && release(group)),
    );
    return new Map<string, never>();
  });

  return {
    async isSuspended({ tags }, held) {
      const group = await liveOf(held, clients);
      if (group === undefined) return true;
      const ours = oursOf(group);
      const isWritten = tags[SUSPENDS] === held.uid && held.processes.every((one) => ours.has(one));
      return isWritten && REPLACING.every((one) => group.suspended.includes(one));
    },
    async suspend({ id, tags }, held, acting) {
      if (!(await acting.holds())) return false;
      if (tags[SUSPENDS] !== held.uid) await markInstance(id, { [SUSPENDS]: held.uid });
      const group = await liveOf(held, clients);
      if (group === undefined) return true;
      const missing = REPLACING.filter((one) => !group.suspended.includes(one));
      const ours = oursOf(group);
      // Only ever more: what was read may be older than what another fault has written.
      const all = ours.union(new Set([...held.processes, ...missing]));
      if (all.size > ours.size) {
        if (!(await acting.holds())) return false;
        await markGroup(group.name, { [SUSPENDED]: worded(all) });
      }
      if (missing.length > 0) {
        if (!(await acting.holds())) return false;
        await suspend(group.name, missing);
      }
      return true;
    },
    async letGo({ id, tags }, held) {
      if (tags[SUSPENDS] === undefined) return release(held);
      const group = await liveOf(held, clients);
      if (group !== undefined) {
        const ours = oursOf(group);
        const untold = held.processes.filter((one) => group.suspended.includes(one) && !ours.has(one));
        if (untold.length > 0) await markGroup(group.name, { [SUSPENDED]: worded(ours.union(new Set(untold))) });
      }
      await markInstance(id, { [SUSPENDS]: null });
      await release(held, id);
      // Two who let go in one moment may each have seen the other: it is looked at once more.
      return false;
    },
    tidy: async (kind) => void (await tidy(kind)),
  };
}

/** Whether nobody is said to hold a group, over a while. */
async function isForNobody(
  holders: () => Promise<readonly string[] | undefined>,
  { settings }: Pick<Looking, 'settings'>,
): Promise<boolean> {
  for (let looks = 1; ; looks += 1) {
    if (((await holders()) ?? []).length > 0) return false;
    if (looks === LOOKS_APART) return true;
    await pause(Math.min(AGAIN_MS_MAX, slownessMs(settings) * AGAIN), new AbortController().signal);
  }
}

/** The very group, as it is now. */
async function liveOf(
  { name, uid }: Pick<HeldGroup, 'name' | 'uid'>,
  clients: RegionClients,
): Promise<ScalingGroup | undefined> {
  const group = await scalingGroup(name, clients);
  return group?.uid === uid ? group : undefined;
}

function oursOf({ tags }: ScalingGroup): ReadonlySet<string> {
  return new Set((tags[SUSPENDED] ?? '').split(' ').filter((word) => word !== ''));
}

/** In the same order, whoever writes it. */
function worded(processes: ReadonlySet<string>): string {
  return [...processes].toSorted().join(' ');
}
