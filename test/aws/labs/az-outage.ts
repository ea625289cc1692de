/** Subnets that are cut off by their network ACL, for the conformance of `aws/az-outage`. */
import type { Lab } from '../../../activities/faults/conformance.ts';
import { awsTargetId } from '../../../activities/faults/aws/target.ts';
import type { Account } from '../account.ts';
import { Subnets } from '../subnets.ts';

export async function openAzOutageLab(account: Account): Promise<Lab> {
  const network = await Subnets.open(account);
  return {
    driver: new URL('../../../activities/faults/aws/az-outage.ts', import.meta.url),
    // Databases of other labs may be in one zone alone.
    params: { singleZone: 'allow' },
    settings: { aws: account.settings },
    shortTtlMs: 5_000,
    async target() {
      const name = await network.subnet();
      return {
        id: awsTargetId({ region: account.region, kind: 'subnet', name }),
        harmed: async () => (await network.aclOf(name))?.isDenying === true,
        remove: () => network.remove(name),
      };
    },
  };
}
