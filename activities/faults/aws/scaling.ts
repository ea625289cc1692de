/**
 * Auto Scaling groups with their instances, for faults of an instance that its group would replace.
 *
 * Owns what is read of them, and the marks of ours that are no slot of the group's own. What is read of a group as a target is in
 * `groups.ts`.
 */
import type { AutoScalingGroup, DescribeAutoScalingGroupsCommandInput } from '@aws-sdk/client-auto-scaling';
import type { RegionClients } from '../../aws/cloud.ts';
import { groups } from './groups.ts';
import { perRegion } from './per-region.ts';
import { readTogether, tagsOf } from './tagged.ts';
import type { TagPatch, Tags } from './tag-slot.ts';

/** The most names, or keys of tags, of one request. */
const NAMES_MAX = 50;
const PAGE = 100;
const PAGES_MAX = 100;

/** An instance as its group sees it. */
export interface Member {
  /** `InService`, `Standby`, `Terminating:Wait`. */
  readonly lifecycle: string;
  readonly isHealthy: boolean;
  readonly zone: string | undefined;
  /** Whether the group may not terminate it when it shrinks. */
  readonly isProtected: boolean;
}

/** A group as it was read. */
export interface ScalingGroup {
  readonly name: string;
  /** The UUID in its ARN: a name may be given again. */
  readonly uid: string;
  readonly tags: Tags;
  /** How many instances it should have. */
  readonly desired: number;
  /** Processes that somebody has suspended: `Launch`, `AZRebalance`. */
  readonly suspended: readonly string[];
  readonly members: ReadonlyMap<string, Member>;
  /** ARNs of the target groups that its instances are registered in. */
  readonly targetGroups: readonly string[];
}

const readByName = perRegion((clients) =>
  readTogether(async (names) => {
    const found = new Map<string, ScalingGroup>();
    for (let i = 0; i < names.length; i += NAMES_MAX)
      for await (const group of described(clients, { AutoScalingGroupNames: names.slice(i, i + NAMES_MAX) }))
        found.set(group.name, group);
    return found;
  }),
);

/** The group of this name; undefined where it is gone, or being deleted. */
export function scalingGroup(name: string, clients: RegionClients): Promise<ScalingGroup | undefined> {
  return readByName(clients)(name);
}

const readByKey = perRegion((clients) =>
  readTogether(async (keys) => {
    const found = new Map<string, readonly ScalingGroup[]>();
    for (let i = 0; i < keys.length; i += NAMES_MAX) {
      const Values = keys.slice(i, i + NAMES_MAX);
      for await (const group of described(clients, { Filters: [{ Name: 'tag-key', Values }] }))
        for (const key of Values)
          if (Object.hasOwn(group.tags, key)) found.set(key, [...(found.get(key) ?? []), group]);
    }
    return found;
  }),
);

/** The groups that have a tag of this very key: the filters of Auto Scaling know no patterns. */
export async function groupsTagged(key: string, clients: RegionClients): Promise<readonly ScalingGroup[]> {
  return (await readByKey(clients)(key)) ?? [];
}

/** All groups of a region. */
export function everyGroup(clients: RegionClients): AsyncGenerator<ScalingGroup> {
  return described(clients, {});
}

const opened = perRegion((clients) => groups.open(clients));

/** Writes tags of a group, which its instances do not get. */
export function tagGroup(name: string, patch: TagPatch, clients: RegionClients): Promise<void> {
  return opened(clients).write({ region: clients.region, kind: 'group', name }, patch);
}

async function* described(
  { autoScaling }: RegionClients,
  asked: DescribeAutoScalingGroupsCommandInput,
): AsyncGenerator<ScalingGroup> {
  const client = await autoScaling();
  let token: string | undefined;
  for (let pages = 0; pages < PAGES_MAX; pages += 1) {
    const page = await client.describeAutoScalingGroups({ ...asked, MaxRecords: PAGE, NextToken: token });
    for (const listed of page.AutoScalingGroups ?? []) {
      const group = parsed(listed);
      if (group !== undefined) yield group;
    }
    token = page.NextToken;
    if (!token) return;
  }
  throw new Error(
    `there are more than ${PAGES_MAX * PAGE} Auto Scaling groups, which are too many to be looked through`,
  );
}

function parsed(group: AutoScalingGroup): ScalingGroup | undefined {
  const { AutoScalingGroupName: name, AutoScalingGroupARN: arn = '', DesiredCapacity: desired, Status } = group;
  const uid = /:autoScalingGroup:([^:]+):/.exec(arn)?.[1];
  // Its status is told only while it is being deleted.
  if (name === undefined || uid === undefined || Status !== undefined) return undefined;
  if (desired === undefined)
    throw new Error(`AWS does not say how many instances the Auto Scaling group ${name} should have`);
  const traffic = (group.TrafficSources ?? []).filter(({ Type }) => Type === undefined || Type === 'elbv2');
  return {
    name,
    uid,
    tags: tagsOf(group.Tags),
    desired,
    suspended: (group.SuspendedProcesses ?? []).flatMap(({ ProcessName }) => ProcessName ?? []),
    members: new Map((group.Instances ?? []).map((instance) => [instance.InstanceId ?? '', member(instance)])),
    targetGroups: [
      ...new Set([
        ...(group.TargetGroupARNs ?? []),
        ...traffic.flatMap(({ Identifier }) => (Identifier?.includes(':targetgroup/') ? [Identifier] : [])),
      ]),
    ],
  };
}

function member(instance: NonNullable<AutoScalingGroup['Instances']>[number]): Member {
  return {
    lifecycle: instance.LifecycleState ?? 'unknown',
    isHealthy: instance.HealthStatus?.toLowerCase() === 'healthy',
    zone: instance.AvailabilityZone,
    isProtected: instance.ProtectedFromScaleIn !== false,
  };
}

/** Whether the group counts on it. */
export function isServing(member: Member | undefined): boolean {
  return member?.lifecycle === 'InService' && member.isHealthy;
}
