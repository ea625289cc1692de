/**
 * What a no-op experiment costs — pre-flight, one stage, revert, recovery, journal — alone and many at once on one worker,
 * beside Chaos Toolkit in the same run.
 */
import { ChaosToolkit } from './chaos-toolkit/chaos-toolkit.ts';
import type { PeerCost } from './chaos-toolkit/chaos-toolkit.ts';
import { distributionOf, meanOf } from './distribution.ts';
import { noop, noopConfig } from './experiments.ts';
import { Installation } from './installation.ts';
import { megabytes, milliseconds } from './outcome.ts';
import type { Goal, Outcome } from './outcome.ts';

/** The runs of Chaos Toolkit that are measured alone: it varies little. */
const PEER_RUNS = 10;
/** Runs before anything is measured: code is compiled, caches fill. */
const WARM_UP = 5;

interface OurCost {
  readonly wallMs: number;
  readonly workerCpuS: number;
  readonly serverCpuS: number;
  readonly workerRssBytes: number;
  readonly serverRssBytes: number;
}

/** Measures; `runs` alone, `atOnce` at once. */
export async function measureCost(
  options: { runs: number; atOnce: number },
  say: (line: string) => void,
): Promise<Outcome> {
  const { runs, atOnce } = options;
  say('installing Chaos Toolkit, once');
  const peer = await ChaosToolkit.install().catch((error: unknown) => String(error).split('\n')[0] ?? '');
  await using ours = await Installation.start({
    config: noopConfig,
    workers: [['control', 'site']],
    durable: false,
  });
  const { folder } = ours;
  say(`${runs} no-op runs, one after the other`);
  await inTurn(ours, 'warm-up', WARM_UP);
  const latencies: number[] = [];
  const alone = await measured(ours, async () => latencies.push(...(await inTurn(ours, 'alone', runs))));
  const peerAlone: PeerCost[] = [];
  if (typeof peer !== 'string') for (let i = 0; i < PEER_RUNS; i++) peerAlone.push(await peer.run(1, folder));
  say(`${atOnce} no-op runs at once`);
  const together = await measured(ours, () => allAtOnce(ours, 'together', atOnce));
  const peerTogether = typeof peer === 'string' ? undefined : await peer.run(atOnce, folder);
  return outcome({ runs, atOnce, latencies, alone, together, peer, peerAlone, peerTogether });
}

async function inTurn(ours: Installation, name: string, count: number): Promise<number[]> {
  const latencies: number[] = [];
  for (let i = 0; i < count; i++) {
    const fromMs = performance.now();
    await complete(ours, `${name}-${i}`);
    latencies.push(performance.now() - fromMs);
  }
  return latencies;
}

async function allAtOnce(ours: Installation, name: string, count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, i) => complete(ours, `${name}-${i}`)));
}

async function complete(ours: Installation, run: string): Promise<void> {
  await ours.begin(run, noop(run, { holdMs: 200, sampleEveryMs: 100 }));
  const { status, reason } = await ours.end(run);
  if (status !== 'completed') throw new Error(`${run} ended ${status}: ${reason}`);
}

async function measured(ours: Installation, work: () => Promise<unknown>): Promise<OurCost> {
  const before = ours.cost();
  const fromMs = performance.now();
  await work();
  const wallMs = performance.now() - fromMs;
  const after = ours.cost();
  return {
    wallMs,
    workerCpuS: after.workersCpuS - before.workersCpuS,
    serverCpuS: after.serverCpuS - before.serverCpuS,
    workerRssBytes: after.workersRssBytes,
    serverRssBytes: after.serverRssBytes,
  };
}

interface Found {
  readonly runs: number;
  readonly atOnce: number;
  readonly latencies: readonly number[];
  readonly alone: OurCost;
  readonly together: OurCost;
  readonly peer: ChaosToolkit | string;
  readonly peerAlone: readonly PeerCost[];
  readonly peerTogether: PeerCost | undefined;
}

function outcome(found: Found): Outcome {
  const { runs, atOnce, latencies, alone, together, peer, peerAlone, peerTogether } = found;
  const perSecond = (count: number, wallMs: number): string => ((1000 * count) / wallMs).toFixed(1);
  const ms = (s: number, count: number): string => milliseconds((1000 * s) / count);
  const row = (name: string, cost: OurCost, count: number, latency: string): string[] => [
    name,
    latency,
    perSecond(count, cost.wallMs),
    ms(cost.workerCpuS, count),
    ms(cost.serverCpuS, count),
    `${megabytes(cost.workerRssBytes)} + ${megabytes(cost.serverRssBytes)}`,
  ];
  const rows = [
    row('Squall, alone', alone, runs, milliseconds(distributionOf(latencies).p50)),
    row(`Squall, ${atOnce} at once`, together, atOnce, ''),
  ];
  const goals: Goal[] = [];
  const notes = ['Memory of Squall is its worker and its Temporal dev server, which are there between runs too.'];
  if (typeof peer === 'string' || peerTogether === undefined) {
    notes.push(`Chaos Toolkit was not measured: ${typeof peer === 'string' ? peer : 'it did not run'}`);
  } else {
    const name = `Chaos Toolkit ${peer.version}`;
    const cpu = meanOf(peerAlone.map(({ cpuS }) => cpuS));
    const wall = distributionOf(peerAlone.map(({ wallMs }) => wallMs)).p50;
    const memory = Math.max(...peerAlone.map(({ peakRssBytes }) => peakRssBytes));
    rows.push([`${name}, alone`, milliseconds(wall), perSecond(1, wall), ms(cpu, 1), '', megabytes(memory)]);
    rows.push([
      `${name}, ${atOnce} at once`,
      '',
      perSecond(atOnce, peerTogether.wallMs),
      ms(peerTogether.cpuS, atOnce),
      '',
      megabytes(peerTogether.peakRssBytes),
    ]);
    const share = alone.workerCpuS / runs / cpu;
    const times = peerTogether.wallMs / together.wallMs;
    goals.push({
      goal: `worker CPU of a run, alone, at most 1/10 of Chaos Toolkit's`,
      found: `1/${(1 / share).toFixed(1)}`,
      met: share <= 0.1,
    });
    goals.push({
      goal: `worker CPU of a run, ${atOnce} at once, at most 1/10 of Chaos Toolkit's`,
      found: `1/${(peerTogether.cpuS / together.workerCpuS).toFixed(1)}`,
      met: together.workerCpuS <= peerTogether.cpuS / 10,
    });
    goals.push({
      goal: `at least 4 times its runs a second, ${atOnce} at once, the server included`,
      found: `${times.toFixed(1)} times`,
      met: times >= 4,
    });
  }
  return {
    tables: [
      {
        title: 'A no-op experiment',
        head: ['', 'p50', 'runs/s', 'CPU', 'server CPU', 'memory'],
        rows,
      },
    ],
    goals,
    notes,
    figures: {
      runs,
      atOnce,
      latencyMs: distributionOf(latencies),
      alone,
      together,
      ...(typeof peer === 'string'
        ? {}
        : { chaosToolkit: { version: peer.version, alone: peerAlone, together: peerTogether } }),
    },
  };
}
