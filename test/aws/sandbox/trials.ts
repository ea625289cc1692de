/**
 * The faults that a sandbox is put to, and how each is seen without its driver.
 *
 * Owns what harm looks like, and what its end does.
 */
import { driver as asgScale } from '../../../activities/faults/aws/asg-scale.ts';
import { driver as asgZoneRemoval } from '../../../activities/faults/aws/asg-zone-removal.ts';
import { driver as azOutage } from '../../../activities/faults/aws/az-outage.ts';
import { driver as instanceCpu } from '../../../activities/faults/aws/instance-cpu.ts';
import { driver as instanceStop } from '../../../activities/faults/aws/instance-stop.ts';
import { driver as isolate } from '../../../activities/faults/aws/security-group-isolate.ts';
import { awsTargetId } from '../../../activities/faults/aws/target.ts';
import type { AwsKind } from '../../../activities/faults/aws/target.ts';
import type { DriverFactory } from '../../../activities/faults/driver.ts';
import { servingIn } from './looks.ts';
import type { Looks } from './looks.ts';
import { GROUP_SIZE } from './place.ts';
import type { Place } from './place.ts';

/** A fault that is put on, seen, taken off, and seen to be off. */
export interface Trial {
  readonly driver: DriverFactory;
  /** For people. */
  readonly of: string;
  readonly target: string;
  readonly params: unknown;
  /** Whether the harm is there, whole. */
  readonly isHarmed: () => Promise<boolean>;
  /** Whether all is as it was. */
  readonly isWhole: () => Promise<boolean>;
}

/** What is harmful for a processor, and how busy one is that nobody harms, in percent. */
const BURDEN = 80;
const BUSY = 60;
const CALM = 40;

/** In the order in which they are run, one at a time: some look at what is left elsewhere. */
export async function trialsOf(place: Place, looks: Looks, region: string, withAgents: boolean): Promise<Trial[]> {
  const { instances, subnets, group } = place;
  const id = (kind: AwsKind, name: string): string => awsTargetId({ region, kind, name });
  const [first, second] = instances;
  const [member = ''] = await looks.serving(group);
  const cpu: Trial = {
    ...{ driver: instanceCpu, of: 'an instance', target: id('instance', first), params: { percent: BURDEN } },
    isHarmed: async () => ((await looks.busyOf(first)) ?? 0) > BUSY,
    isWhole: async () => ((await looks.busyOf(first)) ?? 100) < CALM,
  };
  return [
    {
      ...{ driver: instanceStop, of: 'an instance', target: id('instance', first), params: {} },
      isHarmed: async () => (await looks.instance(first)).state === 'stopped',
      isWhole: async () => (await looks.instance(first)).isSound,
    },
    memberStopped(member, group, looks, id('instance', member)),
    {
      ...{ driver: isolate, of: 'an instance', target: id('instance', second), params: {} },
      async isHarmed() {
        const groups = await looks.securityGroupsOf(second);
        const allows = groups.some(({ IpPermissions, IpPermissionsEgress }) =>
          [IpPermissions, IpPermissionsEgress].some((rules) => (rules?.length ?? 0) > 0),
        );
        return groups.length > 0 && !allows;
      },
      async isWhole() {
        const ids = (await looks.securityGroupsOf(second)).map(({ GroupId }) => GroupId);
        return ids.join() === place.securityGroup && (await looks.madeIn(place.vpc)) === 0;
      },
    },
    {
      ...{ driver: azOutage, of: 'a subnet', target: id('subnet', subnets[0].id), params: {} },
      async isHarmed() {
        const { Entries = [] } = (await looks.aclOf(subnets[0].id)) ?? {};
        return Entries.length > 0 && Entries.every(({ RuleAction }) => RuleAction === 'deny');
      },
      async isWhole() {
        const acl = await looks.aclOf(subnets[0].id);
        return acl?.NetworkAclId === place.acl && (await looks.madeIn(place.vpc)) === 0;
      },
    },
    ...(withAgents ? [cpu] : []),
    ...ofGroup(place, looks),
  ];
}

/** It must be the same one that comes back, and its group must go on as it did. */
function memberStopped(member: string, group: string, looks: Looks, target: string): Trial {
  const suspended = async (): Promise<number> => (await looks.group(group))?.SuspendedProcesses?.length ?? 0;
  return {
    ...{ driver: instanceStop, of: 'an instance of a group', target, params: {} },
    isHarmed: async () => (await looks.instance(member)).state === 'stopped' && (await suspended()) === 3,
    async isWhole() {
      const isThere = (await looks.serving(group)).includes(member) && (await looks.instance(member)).isSound;
      return isThere && (await suspended()) === 0;
    },
  };
}

function ofGroup({ group, groupTarget, subnets }: Place, looks: Looks): Trial[] {
  const sizes = async (): Promise<string> => {
    const now = await looks.group(group);
    return [now?.MinSize, now?.DesiredCapacity, servingIn(now).length].join();
  };
  const all = (size: number): string => [size, size, size].join();
  const lists = async (): Promise<string[]> =>
    ((await looks.group(group))?.VPCZoneIdentifier ?? '').split(',').toSorted();
  return [
    {
      ...{ driver: asgScale, of: 'a group', target: groupTarget, params: { to: GROUP_SIZE - 1 } },
      isHarmed: async () => (await sizes()) === all(GROUP_SIZE - 1),
      isWhole: async () => (await sizes()) === all(GROUP_SIZE),
    },
    {
      ...{ driver: asgZoneRemoval, of: 'a group', target: groupTarget, params: { zone: subnets[0].zone } },
      isHarmed: async () => (await lists()).join() === subnets[1].id,
      isWhole: async () =>
        (await lists()).join() ===
        subnets
          .map((one) => one.id)
          .toSorted()
          .join(),
    },
  ];
}
