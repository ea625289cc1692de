/** The `cloudwatch` probe: the newest whole period of a metric, and alarms; what is old, missing or not whole is no data. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openProbes, probesSchema } from '../../activities/probes/registry.ts';
import type { Reading } from '../../domain/probe.ts';
import { Account } from '../aws/account.ts';
import { whyNoMoto } from '../aws/moto.ts';
import { refusal } from '../aws/shim.ts';

const MINUTE_MS = 60_000;
const Namespace = 'Lab';

describe('probes of an account', { skip: await whyNoMoto() }, () => {
  let account: Account;
  before(async () => {
    account = await Account.open();
  });
  after(() => account.close());

  async function read(settings: Readonly<Record<string, unknown>>, unit = 'count', timeout = '20s'): Promise<Reading> {
    const { region, shim } = account;
    const entry = { type: 'cloudwatch', unit, timeout, region, endpoint: shim.url, ...settings };
    const parsed = probesSchema.parse({ probe: entry });
    const { probe } = openProbes(parsed).get('probe') ?? assert.fail();
    return probe.read(new AbortController().signal);
  }
  const noData = async (settings: Readonly<Record<string, unknown>>, why: RegExp, timeout?: string): Promise<void> => {
    const found = await read(settings, 'count', timeout);
    assert.ok(!found.ok, JSON.stringify(found));
    assert.match(found.why, why);
  };
  /** Begun so many minutes before the one that is under way. */
  const minute = (ago: number): Date => new Date(Math.floor(Date.now() / MINUTE_MS - ago) * MINUTE_MS);
  const put = async (MetricName: string, ago: number, ...values: readonly number[]): Promise<void> => {
    const Dimensions = [{ Name: 'service', Value: 'shop' }];
    const MetricData = values.map((Value) => ({ MetricName, Dimensions, Value, Timestamp: minute(ago) }));
    await (await account.observe.cloudWatch()).putMetricData({ Namespace, MetricData });
  };
  const of = (metric: string, more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> => ({
    measure: 'statistic',
    ...{ namespace: Namespace, metric, dimensions: { service: 'shop' }, statistic: 'Average', ...more },
  });

  it('a statistic is of the newest whole period', async () => {
    await put('latency', 2, 900);
    // A minute may end while it is read: what is newest is so in both.
    for (const ago of [0, 1]) await put('latency', ago, 100, 300);
    for (const [statistic, value] of [
      ['Average', 200],
      ['Sum', 400],
      ['Minimum', 100],
      ['Maximum', 300],
      ['SampleCount', 2],
    ] as const)
      assert.deepEqual(await read(of('latency', { statistic })), { ok: true, value }, statistic);
    assert.deepEqual(await read(of('latency'), 'ms'), { ok: true, value: 200 });
    assert.deepEqual(await read(of('latency'), 's'), { ok: true, value: 200_000 });
    const perMinute = await read(of('latency', { statistic: 'Sum' }), 'per-minute');
    assert.ok(perMinute.ok && Math.abs(perMinute.value - 400 / 60) < 1e-9);
  });

  it('is no data where it is old, under way, or not there', async () => {
    await put('stale', 6, 1);
    await noData(of('stale'), /^stale has no datapoint of the last 3m$/);
    assert.deepEqual(await read(of('stale', { maxAge: '10m' })), { ok: true, value: 1 });
    await noData(of('latencie'), /^latencie has no datapoint/);
    await noData(of('latency', { dimensions: { service: 'shap' } }), /no datapoint/);
    await put('early', -2, 7);
    await noData(of('early'), /no datapoint/);
  });

  it('is the idle value where there was nothing to count, as another metric proves', async () => {
    const errors = of('errors', { statistic: 'Sum', idle: { value: 0, while: 'requests' } });
    await noData(errors, /^requests has no datapoint of the last 3m$/);
    await put('errors', 2, 5);
    for (const ago of [0, 1]) await put('requests', ago, 40);
    assert.deepEqual(await read(errors), { ok: true, value: 0 });
    for (const ago of [0, 1]) await put('errors', ago, 3);
    assert.deepEqual(await read(errors), { ok: true, value: 3 });
    await noData(of('latency', { idle: { value: 0, while: 'request' } }), /^request has no datapoint/);
  });

  it('is no data where the answer is not whole, or there is none', async () => {
    for (const ago of [0, 1]) await put('partial', ago, 1);
    const { shim } = account;
    const part = shim.after('cloudwatch:GetMetricData', (_call, answer) => ({
      ...answer,
      body: answer.body.replaceAll('Complete', 'PartialData'),
    }));
    await noData(of('partial'), /^CloudWatch’s answer is not whole: PartialData$/);
    part();
    const denied = shim.before('cloudwatch:GetMetricData', (call) => refusal(call, 'AccessDenied', 'not for you', 403));
    await noData(of('partial'), /^AccessDenied: not for you$/);
    denied();
    const silent = shim.before('cloudwatch:GetMetricData', () => new Promise(() => undefined));
    await noData(of('partial'), /^no answer within 300 ms$/, '300ms');
    silent();
    await noData(of('partial', { endpoint: 'http://127.0.0.1:1' }), /ECONNREFUSED/);
  });

  it('the state of an alarm is 1, 0, or no data', async () => {
    const client = await account.observe.cloudWatch();
    const AlarmName = 'shop is slow';
    await client.putMetricAlarm({
      ...{ AlarmName, Namespace, MetricName: 'latency', Statistic: 'Average', Period: 60, EvaluationPeriods: 1 },
      ...{ Threshold: 1, ComparisonOperator: 'GreaterThanThreshold' },
    });
    const alarm = { measure: 'alarm', alarm: AlarmName };
    const set = (StateValue: 'ALARM' | 'OK' | 'INSUFFICIENT_DATA') =>
      client.setAlarmState({ AlarmName, StateValue, StateReason: 'a test' });
    await set('ALARM');
    assert.deepEqual(await read(alarm), { ok: true, value: 1 });
    await set('OK');
    assert.deepEqual(await read(alarm), { ok: true, value: 0 });
    await set('INSUFFICIENT_DATA');
    await noData(alarm, /^the alarm says INSUFFICIENT_DATA$/);
    await noData({ measure: 'alarm', alarm: 'shop is fast' }, /^there is no alarm shop is fast$/);
  });

  it('the state of a composite alarm is one too; one that cannot be judged is none', async () => {
    // moto makes no composite alarm, and judges none.
    const says = (alarms: object): (() => void) =>
      account.shim.before('cloudwatch:DescribeAlarms', ({ body }) => {
        assert.match(body, /MetricAlarm.*CompositeAlarm/s);
        const headers = { 'content-type': 'application/x-amz-json-1.0' };
        return { status: 200, headers, body: JSON.stringify(alarms) };
      });
    const alarm = { measure: 'alarm', alarm: 'anything' };
    const composite = says({ CompositeAlarms: [{ AlarmName: 'anything', StateValue: 'ALARM' }] });
    assert.deepEqual(await read(alarm), { ok: true, value: 1 });
    composite();
    const partial = { AlarmName: 'anything', StateValue: 'OK', EvaluationState: 'PARTIAL_DATA' };
    const ill = says({ MetricAlarms: [partial] });
    await noData(alarm, /^the alarm cannot be judged: PARTIAL_DATA$/);
    ill();
    const other = says({ MetricAlarms: [{ AlarmName: 'anything else', StateValue: 'OK' }] });
    await noData(alarm, /^there is no alarm anything$/);
    other();
  });
});

const wrong = (settings: Readonly<Record<string, unknown>>, unit = 'count'): string =>
  probesSchema
    .safeParse({ probe: { type: 'cloudwatch', unit, region: 'eu-west-1', ...settings } })
    .error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
    .join('; ') ?? '';

it('settings that cannot be meant are refused', () => {
  const of = { measure: 'statistic', namespace: 'AWS/ApplicationELB', metric: 'RequestCount', statistic: 'Sum' };
  for (const period of ['10s', '30s', '1m', '5m', '1h']) assert.equal(wrong({ ...of, period }), '', period);
  for (const period of ['15s', '90s', '500ms', '2d']) assert.match(wrong({ ...of, period }), /period: expected 10s/);
  assert.equal(wrong({ ...of, statistic: 'p99.9' }, 'ms'), '');
  for (const statistic of ['p101', 'avg', 'tm99'])
    assert.match(wrong({ ...of, statistic }), /statistic: expected Average/);
  assert.match(wrong({ ...of, maxAge: '30s' }), /maxAge: expected at least one period/);
  assert.match(wrong({ ...of, maxAge: '2h' }), /at most 100/);
  assert.match(wrong({ ...of, period: '5m' }, 'per-minute'), /unit: the Sum of 5m is no number per-minute/);
  assert.equal(wrong({ ...of, period: '1h' }, 'per-hour'), '');
  assert.equal(wrong({ ...of, statistic: 'Average' }, 'per-second'), '');
  assert.match(wrong({ ...of, statistic: 'SampleCount' }, 's'), /unit: SampleCount is a count/);
  assert.match(wrong({ measure: 'alarm', alarm: 'a' }, 'ratio'), /unit: the state of an alarm is 0 or 1/);
  assert.match(wrong({ ...of, region: 'europe' }), /region: expected the name of a region/);
  assert.notEqual(wrong({ measure: 'metric' }), '');
});
