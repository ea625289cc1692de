/**
 * Instances that are stopped, each in an Auto Scaling group and a target group of its own, for the conformance of `aws/instance-stop`.
 *
 * Harm is an instance that does not run, and a group that would not replace it afterwards.
 */
import type { Lab } from '../../../activities/faults/conformance.ts';
import { awsTargetId } from '../../../activities/faults/aws/target.ts';
import type { Account } from '../account.ts';
import { stateOf, suspendedOf } from './members.ts';

/** What somebody else has suspended before. */
const SUSPENDED = ['AlarmNotification', 'AZRebalance'];

export async function openInstanceStopLab(account: Account): Promise<Lab> {
  const { observe, region } = account;
  const [ec2, autoScaling] = [await observe.ec2(), await observe.autoScaling()];
  return {
    driver: new URL('../../../activities/faults/aws/instance-stop.ts', import.meta.url),
    params: {},
    // A renewal asks for the group as well.
    shortTtlMs: 4_000,
    settings: { aws: account.settings },
    async target() {
      const group = await account.group({ size: 2 });
      const [name = ''] = group.instances;
      await account.targetGroup(group.instances);
      await autoScaling.suspendProcesses({ AutoScalingGroupName: group.name, ScalingProcesses: SUSPENDED });
      return {
        id: awsTargetId({ region, kind: 'instance', name }),
        async harmed() {
          const state = await stateOf(name, observe);
          const suspended = new Set(await suspendedOf(group.name, observe));
          const others = suspended.symmetricDifference(new Set(SUSPENDED));
          return (state !== 'running' && state !== 'terminated') || others.size > 0;
        },
        remove: async () => void (await ec2.terminateInstances({ InstanceIds: [name] })),
      };
    },
  };
}
