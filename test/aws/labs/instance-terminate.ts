/**
 * Instances that are terminated, each in an Auto Scaling group of its own, for the conformance of `aws/instance-terminate`.
 *
 * moto replaces what was terminated in the same moment. A replacement counts only once the group was waited for.
 */
import type { Lab } from '../../../activities/faults/conformance.ts';
import { awsTargetId } from '../../../activities/faults/aws/target.ts';
import { until } from '../../until.ts';
import { zonesOf } from '../account.ts';
import type { Account } from '../account.ts';
import { servingIn } from './members.ts';

const SIZE = 3;

export async function openInstanceTerminateLab(account: Account): Promise<Lab> {
  const { observe, region } = account;
  const [ec2, autoScaling] = [await observe.ec2(), await observe.autoScaling()];
  return {
    driver: new URL('../../../activities/faults/aws/instance-terminate.ts', import.meta.url),
    params: {},
    settings: { aws: account.settings },
    async target() {
      // In one zone: the last one of a zone is nobody's target.
      const group = await account.group({ size: SIZE, zones: zonesOf(account.network).slice(0, 1) });
      const targetGroup = await account.targetGroup();
      const attached = { AutoScalingGroupName: group.name, TargetGroupARNs: [targetGroup] };
      await autoScaling.attachLoadBalancerTargetGroups(attached);
      let known = group.instances;
      const [name = ''] = known;
      return {
        id: awsTargetId({ region, kind: 'instance', name }),
        async harmed() {
          const serving = await servingIn(group.name, observe);
          return known.filter((one) => serving.includes(one)).length < SIZE;
        },
        remove: async () => void (await ec2.terminateInstances({ InstanceIds: [name] })),
        heal: () =>
          until(async () => {
            // moto registers instances that a group starts with its target groups only when one is attached.
            await autoScaling.attachLoadBalancerTargetGroups(attached);
            known = await servingIn(group.name, observe);
            return known.length === SIZE;
          }),
      };
    },
  };
}
