/**
 * Auto Scaling groups, as resources with a slot in their tags.
 *
 * Owns what is read of them. One that is being deleted is gone, and so is one whose name was given to another: the UUID in its ARN
 * tells. Its tags are never given to the instances that it starts.
 */
import type { AutoScaling, AutoScalingGroup } from '@aws-sdk/client-auto-scaling';
import type { RegionClients } from '../../aws/cloud.ts';
import type { Permission } from '../driver.ts';
import { onceTogether } from './once-together.ts';
import { unlessMissing } from './passing.ts';
import type { Tags } from './tag-slot.ts';
import { halves, readTogether, tagsOf } from './tagged.ts';
import type { TagPatch } from './tag-slot.ts';
import type { TaggedKind, TaggedRegion } from './tagged.ts';
import type { Looking } from './tagged-site.ts';

/** The most names of one request: https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeAutoScalingGroups.html */
const NAMES_MAX = 50;
/** The most groups of a page, and the most pages: AWS allows 500 groups in a region unless asked for more. */
const PAGE = 100;
const PAGES_MAX = 100;
/** Groups whose tags are written by one request. */
const TAGGED_MAX = 25;
const TYPE = 'auto-scaling-group';

/** A group as it was read. */
export interface LiveGroup {
  readonly name: string;
  readonly tags: Tags;
  readonly minSize: number;
  readonly maxSize: number;
  /** How many instances it should have. */
  readonly desired: number;
  /** Where it starts instances; empty where it says only zones. */
  readonly subnets: readonly string[];
  readonly zones: readonly string[];
  /** Processes that somebody has suspended: `Launch`, `AZRebalance`. */
  readonly suspended: readonly string[];
}

/** What groups are read and marked with. */
export const GROUPS_MARKED: Permission = {
  needs: 'to look at Auto Scaling groups, and to tag them',
  actions: [
    { actions: ['autoscaling:DescribeAutoScalingGroups', 'autoscaling:DescribeInstanceRefreshes'] },
    {
      actions: ['autoscaling:CreateOrUpdateTags', 'autoscaling:DeleteTags'],
      resources: ['autoscaling:autoScalingGroup:*:autoScalingGroupName/*'],
    },
  ],
};

/** What groups are changed with. */
export const GROUPS_CHANGED: Permission = {
  needs: 'to change Auto Scaling groups, and to change them back',
  actions: [
    {
      actions: ['autoscaling:UpdateAutoScalingGroup'],
      resources: ['autoscaling:autoScalingGroup:*:autoScalingGroupName/*'],
    },
  ],
};

export const groups: TaggedKind<LiveGroup> = { kind: 'group', open: openGroups };

function openGroups({ region, autoScaling }: RegionClients): TaggedRegion<LiveGroup> {
  const readByName = readTogether(async (names) => {
    const found = new Map<string, Identified>();
    for (let i = 0; i < names.length; i += NAMES_MAX)
      for await (const group of described(await autoScaling(), names.slice(i, i + NAMES_MAX)))
        found.set(group.live.name, group);
    return found;
  });
  const write = onceTogether<TagPatch>(async (names, patch) => {
    for (let i = 0; i < names.length; i += TAGGED_MAX)
      await written(await autoScaling(), names.slice(i, i + TAGGED_MAX), patch);
  });
  return {
    async read({ name, uid }) {
      const found = await readByName(name);
      return found === undefined || (uid !== undefined && uid !== found.uid) ? undefined : found.live;
    },
    write: ({ name }, patch) => write(name, patch).catch(unlessMissing),
    async *marked() {
      // Its filters know no patterns, and every fence has a key of its own.
      for await (const { live, uid } of described(await autoScaling()))
        if (Object.keys(live.tags).some((key) => key.startsWith('squall:')))
          yield { target: { region, kind: 'group', name: live.name, uid }, live };
    },
  };
}

/** A group, and what tells it apart from another one of its name. */
interface Identified {
  readonly live: LiveGroup;
  readonly uid: string;
}

async function* described(client: AutoScaling, names?: readonly string[]): AsyncGenerator<Identified> {
  let token: string | undefined;
  const asked = { ...(names && { AutoScalingGroupNames: [...names] }), MaxRecords: PAGE, IncludeInstances: false };
  for (let pages = 0; pages < PAGES_MAX; pages += 1) {
    const page = await client.describeAutoScalingGroups({ ...asked, NextToken: token });
    for (const group of page.AutoScalingGroups ?? []) {
      const found = parsed(group);
      if (found !== undefined) yield found;
    }
    token = page.NextToken;
    if (!token) return;
  }
  throw new Error(
    `there are more than ${PAGES_MAX * PAGE} Auto Scaling groups: nobody can say which of them Squall has changed`,
  );
}

function parsed(group: AutoScalingGroup): Identified | undefined {
  const {
    AutoScalingGroupName: name,
    AutoScalingGroupARN: arn = '',
    MinSize,
    MaxSize,
    DesiredCapacity,
    Status,
  } = group;
  const uid = /:autoScalingGroup:([^:]+):/.exec(arn)?.[1];
  // Its status is told only while it is being deleted.
  if (name === undefined || uid === undefined || Status !== undefined) return undefined;
  if (MinSize === undefined || MaxSize === undefined || DesiredCapacity === undefined)
    throw new Error(`AWS does not say how many instances the Auto Scaling group ${name} may have, and should`);
  const live = {
    name,
    tags: tagsOf(group.Tags),
    minSize: MinSize,
    maxSize: MaxSize,
    desired: DesiredCapacity,
    subnets: (group.VPCZoneIdentifier ?? '').split(',').flatMap((id) => id.trim() || []),
    zones: group.AvailabilityZones ?? [],
    suspended: (group.SuspendedProcesses ?? []).flatMap(({ ProcessName }) => ProcessName ?? []),
  };
  return { live, uid };
}

async function written(client: AutoScaling, names: readonly string[], patch: TagPatch): Promise<void> {
  const { set, removed } = halves(patch);
  const of = (ResourceId: string): { ResourceId: string; ResourceType: string } => ({ ResourceId, ResourceType: TYPE });
  const tags = names.flatMap((name) => set.map((tag) => ({ ...of(name), ...tag, PropagateAtLaunch: false })));
  if (tags.length > 0) await client.createOrUpdateTags({ Tags: tags });
  const keys = names.flatMap((name) => removed.map((Key) => ({ ...of(name), Key })));
  if (keys.length > 0) await client.deleteTags({ Tags: keys });
}

/** An instance refresh that is in one of these states is over. */
const FINAL = new Set(['Successful', 'Failed', 'Cancelled', 'RollbackSuccessful', 'RollbackFailed']);
/** Pages of the refreshes of six weeks that are looked through. */
const REFRESH_PAGES_MAX = 10;

/** Why a group should be left alone now, whatever is to be changed of it; undefined where it may be. */
export async function busy({ name, suspended }: LiveGroup, { clients }: Looking): Promise<string | undefined> {
  const process = ['Launch', 'Terminate'].find((one) => suspended.includes(one));
  if (process !== undefined)
    return `its process ${process} is suspended: it would not come to what is asked for, or not back`;
  const client = await clients.autoScaling();
  let token: string | undefined;
  for (let pages = 0; pages < REFRESH_PAGES_MAX; pages += 1) {
    const page = await client.describeInstanceRefreshes({
      AutoScalingGroupName: name,
      MaxRecords: 100,
      NextToken: token,
    });
    const going = page.InstanceRefreshes?.find(({ Status = 'in an unknown state' }) => !FINAL.has(Status));
    if (going !== undefined) return `an instance refresh of it is ${going.Status ?? 'in an unknown state'}`;
    token = page.NextToken;
    if (!token) return undefined;
  }
  return 'it has had too many instance refreshes to see whether one is in progress';
}
