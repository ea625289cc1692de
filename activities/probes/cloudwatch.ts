/**
 * The `cloudwatch` probe: a statistic of a metric, or the state of an alarm.
 *
 * Owns what of CloudWatch's answers is a value: that of the newest whole period, which must not be old. The period that is under way
 * is never read, since its sum is not yet one. What is not there is no data, and so is what cannot be read in time.
 */
import type { GetMetricDataCommandOutput, MetricDataQuery } from '@aws-sdk/client-cloudwatch';
import { z } from 'zod';
import type { Reading } from '../../domain/probe.ts';
import { formatDuration } from '../../domain/units.ts';
import { writtenDuration } from '../../domain/written-duration.ts';
import { cloudOf } from '../aws/cloud.ts';
import type { RegionClients } from '../aws/cloud.ts';
import { wordsOf } from '../aws/denied.ts';
import { unlessEnded } from '../pause.ts';
import { awsSettings } from '../targets/aws-settings.ts';
import type { ProbeProvider } from './probe.ts';
import { noData, reading } from './reading.ts';

/** How old the newest datapoint may be where nothing is said, in periods after the one that it is of. */
const AGE_MAX_PERIODS = 3;
/** The most periods that are looked at. */
const PERIODS_MAX = 100;
const STATISTICS = /^(?:Average|Sum|Minimum|Maximum|SampleCount|p(?:100|\d{1,2}(?:\.\d{1,10})?))$/;

const { profile, endpoint } = awsSettings.shape;
const account = { region: awsSettings.shape.regions.element.describe('Where it is.'), profile, endpoint };
const name = z.string().min(1).max(255);

const settings = z.discriminatedUnion('measure', [
  z
    .strictObject({
      measure: z.literal('statistic'),
      ...account,
      namespace: name.describe('Such as AWS/ApplicationELB.'),
      metric: name,
      dimensions: z
        .record(name, z.string().min(1).max(1024))
        .refine((dimensions) => Object.keys(dimensions).length <= 30, 'expected at most 30 dimensions')
        .default({})
        .describe('All that the metric has; with some of them left out it is another metric. Default: none.'),
      statistic: z
        .string()
        .regex(STATISTICS, 'expected Average, Sum, Minimum, Maximum, SampleCount, or a percentile such as p99')
        .describe('Average, Sum, Minimum, Maximum, SampleCount, or a percentile such as p99.'),
      period: writtenDuration
        .refine(isPeriod, 'expected 10s, 30s, or whole minutes up to 1d')
        .prefault('1m')
        .describe('What one datapoint is of. Default: 1m.'),
      maxAge: writtenDuration
        .optional()
        .describe(
          'No data when the period of the newest datapoint ended longer ago than this. Default: three periods.',
        ),
      idle: z
        .strictObject({ value: z.number(), while: name.describe('A metric with the same namespace and dimensions.') })
        .optional()
        .describe(
          'For a metric that has no datapoints where there is nothing to count: what is read then, while another one has some.',
        ),
    })
    .refine(({ period, maxAge }) => maxAge === undefined || (maxAge >= period && maxAge <= period * PERIODS_MAX), {
      error: `expected at least one period, and at most ${PERIODS_MAX}`,
      path: ['maxAge'],
    }),
  z.strictObject({
    measure: z.literal('alarm'),
    ...account,
    alarm: name.describe('The name of a metric alarm or a composite one: 1 while it is in ALARM, 0 while it is OK.'),
  }),
]);

/** An answer that says nothing that could be relied upon. */
class Unreadable extends Error {}

/** The settings of a `cloudwatch` probe. */
type Settings = z.output<typeof settings>;
type Statistic = Extract<Settings, { measure: 'statistic' }>;

/** Reads CloudWatch. */
export const provider: ProbeProvider<Settings> = {
  type: 'cloudwatch',
  settings,
  check: () => [],
  open: (probe, { scale, timeoutMs }) => ({
    async read(ending) {
      const signal = AbortSignal.any([ending, AbortSignal.timeout(timeoutMs)]);
      try {
        const read = await unlessEnded(measure(probe, timeoutMs, signal), signal);
        return read.ok ? reading(read.value, scale) : read;
      } catch (error) {
        if (error instanceof Unreadable) return noData(error.message);
        return noData(signal.aborted && !ending.aborted ? `no answer within ${timeoutMs} ms` : wordsOf(error));
      }
    },
  }),
};

/** Why `unit` cannot be right for these settings, if it cannot. */
export function unitObjection(probe: Settings, unit: string): string | undefined {
  if (probe.measure === 'alarm')
    return unit === 'count' ? undefined : 'the state of an alarm is 0 or 1: write `unit: count`';
  const { statistic, period } = probe;
  if (statistic === 'SampleCount' && unit !== 'count' && !unit.startsWith('per-'))
    return 'SampleCount is a count: write `unit: count`';
  // What is counted within a period is a rate of that period and of no other.
  const spans: Readonly<Record<string, number>> = { 'per-second': 1_000, 'per-minute': 60_000, 'per-hour': 3_600_000 };
  const spanMs = spans[unit];
  if (spanMs === undefined || spanMs === period || !['Sum', 'SampleCount'].includes(statistic)) return undefined;
  return `the ${statistic} of ${formatDuration(period)} is no number ${unit}: write \`unit: count\`, or another period`;
}

function isPeriod(ms: number): boolean {
  return ms === 10_000 || ms === 30_000 || (ms > 0 && ms % 60_000 === 0 && ms <= 86_400_000);
}

async function measure(probe: Settings, timeoutMs: number, signal: AbortSignal): Promise<Reading> {
  const { region } = probe;
  // The signal ends what takes longer; each request has at most as long.
  const requestTimeout = Math.max(250, timeoutMs);
  const { profile: as, endpoint: at } = probe;
  const clients = cloudOf({ regions: [region], profile: as, endpoint: at, requestTimeout }).region(region);
  return probe.measure === 'alarm' ? alarm(probe.alarm, clients, signal) : statistic(probe, clients, signal);
}

async function alarm(called: string, clients: RegionClients, abortSignal: AbortSignal): Promise<Reading> {
  const client = await clients.cloudWatch();
  const asking = { AlarmNames: [called], AlarmTypes: ['MetricAlarm' as const, 'CompositeAlarm' as const] };
  const { MetricAlarms = [], CompositeAlarms = [] } = await client.describeAlarms(asking, { abortSignal });
  const found = [...MetricAlarms, ...CompositeAlarms].find(({ AlarmName }) => AlarmName === called);
  if (found === undefined) return noData(`there is no alarm ${called}`);
  const { StateValue: state } = found;
  const evaluation = 'EvaluationState' in found ? found.EvaluationState : undefined;
  if (evaluation !== undefined) return noData(`the alarm cannot be judged: ${evaluation}`);
  if (state !== 'ALARM' && state !== 'OK') return noData(`the alarm says ${state ?? 'nothing'}`);
  return { ok: true, value: state === 'ALARM' ? 1 : 0 };
}

/** A value, and when the period that it is of ended, in milliseconds since 1970. */
interface Datapoint {
  readonly value: number;
  readonly endMs: number;
}

async function statistic(probe: Statistic, clients: RegionClients, abortSignal: AbortSignal): Promise<Reading> {
  const { metric, period, idle, maxAge = AGE_MAX_PERIODS * period } = probe;
  const client = await clients.cloudWatch();
  const nowMs = clients.nowMs();
  const floor = (ms: number): number => Math.floor(ms / period) * period;
  const answer = await client.getMetricData(
    {
      StartTime: new Date(floor(nowMs - maxAge - period)),
      // A period begins at its datapoint's time, and the one that begins here is not over.
      EndTime: new Date(floor(nowMs)),
      ScanBy: 'TimestampDescending',
      MetricDataQueries: [metric, ...(idle ? [idle.while] : [])].map((called, i) => queryOf(probe, called, `m${i}`)),
    },
    { abortSignal },
  );
  const isFresh = ({ endMs }: Datapoint): boolean => nowMs - endMs <= maxAge;
  const newest = (id: string): Datapoint | undefined => datapointsOf(answer, id, period).find(isFresh);
  const found = newest('m0');
  if (idle === undefined)
    return found
      ? { ok: true, value: found.value }
      : noData(`${metric} has no datapoint of the last ${formatDuration(maxAge)}`);
  const witness = newest('m1');
  if (witness === undefined) return noData(`${idle.while} has no datapoint of the last ${formatDuration(maxAge)}`);
  // Where the other one has a newer datapoint, there was nothing to count by then.
  return { ok: true, value: found !== undefined && found.endMs >= witness.endMs ? found.value : idle.value };
}

function queryOf(
  { namespace, dimensions, statistic: Stat, period }: Statistic,
  called: string,
  Id: string,
): MetricDataQuery {
  const Dimensions = Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value }));
  const Metric = { Namespace: namespace, MetricName: called, Dimensions };
  return { Id, MetricStat: { Metric, Period: period / 1_000, Stat }, ReturnData: true };
}

/** The newest first. Throws where it cannot be told whether they are all that there are. */
function datapointsOf(answer: GetMetricDataCommandOutput, id: string, periodMs: number): Datapoint[] {
  const result = answer.MetricDataResults?.find(({ Id }) => Id === id);
  const said = [...(answer.Messages ?? []), ...(result?.Messages ?? [])].map(({ Code, Value }) => `${Code}: ${Value}`);
  if (result?.StatusCode !== 'Complete' || said.length > 0)
    throw new Unreadable(
      `CloudWatch’s answer is not whole: ${said[0] ?? result?.StatusCode ?? 'it says nothing of the metric'}`,
    );
  const { Timestamps = [], Values = [] } = result;
  const pairs = Timestamps.map((at, i) => ({ value: Values[i], endMs: at.getTime() + periodMs }));
  const finite = pairs.filter((pair): pair is Datapoint => Number.isFinite(pair.value) && Number.isFinite(pair.endMs));
  if (finite.length < pairs.length) throw new Unreadable('a datapoint is no number');
  return finite.toSorted((a, b) => b.endMs - a.endMs);
}
