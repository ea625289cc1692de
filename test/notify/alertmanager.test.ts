/** A real Alertmanager: an alert fires for a run, is routed by its labels, and ends with the run. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  alertmanager,
  alertmanagerSettings,
  RUN_ABORTED_ALERT,
  RUN_ALERTS,
} from '../../activities/admission/alertmanager.ts';
import type { Delivery, Destination, Kept } from '../../activities/notify/destination.ts';
import { parseDocument } from '../../documents/document.ts';
import type { Notice, NoticeEvent } from '../../domain/notice.ts';
import { notifySchema } from '../../workers/notify-settings.ts';
import { openDestinations } from '../../workers/notify.ts';
import { Alertmanager, SKIP } from '../admission/alertmanager.ts';
import { until } from '../until.ts';
import { noticeOf } from './notices.ts';

describe('a real Alertmanager', { skip: SKIP }, () => {
  let server: Alertmanager;
  before(async () => {
    server = await Alertmanager.start();
  });
  after(() => server.close());

  const destination = (more: object = {}): Destination => {
    const to = { routing: { type: 'alertmanager', url: server.url, ...more } };
    const reportUrl = 'https://reports.example.com/{run}.html';
    const parsed = parseDocument(
      JSON.stringify({ reportUrl, chartUrl: 'https://grafana.example.com/d/shop', to }),
      'squall.yaml',
      notifySchema,
    );
    assert.ok(parsed.ok, JSON.stringify(parsed));
    return openDestinations({ notify: parsed.value, installation: 'any' }).get('routing') ?? assert.fail();
  };
  const now = (run: string, event: NoticeEvent, seq: number): Notice =>
    noticeOf(run, event, seq, { atMs: Date.now() - 10_000 + seq });
  const delivery = (notice: Notice, kept: Kept = {}): Delivery => ({
    notice,
    kept,
    idempotencyKey: 'any',
    signal: new AbortController().signal,
  });

  interface Alert {
    readonly labels: Record<string, string>;
    readonly annotations: Record<string, string>;
    readonly generatorURL: string;
    readonly status: { readonly state: string };
  }
  async function firing(run: string): Promise<Alert[]> {
    const answer = await fetch(`${server.url}/api/v2/alerts?filter=${encodeURIComponent(`run="${run}"`)}`);
    return (await answer.json()) as Alert[];
  }

  it('fires what a run is aborted or stuck by, with labels to route by, and ends it with the run', async () => {
    const run = 'slow-payments-a1';
    const routing = destination();
    assert.deepEqual([...routing.wants], ['aborted', 'stuck', 'closed']);
    let kept = await routing.deliver(delivery(now(run, 'aborted', 1)));
    kept = { ...kept, ...(await routing.deliver(delivery(now(run, 'stuck', 2), kept))) };
    await until(async () => (await firing(run)).length === 2);
    const alerts = await firing(run);
    const aborted = alerts.find(({ labels }) => labels['severity'] === 'warning') ?? assert.fail();
    assert.deepEqual(aborted.labels, {
      alertname: 'ChaosRunAborted',
      severity: 'warning',
      run,
      experiment: 'slow-payments',
      site: 'shop',
      fault: 'host/pause',
    });
    assert.equal(aborted.generatorURL, 'https://grafana.example.com/d/shop');
    assert.equal(aborted.annotations['report'], `https://reports.example.com/${run}.html`);
    assert.match(aborted.annotations['summary'] ?? '', /^slow-payments is ABORTED, .*: it is said$/);
    assert.ok(alerts.some(({ labels }) => labels['alertname'] === 'ChaosRunStuck'));

    await routing.deliver(delivery(now(run, 'closed', 3), kept));
    await until(async () => (await firing(run)).length === 0);
  });

  it('told twice, it fires once', async () => {
    const run = 'slow-payments-b2';
    const notice = now(run, 'aborted', 1);
    for (const _ of [1, 2]) await destination().deliver(delivery(notice));
    await until(async () => (await firing(run)).length === 1);
  });

  it('a run that was aborted is an alert, and no incident that aborts another; so are the rules that say it, and nothing else', async () => {
    const run = 'slow-payments-d4';
    await destination().deliver(delivery(now(run, 'aborted', 1)));
    for (const alertname of RUN_ALERTS.filter((name) => name !== RUN_ABORTED_ALERT))
      await server.alert({ alertname, severity: 'warning', run });
    await until(async () => (await firing(run)).length === RUN_ALERTS.length);
    assert.deepEqual(new Set((await firing(run)).map(({ status }) => status.state)), new Set(['active']));
    const incidents = alertmanager(alertmanagerSettings.parse({ url: server.url, matching: [`run="${run}"`] }));
    assert.deepEqual(await incidents.active(new AbortController().signal), []);
    await server.alert({ alertname: 'CheckoutDown', severity: 'warning', run });
    await until(async () => (await incidents.active(new AbortController().signal)).length === 1);
  });

  it('a run that is open, where that is asked for, is an alert, and no incident that refuses its next stage', async () => {
    const run = 'slow-payments-c3';
    const open = destination({ on: ['started', 'stuck'] });
    const kept = await open.deliver(delivery(now(run, 'started', 1)));
    await until(async () => (await firing(run)).length === 1);
    const incidents = alertmanager(alertmanagerSettings.parse({ url: server.url, matching: [`run="${run}"`] }));
    assert.deepEqual(await incidents.active(new AbortController().signal), []);
    await open.deliver(delivery(now(run, 'stuck', 2), kept));
    await until(async () => (await incidents.active(new AbortController().signal)).length === 1);
  });

  it('of a run of which nothing fired, nothing ends', async () => {
    await destination().deliver(delivery(now('quiet', 'closed', 1)));
    assert.deepEqual(await firing('quiet'), []);
  });
});
