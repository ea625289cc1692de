/**
 * Looks at a sandbox, past every driver: by requests of its own.
 *
 * Owns what is true of it.
 */
import type { AutoScalingGroup } from '@aws-sdk/client-auto-scaling';
import type { NetworkAcl, SecurityGroup } from '@aws-sdk/client-ec2';
import type { RegionClients } from '../../../activities/aws/cloud.ts';
import { OWNED_BY } from '../../../activities/faults/aws/own-tags.ts';

/** How long a processor is watched, in seconds. */
const WATCHED_S = 5;

/** What is seen of one account and region. */
export class Looks {
  readonly #clients: RegionClients;

  constructor(clients: RegionClients) {
    this.#clients = clients;
  }

  /** `running`, and whether it passes both of its status checks. */
  async instance(id: string): Promise<{ readonly state: string; readonly isSound: boolean }> {
    const ec2 = await this.#clients.ec2();
    const { Reservations = [] } = await ec2.describeInstances({ InstanceIds: [id] });
    const state = Reservations[0]?.Instances?.[0]?.State?.Name ?? 'unknown';
    const { InstanceStatuses = [] } = await ec2.describeInstanceStatus({ InstanceIds: [id] });
    const { InstanceStatus, SystemStatus } = InstanceStatuses[0] ?? {};
    return { state, isSound: state === 'running' && InstanceStatus?.Status === 'ok' && SystemStatus?.Status === 'ok' };
  }

  /** The security groups of an instance's interfaces. */
  async securityGroupsOf(id: string): Promise<readonly SecurityGroup[]> {
    const ec2 = await this.#clients.ec2();
    const { NetworkInterfaces = [] } = await ec2.describeNetworkInterfaces({
      Filters: [{ Name: 'attachment.instance-id', Values: [id] }],
    });
    const ids = NetworkInterfaces.flatMap(({ Groups = [] }) => Groups.flatMap(({ GroupId }) => GroupId ?? []));
    if (ids.length === 0) return [];
    return (await ec2.describeSecurityGroups({ GroupIds: [...new Set(ids)] })).SecurityGroups ?? [];
  }

  async aclOf(subnet: string): Promise<NetworkAcl | undefined> {
    const Filters = [{ Name: 'association.subnet-id', Values: [subnet] }];
    return (await (await this.#clients.ec2()).describeNetworkAcls({ Filters })).NetworkAcls?.[0];
  }

  /** How many network ACLs and security groups of a network were made by faults. */
  async madeIn(vpc: string): Promise<number> {
    const ec2 = await this.#clients.ec2();
    const Filters = [
      { Name: 'vpc-id', Values: [vpc] },
      { Name: 'tag-key', Values: [OWNED_BY] },
    ];
    const [acls, groups] = [await ec2.describeNetworkAcls({ Filters }), await ec2.describeSecurityGroups({ Filters })];
    return (acls.NetworkAcls?.length ?? 0) + (groups.SecurityGroups?.length ?? 0);
  }

  async group(name: string): Promise<AutoScalingGroup | undefined> {
    const client = await this.#clients.autoScaling();
    return (await client.describeAutoScalingGroups({ AutoScalingGroupNames: [name] })).AutoScalingGroups?.[0];
  }

  /** The instances of a group that are in service. */
  async serving(name: string): Promise<string[]> {
    return servingIn(await this.group(name));
  }

  /** Whether Systems Manager hears an instance's agent. */
  async isManaged(id: string): Promise<boolean> {
    const { InstanceInformationList = [] } = await (
      await this.#clients.ssm()
    ).describeInstanceInformation({ Filters: [{ Key: 'InstanceIds', Values: [id] }] });
    return InstanceInformationList[0]?.PingStatus === 'Online';
  }

  /** How busy its processors are, in percent, as its kernel counts; undefined while nobody knows. */
  async busyOf(id: string): Promise<number | undefined> {
    const ssm = await this.#clients.ssm();
    const count = `awk '/^cpu /{print $5+$6, $2+$3+$4+$5+$6+$7+$8}' /proc/stat`;
    const commands = [count, `sleep ${WATCHED_S}`, count];
    const { Command } = await ssm.sendCommand({
      ...{ InstanceIds: [id], DocumentName: 'AWS-RunShellScript', TimeoutSeconds: 30 },
      Parameters: { commands, executionTimeout: ['60'] },
      Comment: 'squall: a look at the processors of a sandbox',
    });
    for (let looks = 0; looks < 10; looks += 1) {
      await new Promise((resolve) => setTimeout(resolve, 2_000));
      const { CommandInvocations = [] } = await ssm.listCommandInvocations({
        CommandId: Command?.CommandId,
        Details: true,
      });
      const [{ Status, CommandPlugins = [] } = {}] = CommandInvocations;
      if (Status === 'Success') return shareOf(CommandPlugins.map(({ Output = '' }) => Output).join('\n'));
    }
    return undefined;
  }
}

/** Those of a group that are in service. */
export function servingIn(group: AutoScalingGroup | undefined): string[] {
  return (group?.Instances ?? []).flatMap(({ InstanceId = '', LifecycleState, HealthStatus = '' }) =>
    LifecycleState === 'InService' && HealthStatus.toLowerCase() === 'healthy' ? [InstanceId] : [],
  );
}

/** Of two lines, each of the time that was idle and of all, in ticks. */
function shareOf(output: string): number | undefined {
  const ticks = output
    .trim()
    .split('\n')
    .slice(0, 2)
    .map((line) => line.trim().split(' ').map(Number));
  const [[idle0 = NaN, all0 = NaN] = [], [idle1 = NaN, all1 = NaN] = []] = ticks;
  const share = 100 * (1 - (idle1 - idle0) / (all1 - all0));
  return Number.isFinite(share) ? share : undefined;
}
