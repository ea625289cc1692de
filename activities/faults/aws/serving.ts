/**
 * Whether an instance serves: its status checks, and its health in the target groups of load balancers.
 *
 * Owns how both are read, many at once. Targets by address are not looked at: what is behind an address is no instance's alone.
 */
import type { RegionClients } from '../../aws/cloud.ts';
import { isMissing } from '../../aws/denied.ts';
import { perRegion } from './per-region.ts';
import { readTogether } from './tagged.ts';

/** The most instances of one request: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceStatus.html */
const STATUSES_MAX = 100;
const PAGES_MAX = 100;

const readStatus = perRegion(({ ec2 }) =>
  readTogether(async (ids) => {
    const found = new Map<string, string>();
    const read = async (some: readonly string[]): Promise<void> => {
      try {
        const { InstanceStatuses } = await (await ec2()).describeInstanceStatus({ InstanceIds: [...some] });
        for (const { InstanceId = '', InstanceStatus, SystemStatus } of InstanceStatuses ?? []) {
          const checks = [SystemStatus?.Status ?? 'unknown', InstanceStatus?.Status ?? 'unknown'];
          found.set(InstanceId, checks.find((check) => check !== 'ok') ?? 'ok');
        }
      } catch (error) {
        if (!isMissing(error)) throw error;
        // For one that is gone nothing is said of the others either.
        if (some.length > 1) await Promise.all(some.map((id) => read([id])));
      }
    };
    for (let i = 0; i < ids.length; i += STATUSES_MAX) await read(ids.slice(i, i + STATUSES_MAX));
    return found;
  }),
);

/** What is wrong by the status checks of a running instance; undefined where they pass. */
export async function ailing(id: string, clients: RegionClients): Promise<string | undefined> {
  const status = (await readStatus(clients)(id)) ?? 'unknown';
  return status === 'ok' ? undefined : `its status checks say ${status}`;
}

/** The health of each target, by its id: the worst where it is there on several ports. */
type Health = ReadonlyMap<string, TargetHealth>;

interface TargetHealth {
  /** `healthy`, `initial`, `draining`. */
  readonly state: string;
  /** `Target.NotInUse`; undefined where there is none. */
  readonly reason: string | undefined;
}

const readHealth = perRegion(({ loadBalancing }) =>
  readTogether(async (arns) => {
    const client = await loadBalancing();
    const found = new Map<string, Health>();
    await Promise.all(
      arns.map(async (TargetGroupArn) => {
        try {
          const { TargetHealthDescriptions } = await client.describeTargetHealth({ TargetGroupArn });
          const health = new Map<string, TargetHealth>();
          for (const { Target, TargetHealth: said } of TargetHealthDescriptions ?? []) {
            const id = Target?.Id ?? '';
            const known = health.get(id);
            if (known === undefined || known.state === 'healthy')
              health.set(id, { state: said?.State ?? 'unknown', reason: said?.Reason });
          }
          found.set(TargetGroupArn, health);
        } catch (error) {
          if (!isMissing(error)) throw error;
        }
      }),
    );
    return found;
  }),
);

/** The health of a target group's targets; undefined where the group is gone. */
export function healthIn(arn: string, clients: RegionClients): Promise<Health | undefined> {
  return readHealth(clients)(arn);
}

/** The target groups that instances of a network can be in, by the network. */
const readTargetGroups = perRegion(({ loadBalancing }) =>
  readTogether(async () => {
    const client = await loadBalancing();
    const found = new Map<string, readonly string[]>();
    let marker: string | undefined;
    for (let pages = 0; pages < PAGES_MAX; pages += 1) {
      const page = await client.describeTargetGroups({ PageSize: 400, Marker: marker });
      for (const { TargetGroupArn, TargetType = 'instance', VpcId } of page.TargetGroups ?? [])
        if (TargetGroupArn !== undefined && VpcId !== undefined && TargetType === 'instance')
          found.set(VpcId, [...(found.get(VpcId) ?? []), TargetGroupArn]);
      marker = page.NextMarker;
      if (!marker) return found;
    }
    throw new Error(`there are more than ${PAGES_MAX} pages of target groups: nobody can say in which the instance is`);
  }),
);

/** The target groups in which an instance is healthy. */
export async function servedBy(id: string, vpc: string | undefined, clients: RegionClients): Promise<string[]> {
  const arns = vpc === undefined ? [] : ((await readTargetGroups(clients)(vpc)) ?? []);
  const healthy = await Promise.all(
    arns.map(async (arn) => (await healthIn(arn, clients))?.get(id)?.state === 'healthy'),
  );
  return arns.filter((_, i) => healthy[i]);
}

/** How an instance is in a target group in which it was healthy. `left`: somebody else has seen to it that it is not any more. */
export async function statusIn(
  arn: string,
  id: string,
  clients: RegionClients,
): Promise<{ readonly is: 'healthy' | 'coming' | 'left'; readonly detail: string }> {
  const health = await healthIn(arn, clients);
  const name = arn.split('/').at(-2) ?? arn;
  if (health === undefined) return { is: 'left', detail: `target group ${name} is gone` };
  const { state, reason } = health.get(id) ?? {};
  if (state === 'healthy') return { is: 'healthy', detail: '' };
  if (state === undefined || state === 'draining' || reason === 'Target.NotRegistered')
    return { is: 'left', detail: `somebody else has taken it out of target group ${name}` };
  if (reason === 'Target.NotInUse')
    return { is: 'left', detail: `no load balancer uses target group ${name} any more` };
  return { is: 'coming', detail: `it is ${state} in target group ${name}` };
}
