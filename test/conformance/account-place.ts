/**
 * An account as the place of a step matrix.
 *
 * Owns how it is looked there, past the shim that drivers must go through. Records are found by their tags, as a sweep finds them;
 * harm is seen by each lab's own observer.
 */
import assert from 'node:assert/strict';
import { tryDrivers } from '../../activities/faults/registry.ts';
import { parseAwsTarget, AWS_KINDS } from '../../activities/faults/aws/target.ts';
import { OWNED_BY } from '../../activities/faults/aws/own-tags.ts';
import type { FaultDriver } from '../../activities/faults/driver.ts';
import type { Account } from '../aws/account.ts';
import { until } from '../until.ts';
import type { Place } from './driver-matrix.ts';

/** How long an observer waits for an answer, in milliseconds. */
const PATIENT_MS = 60_000;

/** An account in which a matrix is played. */
export interface AccountPlace extends Place {
  readonly account: Account;
}

/** Closes the account with itself. */
export async function accountPlace(account: Account): Promise<AccountPlace> {
  const settings = { aws: { ...account.settings, endpoint: account.moto.url, requestTimeout: PATIENT_MS } };
  const site = { name: 'torture', installation: 'matrix', stateDir: '', settings };
  const drivers = (await tryDrivers(site)).filter(
    (driver): driver is FaultDriver<unknown> => !(driver instanceof Error) && driver.kind.startsWith('aws/'),
  );
  return {
    account,
    provider: 'aws',
    section: { ...account.settings, requestTimeout: `${account.settings.requestTimeout}ms` },
    selector(target) {
      const { kind, name } = parseAwsTarget(target, AWS_KINDS);
      return { kind, ids: [name] };
    },
    async left(target) {
      const found = await Promise.all(drivers.map(async (driver) => Array.fromAsync(driver.leftovers())));
      return found.flat().flatMap(({ fault }) => (fault.target === target ? [`a record of ${fault.id}`] : []));
    },
    async empty() {
      const ec2 = await account.observe.ec2();
      await until(async () => {
        // Whoever sweeps clears away what the last revert could not.
        for (const driver of drivers) await Array.fromAsync(driver.leftovers());
        const Filters = [{ Name: 'tag-key', Values: [OWNED_BY] }];
        const { NetworkAcls = [] } = await ec2.describeNetworkAcls({ Filters });
        const { SecurityGroups = [] } = await ec2.describeSecurityGroups({ Filters });
        return NetworkAcls.length + SecurityGroups.length === 0;
      });
      for (const driver of drivers) assert.deepEqual(await Array.fromAsync(driver.leftovers()), [], driver.kind);
    },
    close: () => account.close(),
  };
}
