/**
 * What a run in an account asks of AWS: many instances that are stopped, and all subnets of a zone that are cut off.
 *
 * Owns the order of things. The account is an emulator of the bench's own; a shim before it counts the calls and is not rough. It answers
 * on the same cores, so that wall times say how Squall does beside a bare client, not how fast AWS is.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { EC2 } from '@aws-sdk/client-ec2';
import { cloudOf } from '../../activities/aws/cloud.ts';
import type { Experiment } from '../../domain/experiment.ts';
import { Account } from '../../test/aws/account.ts';
import { whyNoMoto } from '../../test/aws/moto.ts';
import { activity, historyOf } from '../event-times.ts';
import { noop, noopConfig } from '../experiments.ts';
import { Installation, SITE } from '../installation.ts';
import { milliseconds } from '../outcome.ts';
import type { Outcome } from '../outcome.ts';

const SHARES = [0.1, 0.5, 1];
const HOLD_MS = 10_000;
const TTL_MS = 300_000;
const ZONE = 'eu-west-1a';
/** The emulator takes seconds to describe hundreds of instances, where AWS takes a fraction of one. */
const REQUEST_MS = 15_000;
/** None while it is measured: the emulator takes seconds to list what each fault's sweep lists, where AWS has one page for it. */
const SWEEP_EVERY = '1h';
/** As many are made, or asked for, in one request. */
const PAGE = 100;

/** What is measured: a fault on how many. */
interface Part {
  readonly run: string;
  readonly fault: string;
  readonly selector: Experiment['targets']['selector'];
  readonly params: Experiment['with'];
  readonly targets: number;
  /** The least requests that do the same once, by somebody who checks nothing. */
  readonly bare: (ec2: EC2) => Promise<void>;
}

/** What was found. */
interface Found {
  readonly part: Part;
  readonly calls: ReadonlyMap<string, number>;
  readonly throttled: number;
  readonly events: number;
  readonly injectMs: number;
  readonly revertMs: number;
  readonly bareMs: number;
}

/** Measures with so many instances and subnets. */
export async function measureCloud(
  { instances, subnets }: { readonly instances: number; readonly subnets: number },
  say: (line: string) => void,
): Promise<Outcome> {
  const why = await whyNoMoto();
  if (why !== false)
    return { tables: [], goals: [], notes: [`Cloud was not measured: ${why}.`], figures: { skipped: why } };
  await using undo = new AsyncDisposableStack();
  const account = await Account.open({ requestTimeout: REQUEST_MS });
  undo.defer(() => account.close());
  say(`making ${instances} instances and ${subnets} subnets`);
  const ids = await makeInstances(account, instances);
  const zone = await makeSubnets(account, subnets);
  const { endpoint, regions } = account.settings;
  const ours = await Installation.start({
    config: () => ({
      ...noopConfig(),
      sweepEvery: SWEEP_EVERY,
      sites: { [SITE]: { aws: { endpoint, regions, requestTimeout: `${REQUEST_MS}ms` } } },
    }),
    workers: [['control', 'site']],
    durable: false,
  });
  undo.defer(() => ours[Symbol.asyncDispose]());
  const parts: Part[] = [
    {
      run: 'instances',
      fault: 'aws/instance-stop',
      selector: { kind: 'instance', tags: { bench: 'yes' } },
      params: {},
      targets: instances,
      bare: (ec2) => stopAndStart(ec2, ids),
    },
    {
      run: 'subnets',
      fault: 'aws/az-outage',
      selector: { kind: 'subnet', zone: ZONE, tags: { bench: 'yes' } },
      params: { outside: '0%', singleZone: 'allow' },
      targets: subnets,
      bare: (ec2) => swapAndBack(ec2, account.network.vpc, zone),
    },
  ];
  const found: Found[] = [];
  for (const part of parts) found.push(await measured(part, account, ours, say));
  return outcome(found);
}

async function measured(part: Part, account: Account, ours: Installation, say: (line: string) => void): Promise<Found> {
  say(`${part.fault} on ${part.targets}`);
  const { log } = account.shim;
  const before = log.length;
  await ours.begin(part.run, harming(part));
  const { status, reason } = await ours.end(part.run);
  if (status !== 'completed') throw new Error(`the run on ${part.run} ended ${status}: ${reason}`);
  const made = log.slice(before);
  const calls = Map.groupBy(made, ({ call }) => call.name);
  const { client } = ours;
  const leases = await Promise.all(SHARES.map((_, i) => historyOf(client, `${part.run}/stage-${i + 1}`)));
  const took = (name: string): number =>
    leases
      .map((lease) => activity(lease, name))
      .reduce((sum, { startedMs, completedMs }) => sum + completedMs - startedMs, 0);
  say(`${part.fault} on ${part.targets}, by a bare client`);
  const region = cloudOf(account.settings).region(account.region);
  const fromMs = performance.now();
  await part.bare(await region.ec2());
  return {
    part,
    calls: new Map([...calls].map(([name, some]) => [name, some.length])),
    throttled: made.filter(({ status: answered }) => answered === 503 || answered === 429).length,
    events: (await historyOf(client, part.run)).length,
    injectMs: took('inject'),
    revertMs: took('revert'),
    bareMs: performance.now() - fromMs,
  };
}

function harming({ run, fault, selector, params }: Part): Experiment {
  return {
    ...noop(run, { holdMs: HOLD_MS, sampleEveryMs: 1_000 }),
    name: run,
    fault,
    // The emulator takes as long as all of them have at most to put a fault on hundreds.
    timeToLiveMs: TTL_MS,
    with: params,
    targets: { site: SITE, selector },
    blastRadius: {
      stages: SHARES.map((share) => ({ kind: 'share', share, text: `${share * 100}%` })),
      holdMs: HOLD_MS,
      seed: run,
    },
  };
}

async function makeInstances({ observe, network }: Account, count: number): Promise<string[]> {
  const ec2 = await observe.ec2();
  const ids: string[] = [];
  while (ids.length < count) {
    const { Instances = [] } = await ec2.runInstances({
      ImageId: 'ami-0123456789abcdef0',
      InstanceType: 't3.micro',
      MinCount: 1,
      MaxCount: Math.min(PAGE, count - ids.length),
      SubnetId: network.subnets['eu-west-1b'],
      TagSpecifications: [{ ResourceType: 'instance', Tags: [{ Key: 'bench', Value: 'yes' }] }],
    });
    ids.push(...Instances.map(({ InstanceId = '' }) => InstanceId));
  }
  return ids;
}

async function makeSubnets({ observe, network }: Account, count: number): Promise<string[]> {
  const ec2 = await observe.ec2();
  const ids: string[] = [];
  for (let i = 0; i < count; i += 1) {
    const { Subnet } = await ec2.createSubnet({
      VpcId: network.vpc,
      CidrBlock: `10.0.${128 + i}.0/24`,
      AvailabilityZone: ZONE,
      TagSpecifications: [{ ResourceType: 'subnet', Tags: [{ Key: 'bench', Value: 'yes' }] }],
    });
    ids.push(Subnet?.SubnetId ?? '');
  }
  return ids;
}

/** Looks, stops, looks, starts, looks, a hundred at a time. */
async function stopAndStart(ec2: EC2, ids: readonly string[]): Promise<void> {
  for (let i = 0; i < ids.length; i += PAGE) {
    const InstanceIds = ids.slice(i, i + PAGE);
    await ec2.describeInstances({ InstanceIds });
    await ec2.stopInstances({ InstanceIds });
    await ec2.describeInstances({ InstanceIds });
    await ec2.startInstances({ InstanceIds });
    await ec2.describeInstances({ InstanceIds });
  }
}

/** Makes an ACL, swaps every subnet's for it and back, and deletes it. */
async function swapAndBack(ec2: EC2, VpcId: string, ids: readonly string[]): Promise<void> {
  const { NetworkAcl } = await ec2.createNetworkAcl({ VpcId });
  const NetworkAclId = NetworkAcl?.NetworkAclId;
  const Filters = [{ Name: 'association.subnet-id', Values: [...ids] }];
  for (const acl of [NetworkAclId, undefined]) {
    const { NetworkAcls = [] } = await ec2.describeNetworkAcls({ Filters });
    const original = NetworkAcls.find(({ IsDefault }) => IsDefault)?.NetworkAclId;
    const all = NetworkAcls.flatMap(({ Associations = [] }) => Associations);
    for (const { NetworkAclAssociationId: AssociationId } of all.filter(({ SubnetId = '' }) => ids.includes(SubnetId)))
      await ec2.replaceNetworkAclAssociation({
        AssociationId,
        NetworkAclId: acl ?? original ?? (await theDefault(ec2, VpcId)),
      });
  }
  // What was used a moment ago may be in use for another one.
  await sleep(100);
  await ec2.deleteNetworkAcl({ NetworkAclId });
}

async function theDefault(ec2: EC2, vpc: string): Promise<string | undefined> {
  const Filters = [
    { Name: 'vpc-id', Values: [vpc] },
    { Name: 'default', Values: ['true'] },
  ];
  return (await ec2.describeNetworkAcls({ Filters })).NetworkAcls?.[0]?.NetworkAclId;
}

const EVENTS_MAX = 400;

function outcome(found: readonly Found[]): Outcome {
  const sum = (calls: ReadonlyMap<string, number>): number => [...calls.values()].reduce((a, b) => a + b, 0);
  return {
    tables: found.flatMap(({ part, calls, ...took }) => [
      {
        title: `${part.fault} on ${part.targets} ${part.run}, in three stages held for ${HOLD_MS / 1_000} s each`,
        head: ['', ''],
        rows: [
          ['calls, and of each target', `${sum(calls)}, ${(sum(calls) / part.targets).toFixed(1)}`],
          ['put on, taken off, all stages together', `${milliseconds(took.injectMs)}, ${milliseconds(took.revertMs)}`],
          ['the same by a bare client, which checks and writes down nothing', milliseconds(took.bareMs)],
          ['events of the run’s history', `${took.events}`],
          ['answers that it was too much', `${took.throttled}`],
        ],
      },
      {
        title: 'its calls',
        head: ['call', 'times'],
        rows: [...calls].toSorted(([, a], [, b]) => b - a).map(([name, times]) => [name, `${times}`]),
      },
    ]),
    goals: found.map(({ part, events }) => ({
      goal: `fewer than ${EVENTS_MAX} events in the history of the run on ${part.run}`,
      found: `${events}`,
      met: events < EVENTS_MAX,
    })),
    notes: ['The emulator answers on the same cores, and throttles nobody.'],
    figures: {
      found: found.map(({ part: { bare: _, ...part }, calls, ...took }) => ({
        ...part,
        ...took,
        calls: Object.fromEntries(calls),
      })),
    },
  };
}
