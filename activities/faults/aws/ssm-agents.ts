/**
 * Agents of AWS Systems Manager: which instances have one that answers.
 *
 * Owns what it takes of an agent to be told anything. What Systems Manager says of one may be some minutes old.
 */
import type { InstanceInformation } from '@aws-sdk/client-ssm';
import type { RegionClients } from '../../aws/cloud.ts';
import { perRegion } from './per-region.ts';
import { readTogether } from './tagged.ts';

/** Instances that are asked about at once, which is the most of a page too. */
const PAGE = 50;
const PAGES_MAX = 5;

/** What is known of an instance's agent, by the instance's id; undefined where Systems Manager knows none. Many are asked for together. */
export const agentsIn: (clients: RegionClients) => (name: string) => Promise<InstanceInformation | undefined> =
  perRegion((clients) => readTogether((names) => found(names, clients)));

/** Why an agent cannot be told anything; undefined where it can. */
export function whyAway(agent: InstanceInformation | undefined): string | undefined {
  if (agent === undefined)
    return 'it has no agent of AWS Systems Manager: install one, and give the instance a role that lets it work';
  const { PingStatus = 'Unknown', PlatformType = 'Linux' } = agent;
  if (PingStatus !== 'Online') return `its agent of AWS Systems Manager does not answer: ${PingStatus}`;
  return PlatformType === 'Linux' ? undefined : `it is ${PlatformType}, not Linux`;
}

async function found(
  names: readonly string[],
  clients: RegionClients,
): Promise<ReadonlyMap<string, InstanceInformation>> {
  const known = new Map<string, InstanceInformation>();
  const parts = Array.from({ length: Math.ceil(names.length / PAGE) }, (_, i) => names.slice(i * PAGE, (i + 1) * PAGE));
  await Promise.all(
    parts.map(async (part) => {
      let token: string | undefined;
      for (let pages = 0; pages < PAGES_MAX; pages += 1) {
        const page = await (
          await clients.ssm()
        ).describeInstanceInformation({
          Filters: [{ Key: 'InstanceIds', Values: [...part] }],
          MaxResults: PAGE,
          NextToken: token,
        });
        for (const agent of page.InstanceInformationList ?? [])
          if (agent.InstanceId !== undefined) known.set(agent.InstanceId, agent);
        token = page.NextToken;
        if (!token) break;
      }
    }),
  );
  return known;
}
