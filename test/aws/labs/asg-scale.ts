/** Groups that are left one instance of three, for the conformance of `aws/asg-scale`. */
import type { Lab } from '../../../activities/faults/conformance.ts';
import type { Account } from '../account.ts';
import { labGroup, tellRefreshes } from './groups.ts';

export async function openAsgScaleLab(account: Account): Promise<Lab> {
  tellRefreshes(account.shim);
  return {
    driver: new URL('../../../activities/faults/aws/asg-scale.ts', import.meta.url),
    params: { to: 1 },
    settings: { aws: account.settings },
    async target() {
      const { id, read, remove } = await labGroup(account);
      return {
        id,
        async harmed() {
          const group = await read();
          return group !== undefined && (group.DesiredCapacity !== 3 || group.MinSize !== 2 || group.MaxSize !== 6);
        },
        remove,
      };
    },
  };
}
