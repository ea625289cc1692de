/**
 * A fault on half of many pods of a real API server, through the stages, beside a bare client that makes the same requests, and a
 * bystander who reads one object all the time.
 *
 * Owns the order of things. The cluster is one of the bench's own, without nodes or controllers: pods are written, not run.
 */
import { join } from 'node:path';
import type { Attempt } from '../../activities/faults/driver.ts';
import { parseTarget, pathOf } from '../../activities/faults/kubernetes/target.ts';
import { kubernetesApi } from '../../activities/kubernetes/api.ts';
import { targets } from '../../activities/targets/kubernetes.ts';
import type { Experiment } from '../../domain/experiment.ts';
import { Cluster, whyNoCluster } from '../../test/kubernetes/cluster/cluster.ts';
import { activity, historyOf } from '../event-times.ts';
import { noop, noopConfig } from '../experiments.ts';
import { Installation, SITE } from '../installation.ts';
import { megabytes, milliseconds } from '../outcome.ts';
import type { Outcome } from '../outcome.ts';
import { KIND } from './annotate.ts';
import { fastest, tryAtOnce } from './at-once.ts';
import type { AtOnce } from './at-once.ts';
import { BareClient, timed } from './bare.ts';
import { bystander, p99 } from './bystander.ts';
import { makePods } from './pods.ts';

const SHARES = [0.01, 0.05, 0.1, 0.25, 0.5];
/** How long the bystander is alone, in milliseconds. */
const ALONE_MS = 5_000;
/** How far apart samples are, in milliseconds. */
const SAMPLE_MS = 200;
/** A baseline is five samples. */
const BASELINE_MS = 4 * SAMPLE_MS;
/** On how many pods the bare client finds out how many requests it should make at once. */
const TRIED_ON = 1_000;
const RUN = 'scale';

/** How long each part took, in milliseconds. */
interface Took {
  readonly select: number;
  readonly inject: number;
  readonly revert: number;
}

/** Of the run's history, and of its leases' together. */
interface Events {
  readonly run: number;
  readonly leases: number;
}

/** Measures with `pods` pods; each stage is held for `holdS`. */
export async function measureScale(
  { pods, holdS }: { pods: number; holdS: number },
  say: (line: string) => void,
): Promise<Outcome> {
  const why = process.env['KUBECONFIG']
    ? 'it makes a cluster of its own, and KUBECONFIG names another'
    : await whyNoCluster();
  if (why !== false)
    return { tables: [], goals: [], notes: [`Scale was not measured: ${why}.`], figures: { skipped: why } };
  await using undo = new AsyncDisposableStack();
  const cluster = await Cluster.open({ still: true });
  undo.defer(() => cluster.close());
  const kubernetes = { kubeconfig: cluster.kubeconfig };
  say(`writing ${pods} pods`);
  await makePods(pods, kubernetesApi({ ...kubernetes, nodes: false }), PATIENT);
  const client = await BareClient.of(cluster.kubeconfig);
  undo.defer(() => client.close());
  const ours = await Installation.start({
    config: () => {
      const { plugins, ...rest } = noopConfig();
      return {
        ...rest,
        plugins: [...plugins, join(import.meta.dirname, 'annotate.ts')],
        sites: { [SITE]: { kubernetes } },
      };
    },
    workers: [['control', 'site']],
    durable: false,
  });
  undo.defer(() => ours[Symbol.asyncDispose]());
  const provider = targets({ name: SITE, installation: 'bench', stateDir: ours.folder, settings: { kubernetes } });
  const found = await provider.resolve(provider.selector.parse({}), PATIENT.signal);
  const paths = found.targets
    .slice(0, Math.floor(found.targets.length / 2))
    .map((id) => pathOf(parseTarget(id, ['pod'])));
  const [first = ''] = paths;

  say('the bystander alone');
  const before = await during(client, first, () => new Promise((resolve) => setTimeout(resolve, ALONE_MS)));
  say(`a run on ${paths.length} of them`);
  const requestsBefore = await requestsOf(cluster);
  let peakBytes = 0;
  const looking = setInterval(() => (peakBytes = Math.max(peakBytes, ours.cost().workersRssBytes)), 250);
  undo.defer(() => clearInterval(looking));
  const meanwhile = await during(client, first, async () => {
    await ours.begin(RUN, annotating(holdS * 1_000));
    const { status, reason } = await ours.end(RUN);
    if (status !== 'completed') throw new Error(`the run ended ${status}: ${reason}`);
  });
  const requests = minus(await requestsOf(cluster), requestsBefore);
  const { took: squall, events } = await readHistories(ours);
  say('the bare client');
  const tried = await tryAtOnce(paths.slice(0, TRIED_ON), client);
  const atOnce = fastest(tried);
  const bare = await bareTook(paths, atOnce, client);
  return outcome({
    pods,
    holdS,
    reached: paths.length,
    squall,
    bare,
    atOnce,
    tried,
    events,
    peakBytes,
    requests,
    before,
    meanwhile,
  });
}

const PATIENT: Attempt = { signal: new AbortController().signal, remainingMs: () => 600_000 };

async function during(client: BareClient, path: string, work: () => Promise<unknown>): Promise<number> {
  const watched = bystander(client, path);
  try {
    await work();
  } finally {
    await watched.end().catch(() => []);
  }
  return p99(await watched.end());
}

function annotating(holdMs: number): Experiment {
  return {
    ...noop(RUN, { holdMs, sampleEveryMs: SAMPLE_MS }),
    name: 'scale',
    fault: KIND,
    targets: { site: SITE, selector: { kind: 'pod' } },
    blastRadius: {
      stages: SHARES.map((share) => ({ kind: 'share', share, text: `${share * 100}%` })),
      holdMs,
      seed: RUN,
    },
  };
}

/** What the parts of the run took, by its histories, and how many events these have. */
async function readHistories({ client }: Installation): Promise<{ took: Took; events: Events }> {
  const run = await historyOf(client, RUN);
  const { startedMs, completedMs } = activity(run, 'preflight');
  let [inject, ofLeases] = [0, 0];
  const reverts = [];
  for (let stage = 1; stage <= SHARES.length; stage++) {
    const lease = await historyOf(client, `${RUN}/stage-${stage}`);
    const put = activity(lease, 'inject');
    inject += put.completedMs - put.startedMs;
    reverts.push(activity(lease, 'revert'));
    ofLeases += lease.length;
  }
  // All leases are released at once.
  const revert =
    Math.max(...reverts.map(({ completedMs: ended }) => ended)) -
    Math.min(...reverts.map(({ startedMs: begun }) => begun));
  return {
    took: { select: completedMs - startedMs - BASELINE_MS, inject, revert },
    events: { run: run.length, leases: ofLeases },
  };
}

/** The same, by somebody who only makes the requests: the last look of a revert is a read and a write too. */
async function bareTook(paths: readonly string[], atOnce: number, client: BareClient): Promise<Took> {
  const fromMs = performance.now();
  for (const kind of ['replicasets', 'statefulsets', 'daemonsets']) await client.list(`/apis/apps/v1/${kind}`);
  await client.list('/apis/policy/v1/poddisruptionbudgets');
  await client.list('/api/v1/pods');
  const select = performance.now() - fromMs;
  const inject = await timed(paths, atOnce, client.writing('held'));
  const look = await timed(paths, atOnce, client.writing('held on'));
  const revert = await timed(paths, atOnce, client.writing(null));
  const verify = await timed(paths, atOnce, client.reading());
  return { select, inject, revert: look + revert + verify };
}

/** Requests that the API server has answered, by verb, and how many with 429. */
type Requests = Readonly<Record<'GET' | 'PATCH' | 'LIST' | '429', number>>;

async function requestsOf(cluster: Cluster): Promise<Requests> {
  const counted = { GET: 0, PATCH: 0, LIST: 0, '429': 0 };
  for (const line of (await cluster.kubectl('get', '--raw', '/metrics')).split('\n')) {
    const [, labels = '', count = '0'] = /^apiserver_request_total\{(.*)\} (\S+)$/.exec(line) ?? [];
    if (labels.includes('code="429"')) counted['429'] += Number(count);
    const verb = labels.includes('resource="pods"') ? /verb="(GET|PATCH|LIST)"/.exec(labels)?.[1] : undefined;
    if (verb !== undefined) counted[verb as 'GET'] += Number(count);
  }
  return counted;
}

function minus(after: Requests, before: Requests): Requests {
  const of = (key: keyof Requests): number => after[key] - before[key];
  return { GET: of('GET'), PATCH: of('PATCH'), LIST: of('LIST'), '429': of('429') };
}

interface Measured {
  readonly pods: number;
  readonly holdS: number;
  readonly reached: number;
  readonly squall: Took;
  readonly bare: Took;
  readonly atOnce: number;
  readonly tried: readonly AtOnce[];
  readonly events: Events;
  readonly peakBytes: number;
  readonly requests: Requests;
  /** The 99th percentile of the bystander's reads, in milliseconds. */
  readonly before: number;
  readonly meanwhile: number;
}

function outcome(measured: Measured): Outcome {
  const { pods, holdS, reached, squall, bare, atOnce, tried, events, peakBytes, requests, before, meanwhile } =
    measured;
  const sum = ({ select, inject, revert }: Took): number => select + inject + revert;
  const ratio = sum(squall) / sum(bare);
  const row = (name: string, of: (took: Took) => number): string[] => [
    name,
    milliseconds(of(squall)),
    milliseconds(of(bare)),
    (of(squall) / of(bare)).toFixed(2),
  ];
  return {
    tables: [
      {
        title: `a fault on ${reached} of ${pods} pods, in five stages held for ${holdS} s each; the bare client makes ${atOnce} requests at once`,
        head: ['', 'Squall', 'bare client', 'times'],
        rows: [
          row('select', ({ select }) => select),
          row('inject', ({ inject }) => inject),
          row('look once more, revert, verify', ({ revert }) => revert),
          row('together', sum),
        ],
      },
      {
        title: 'meanwhile',
        head: ['', ''],
        rows: [
          ['memory of the worker, at most', megabytes(peakBytes)],
          ['events of the run’s history, and of its five leases’', `${events.run}, ${events.leases}`],
          ['requests for pods: read, written, listed', `${requests.GET}, ${requests.PATCH}, ${requests.LIST}`],
          ['answers 429', `${requests['429']}`],
          ['p99 of a bystander’s read, before and meanwhile', `${milliseconds(before)}, ${milliseconds(meanwhile)}`],
        ],
      },
      {
        title: 'what the bare client alone costs the bystander',
        head: ['requests at once', 'times as long as the fastest', 'p99 of a bystander’s read'],
        rows: tried.map(({ atOnce: number, tookMs, bystanderMs }) => [
          `${number}`,
          (tookMs / Math.min(...tried.map((one) => one.tookMs))).toFixed(2),
          milliseconds(bystanderMs),
        ]),
      },
    ],
    goals: [
      { goal: 'at most 1.5 times the bare client', found: ratio.toFixed(2), met: ratio <= 1.5 },
      { goal: 'less than 400 MB of the worker’s memory', found: megabytes(peakBytes), met: peakBytes < 400e6 },
      { goal: 'fewer than 400 events in the run’s history', found: `${events.run}`, met: events.run < 400 },
      {
        goal: 'no more than twice the bystander’s p99',
        found: (meanwhile / before).toFixed(1),
        met: meanwhile <= 2 * before,
      },
    ],
    notes: [
      'The bare client lists what the selector lists, and reads and writes each pod as often as Squall does but for its renewals; it checks nothing.',
    ],
    figures: { ...measured },
  };
}
