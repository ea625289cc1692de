/** Instances that are cut off by their security groups, for the conformance of `aws/security-group-isolate`. */
import type { Lab } from '../../../activities/faults/conformance.ts';
import { awsTargetId } from '../../../activities/faults/aws/target.ts';
import type { Account } from '../account.ts';

export async function openIsolateLab(account: Account): Promise<Lab> {
  const ec2 = await account.observe.ec2();
  return {
    driver: new URL('../../../activities/faults/aws/security-group-isolate.ts', import.meta.url),
    params: {},
    settings: { aws: account.settings },
    async target() {
      const name = await account.instance();
      return {
        id: awsTargetId({ region: account.region, kind: 'instance', name }),
        async harmed() {
          const { Reservations } = await ec2.describeInstances({ InstanceIds: [name] });
          const [instance] = Reservations?.[0]?.Instances ?? [];
          if (instance?.State?.Name === 'terminated') return false;
          const groups = instance?.NetworkInterfaces?.flatMap(({ Groups = [] }) => Groups) ?? [];
          return groups.some(({ GroupId }) => GroupId !== account.network.securityGroup);
        },
        remove: async () => void (await ec2.terminateInstances({ InstanceIds: [name] })),
      };
    },
  };
}
