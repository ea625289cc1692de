/** Groups that lose one zone of three, for the conformance of `aws/asg-zone-removal`. */
import type { Lab } from '../../../activities/faults/conformance.ts';
import { zonesOf } from '../account.ts';
import type { Account } from '../account.ts';
import { labGroup, tellRefreshes } from './groups.ts';

export async function openAsgZoneRemovalLab(account: Account): Promise<Lab> {
  tellRefreshes(account.shim);
  const [zone] = zonesOf(account.network);
  return {
    driver: new URL('../../../activities/faults/aws/asg-zone-removal.ts', import.meta.url),
    params: { zone },
    settings: { aws: account.settings },
    async target() {
      const { id, read, remove } = await labGroup(account);
      const before = (await read())?.VPCZoneIdentifier;
      return {
        id,
        async harmed() {
          const group = await read();
          return group !== undefined && group.VPCZoneIdentifier !== before;
        },
        remove,
      };
    },
  };
}
