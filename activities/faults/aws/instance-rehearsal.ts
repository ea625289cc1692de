/**
 * What can be known of a change of instances before it is made: a rehearsal, and the protection that instances have.
 *
 * Owns both requests. A rehearsal (`DryRun`) says whether this worker has leave; it lies about capacity, keys of encrypted volumes, and
 * the instance's state.
 */
import type { EC2 } from '@aws-sdk/client-ec2';
import type { RegionClients } from '../../aws/cloud.ts';
import { isDenied, isDryRunPassed, isMissing, wordsOf } from '../../aws/denied.ts';
import { isPassing } from './passing.ts';
import { perRegion } from './per-region.ts';
import { doTogether } from './tagged.ts';

/** What is rehearsed, and as people say it. */
const REHEARSED = {
  stop: (ec2: EC2, InstanceIds: string[]) => ec2.stopInstances({ InstanceIds, DryRun: true }),
  start: (ec2: EC2, InstanceIds: string[]) => ec2.startInstances({ InstanceIds, DryRun: true }),
  terminate: (ec2: EC2, InstanceIds: string[]) => ec2.terminateInstances({ InstanceIds, DryRun: true }),
};
type Deed = keyof typeof REHEARSED;

const rehearse = perRegion(({ ec2 }) =>
  doTogether<Deed>(async (ids, deed) => {
    try {
      await REHEARSED[deed](await ec2(), [...ids]);
    } catch (error) {
      if (!isDryRunPassed(error)) throw error;
    }
  }),
);

/** Why an instance could not be stopped, started or terminated; undefined where it could. Throws where nobody can say. */
export async function whyNotTo(deed: Deed, id: string, clients: RegionClients): Promise<string | undefined> {
  try {
    await rehearse(clients)(id, deed);
    return undefined;
  } catch (error) {
    if (isDenied(error)) return `this worker may not ${deed} it: ${wordsOf(error)}`;
    if (isPassing(error)) throw error;
    return `it cannot be asked to ${deed}: ${wordsOf(error)}`;
  }
}

/** Whether it is protected from being stopped, or terminated, by a request. */
export async function isProtectedFrom(
  deed: 'stop' | 'terminate',
  id: string,
  { ec2 }: RegionClients,
): Promise<boolean> {
  const Attribute = deed === 'stop' ? 'disableApiStop' : 'disableApiTermination';
  try {
    const said = await (await ec2()).describeInstanceAttribute({ InstanceId: id, Attribute });
    const value = deed === 'stop' ? said.DisableApiStop?.Value : said.DisableApiTermination?.Value;
    if (value === undefined) throw new Error(`AWS does not say whether ${id} is protected: ${Attribute} is missing`);
    return value;
  } catch (error) {
    // What is gone is told by whoever reads it next.
    if (isMissing(error)) return false;
    throw error;
  }
}
