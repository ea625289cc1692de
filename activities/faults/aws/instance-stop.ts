/**
 * `aws/instance-stop`: an instance is stopped, and started again.
 *
 * Its Auto Scaling group is kept from replacing it meanwhile (`replacing.ts`). It is healed once it serves as it did: its status checks
 * pass, and it is healthy in the target groups in which it was. What it has in memory is lost, and so is a public address that is not an
 * Elastic IP.
 */
import { z } from 'zod';
import type { Permission } from '../driver.ts';
import { groupOf, instances } from './instances.ts';
import type { LiveInstance } from './instances.ts';
import { isProtectedFrom, whyNotTo } from './instance-rehearsal.ts';
import { onceTogether } from './once-together.ts';
import { perRegion } from './per-region.ts';
import { refusals } from './refusals.ts';
import { heldGroup, heldOf, replacing } from './replacing.ts';
import type { HeldGroup } from './replacing.ts';
import { isServing, scalingGroup } from './scaling.ts';
import { ailing, servedBy, statusIn } from './serving.ts';
import { taggedFault } from './tagged-fault.ts';
import type { Progress } from './tagged-fault.ts';
import { readTogether } from './tagged.ts';
import type { Looking } from './tagged-site.ts';

const KIND = 'aws/instance-stop';

const params = z.strictObject({
  force: z
    .boolean()
    .default(false)
    .describe('Whether its system gets no time to flush what it has not written: as if its power failed.'),
  instanceStores: z
    .boolean()
    .default(false)
    .describe('Whether it may be an instance whose type has instance store volumes: what is on them is lost.'),
});
type Params = z.infer<typeof params>;

const undoRecord = z.object({
  group: heldGroup.optional(),
  /** ARNs of those in which it was healthy. */
  targetGroups: z.array(z.string()),
});
type Undo = z.infer<typeof undoRecord>;

const GROUP = 'autoscaling:autoScalingGroup:*:autoScalingGroupName/*';
const PERMISSIONS: readonly Permission[] = [
  {
    needs: 'to look at instances, their Auto Scaling groups and their target groups',
    actions: [
      {
        actions: [
          'ec2:DescribeInstances',
          'ec2:DescribeInstanceAttribute',
          'ec2:DescribeInstanceStatus',
          'ec2:DescribeInstanceTypes',
          'autoscaling:DescribeAutoScalingGroups',
          'elasticloadbalancing:DescribeTargetGroups',
          'elasticloadbalancing:DescribeTargetHealth',
        ],
      },
    ],
  },
  {
    needs: 'to tag, stop and start instances',
    actions: [
      { actions: ['ec2:CreateTags', 'ec2:DeleteTags', 'ec2:StartInstances'], resources: ['ec2:instance/*'] },
      { actions: ['ec2:StopInstances'], resources: ['ec2:instance/*'], harms: true },
    ],
  },
  {
    // EC2 asks for it in the name of whoever starts an instance: without it, it starts, and is stopped again moments later.
    needs: 'to start those again whose volumes are encrypted with a key of KMS that is the account’s own',
    actions: [
      {
        actions: ['kms:CreateGrant'],
        resources: ['kms:key/*'],
        of: 'others',
        condition: {
          Bool: { 'kms:GrantIsForAWSResource': 'true' },
          StringLike: { 'kms:ViaService': 'ec2.*.amazonaws.com' },
        },
      },
    ],
  },
  {
    needs: 'to tag their Auto Scaling groups, and to keep these from replacing them',
    actions: [
      {
        actions: [
          'autoscaling:CreateOrUpdateTags',
          'autoscaling:DeleteTags',
          'autoscaling:ResumeProcesses',
          'autoscaling:SetInstanceHealth',
        ],
        resources: [GROUP],
        of: 'others',
      },
      { actions: ['autoscaling:SuspendProcesses'], resources: [GROUP], of: 'others', harms: true },
    ],
  },
];

/** Why one is stopped that was asked to: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_StateReason.html */
const OURS = /^Client\.UserInitiatedShutdown\b/;
/** A request to start it, and both of its status checks, take two to five minutes, and its load balancer some checks more, in milliseconds. */
const REVERT_MS = 600_000;

export const driver = taggedFault<Params, LiveInstance, Undo>({
  kind: KIND,
  summary: 'An instance is stopped, and started again; its Auto Scaling group does not replace it meanwhile.',
  params,
  revertMs: REVERT_MS,
  resource: instances,
  permissions: PERMISSIONS,
  undo: 'it is started, for as long as it takes to get capacity, and waited for until it serves as it did; the processes of its Auto Scaling group are resumed. A public address of it that is no Elastic IP is another one then',
  undoRecord,
  unfit: (targets, wanted, anywhere) =>
    refusals(instances, targets, anywhere, async (live, looking) => {
      const why = await refusal(live, wanted, looking);
      return why ?? (await rehearsed(live.id, looking));
    }),
  record,
  async isOn({ state, ...live }, { group }, _fault, looking) {
    if (state !== 'stopped' && state !== 'stopping') return 'somebody else has started it';
    if (group === undefined || (await replacing(looking).isSuspended({ state, ...live }, group))) return true;
    return `its Auto Scaling group ${group.name} might replace it: somebody else has resumed its processes`;
  },
  async act(live, { group }, { params: { force } }, acting) {
    if (group !== undefined && !(await replacing(acting).suspend(live, group, acting))) return;
    if ((live.state === 'running' || live.state === 'pending') && (await acting.holds()))
      await stop(acting.once)(live.id, force);
  },
  heal,
  whenGone: (_fault, looking) => replacing(looking).tidy(KIND),
  tidy: (looking) => replacing(looking).tidy(KIND),
});

const stop = perRegion(({ ec2 }) =>
  onceTogether<boolean>(async (ids, Force) => (await ec2()).stopInstances({ InstanceIds: [...ids], Force })),
);

const start = perRegion(({ ec2 }) =>
  onceTogether<null>(async (ids) => (await ec2()).startInstances({ InstanceIds: [...ids] })),
);

/** Whether a type has instance store volumes. */
const hasStores = perRegion(({ ec2 }) =>
  readTogether(async (types) => {
    const found = new Map<string, boolean | undefined>();
    const Filters = [{ Name: 'instance-type', Values: [...types] }];
    const { InstanceTypes } = await (await ec2()).describeInstanceTypes({ Filters });
    for (const { InstanceType = '', InstanceStorageSupported } of InstanceTypes ?? [])
      found.set(InstanceType, InstanceStorageSupported);
    return found;
  }),
);

/** Why an instance of its making must not be stopped, whatever it does now. */
async function refusal(
  { lifecycle, rootDevice, type = 'unknown' }: LiveInstance,
  { instanceStores }: Params,
  { clients }: Looking,
): Promise<string | undefined> {
  if (lifecycle !== undefined)
    return `it is a ${lifecycle} instance: only those on demand can be stopped and started again`;
  if (rootDevice !== 'ebs') return 'its root device is no EBS volume: it cannot be stopped';
  if (instanceStores) return undefined;
  const has = await hasStores(clients)(type);
  if (has === undefined) return `AWS does not say whether its type ${type} has instance store volumes`;
  if (!has) return undefined;
  return `what is on its instance store volumes would be lost: say \`instanceStores: true\` if that may be`;
}

async function rehearsed(id: string, { clients }: Looking): Promise<string | undefined> {
  // All at once, so that those of many instances go together. Who could not start it again must not stop it.
  const [isProtected, whyNotStart, whyNotStop] = await Promise.all([
    isProtectedFrom('stop', id, clients),
    whyNotTo('start', id, clients),
    whyNotTo('stop', id, clients),
  ]);
  return isProtected ? 'it is protected from being stopped' : (whyNotStart ?? whyNotStop);
}

async function record(
  live: LiveInstance,
  { params: wanted }: { readonly params: Params },
  looking: Looking,
): Promise<{ undo: Undo } | string> {
  const { clients } = looking;
  if (live.state !== 'running') return `it is ${live.state}, and not running`;
  const name = groupOf(live);
  const [refused, ails, group, targetGroups] = await Promise.all([
    refusal(live, wanted, looking),
    ailing(live.id, clients),
    name === undefined ? undefined : scalingGroup(name, clients),
    servedBy(live.id, live.vpc, clients),
  ]);
  const why = refused ?? ails;
  if (why !== undefined) return why;
  if (name !== undefined && !isServing(group?.members.get(live.id)))
    return `it is not in service in its Auto Scaling group ${name}`;
  return { undo: { targetGroups, ...(group === undefined ? {} : { group: heldOf(group) }) } };
}

async function heal(
  live: LiveInstance,
  { group, targetGroups }: Undo,
  _fault: unknown,
  looking: Looking,
): Promise<Progress> {
  const { id, state } = live;
  const { clients, once } = looking;
  if (state === 'stopped') await start(once)(id, null);
  if (state !== 'running') return { done: false, detail: state === 'stopped' ? starting(live) : `it is ${state}` };
  const [ails, served] = await Promise.all([
    ailing(id, clients),
    Promise.all(targetGroups.map((arn) => statusIn(arn, id, clients))),
  ]);
  const why = ails ?? served.find(({ is }) => is === 'coming')?.detail;
  if (why !== undefined) return { done: false, detail: why };
  const left = served.filter(({ is }) => is === 'left').map(({ detail }) => detail);
  if (group !== undefined && !(await isLeftToGroup(live, group, looking)))
    return { done: false, detail: `the processes of its Auto Scaling group ${group.name} are being resumed` };
  return { done: true, ...(left.length === 0 ? {} : { detail: left.join('; ') }) };
}

/** With what EC2 says of one that has not stayed up, as where nobody may use the key of its volumes; of our own stop there is nothing to tell. */
function starting({ reason }: LiveInstance): string {
  return `it is being started${reason === undefined || OURS.test(reason) ? '' : `; EC2 says: ${reason}`}`;
}

/** Lets go of the group, which must not take the instance for unhealthy then. */
async function isLeftToGroup(live: LiveInstance, held: HeldGroup, looking: Looking): Promise<boolean> {
  const group = await scalingGroup(held.name, looking.clients);
  const member = group?.uid === held.uid ? group.members.get(live.id) : undefined;
  if (member?.lifecycle === 'InService' && !member.isHealthy) {
    const client = await looking.once.autoScaling();
    await client.setInstanceHealth({ InstanceId: live.id, HealthStatus: 'Healthy', ShouldRespectGracePeriod: false });
    return false;
  }
  return replacing(looking).letGo(live, held);
}
