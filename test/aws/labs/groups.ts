/** Auto Scaling groups for labs, and their instance refreshes, which moto knows nothing of: the shim says which there are. */
import type { AutoScalingGroup } from '@aws-sdk/client-auto-scaling';
import { awsTargetId } from '../../../activities/faults/aws/target.ts';
import type { Account } from '../account.ts';
import type { Answer, Shim } from '../shim.ts';

/** A group that is in `account`. */
export interface LabGroup {
  readonly id: string;
  readonly name: string;
  /** As it is, past the shim; undefined where it is gone. */
  readonly read: () => Promise<AutoScalingGroup | undefined>;
  /** What somebody else changes of it. */
  readonly update: (change: Readonly<Record<string, unknown>>) => Promise<void>;
  readonly remove: () => Promise<void>;
}

/** A group of three instances, in every zone, and of at least two. */
export async function labGroup(account: Account): Promise<LabGroup> {
  const { name } = await account.group();
  const group = await groupNamed(account, name);
  await group.update({ MinSize: 2 });
  return group;
}

/** The group of this name. */
export async function groupNamed(account: Account, name: string): Promise<LabGroup> {
  const autoScaling = await account.observe.autoScaling();
  const read: LabGroup['read'] = async () => {
    const { AutoScalingGroups } = await autoScaling.describeAutoScalingGroups({ AutoScalingGroupNames: [name] });
    return AutoScalingGroups?.[0];
  };
  const [, uid = ''] = /:autoScalingGroup:([^:]+):/.exec((await read())?.AutoScalingGroupARN ?? '') ?? [];
  return {
    id: awsTargetId({ region: account.region, kind: 'group', name, uid }),
    name,
    read,
    update: async (change) =>
      void (await autoScaling.updateAutoScalingGroup({ AutoScalingGroupName: name, ...change })),
    remove: async () =>
      void (await autoScaling.deleteAutoScalingGroup({ AutoScalingGroupName: name, ForceDelete: true })),
  };
}

/** Answers for moto that a group has one refresh, of the state that is said by its name, or none. */
export function tellRefreshes(shim: Shim, states: ReadonlyMap<string, string> = new Map()): void {
  shim.before('autoscaling:DescribeInstanceRefreshes', ({ params }): Answer => {
    const state = states.get(String(params['AutoScalingGroupName']));
    const member =
      state === undefined ? '' : `<member><InstanceRefreshId>r</InstanceRefreshId><Status>${state}</Status></member>`;
    return {
      status: 200,
      headers: { 'content-type': 'text/xml' },
      body: `<DescribeInstanceRefreshesResponse xmlns="http://autoscaling.amazonaws.com/doc/2011-01-01/"><DescribeInstanceRefreshesResult><InstanceRefreshes>${member}</InstanceRefreshes></DescribeInstanceRefreshesResult></DescribeInstanceRefreshesResponse>`,
    };
  });
}
