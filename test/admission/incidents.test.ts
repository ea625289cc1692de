/** Incidents: as a real Alertmanager, PagerDuty's contract and any endpoint tell them; and what cannot be read. */
import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { after, before, describe, it, test } from 'node:test';
import { alertmanager, alertmanagerSettings } from '../../activities/admission/alertmanager.ts';
import { climb } from '../../activities/admission/guard.ts';
import { httpIncidents, httpIncidentSettings } from '../../activities/admission/http-incidents.ts';
import { incidentsGuard } from '../../activities/admission/incidents.ts';
import type { IncidentSource } from '../../activities/admission/incidents.ts';
import { pagerduty, pagerdutySettings } from '../../activities/admission/pagerduty.ts';
import { pausing } from '../../bench/torture/experiment.ts';
import type { GuardAnswer } from '../../domain/admission.ts';
import { HOSTILE, saying, startServer } from '../probes/server.ts';
import type { TestServer } from '../probes/server.ts';
import { until } from '../until.ts';
import { Alertmanager, SKIP } from './alertmanager.ts';
import { asked } from './asked.ts';

const experiment = pausing({
  fault: 'host/pause',
  group: 'any',
  seed: 'any',
  ttlMs: 5_000,
  stages: [1],
  holdMs: 5_000,
});

async function ask(...sources: IncidentSource[]): Promise<GuardAnswer> {
  const [answer] = await climb([incidentsGuard(sources)], asked(experiment), new AbortController().signal);
  return answer ?? assert.fail('no answer');
}

describe('a real Alertmanager', { skip: SKIP }, () => {
  let server: Alertmanager;
  const source = (...matching: string[]): IncidentSource =>
    alertmanager(alertmanagerSettings.parse({ url: server.url, matching }));
  before(async () => {
    server = await Alertmanager.start();
  });
  after(() => server.close());

  it('passes where nothing fires, and refuses by what does', async () => {
    const calm = await ask(source());
    assert.deepEqual(calm, {
      guard: 'no-incidents',
      passed: true,
      found: `no incident, says Alertmanager at ${new URL(server.url).host}`,
    });
    await server.alert({ alertname: 'CheckoutDown', severity: 'critical', service: 'checkout', team: 'shop' });
    await until(async () => !(await ask(source())).passed);
    const refused = await ask(source());
    assert.match(refused.found, /^Alertmanager at 127\.0\.0\.1:\d+: CheckoutDown fires since 20/);
  });

  it('asks for the labels that were named, all of them', async () => {
    assert.equal((await ask(source('severity="critical"', 'team=~"shop|pay"'))).passed, false);
    assert.equal((await ask(source('severity="critical"', 'team="pay"'))).passed, true);
    const wrong = await ask(source('severity'));
    assert.deepEqual([wrong.passed, /cannot be read: .*status 400/.test(wrong.found)], [false, true], wrong.found);
  });

  it('what is silenced, inhibited or over is no incident', async () => {
    const silenced = await server.silence('CheckoutDown');
    await until(async () => (await ask(source())).passed);
    await silenced();
    await until(async () => !(await ask(source())).passed);

    // The critical alert of the same service inhibits it.
    await server.alert({ alertname: 'CheckoutSlow', severity: 'warning', service: 'checkout' });
    await server.alert({ alertname: 'PaymentsSlow', severity: 'warning', service: 'payments' });
    await until(async () => /PaymentsSlow/.test((await ask(source('severity="warning"'))).found));
    assert.doesNotMatch((await ask(source('severity="warning"'))).found, /CheckoutSlow/);

    await server.alert({ alertname: 'CheckoutDown', severity: 'critical', service: 'checkout', team: 'shop' }, false);
    await until(async () => (await ask(source('severity="critical"'))).passed);
  });

  it('many are counted, and three are told', async () => {
    for (const n of [1, 2, 3, 4, 5]) await server.alert({ alertname: `Many${n}`, group: 'many' });
    await until(async () => /; and 2 more$/.test((await ask(source('group="many"'))).found));
  });
});

/** PagerDuty's REST API v2 as its reference describes `GET /incidents`: what it demands of a request, and how it answers. */
function pagerdutyContract(open: readonly { id: number; service: string; status: string; title: string }[]) {
  return (request: IncomingMessage): { status: number; body: unknown } => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://any');
    if (request.headers.authorization !== 'Token token=a-key')
      return { status: 401, body: { error: { code: 2006, message: 'Invalid token' } } };
    if (request.headers.accept !== 'application/vnd.pagerduty+json;version=2')
      return { status: 400, body: { error: { code: 2001, message: 'Invalid Accept header' } } };
    if (request.method !== 'GET' || pathname !== '/incidents') return { status: 404, body: {} };
    const statuses = searchParams.getAll('statuses[]');
    const services = searchParams.getAll('service_ids[]');
    const incidents = open
      .filter(({ status }) => statuses.includes(status))
      .filter(({ service }) => services.length === 0 || services.includes(service))
      .map(({ id, service, status, title }) => ({
        id: `Q${id}`,
        type: 'incident',
        incident_number: id,
        title,
        status,
        service: { id: service, type: 'service_reference' },
      }));
    return { status: 200, body: { incidents, limit: 100, offset: 0, total: null, more: false } };
  };
}

describe('PagerDuty', () => {
  let server: TestServer;
  before(async () => {
    server = await startServer();
    process.env['TEST_PAGERDUTY'] = 'a-key';
    process.env['TEST_PAGERDUTY_WRONG'] = 'another';
  });
  after(() => server.close());
  const source = (more: Readonly<Record<string, unknown>> = {}): IncidentSource =>
    pagerduty(pagerdutySettings.parse({ url: server.url, tokenFrom: { env: 'TEST_PAGERDUTY' }, ...more }));
  const knows = (...open: Parameters<typeof pagerdutyContract>[0]): void => {
    const contract = pagerdutyContract(open);
    server.answer((request, response) => {
      const { status, body } = contract(request);
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
  };

  it('an incident that is triggered or acknowledged refuses; one that is resolved does not', async () => {
    knows({ id: 7, service: 'PSHOP', status: 'resolved', title: 'over' });
    assert.deepEqual(await ask(source()), {
      guard: 'no-incidents',
      passed: true,
      found: 'no incident, says PagerDuty',
    });
    knows({ id: 8, service: 'PSHOP', status: 'acknowledged', title: 'Checkout is down' });
    assert.equal((await ask(source())).found, 'PagerDuty: #8 is acknowledged: Checkout is down');
    assert.equal((await ask(source({ services: ['PPAY'] }))).passed, true);
    assert.equal((await ask(source({ services: ['PPAY', 'PSHOP'] }))).passed, false);
  });

  it('a token that is wrong or missing refuses, and is told to nobody', async () => {
    knows();
    const wrong = await ask(source({ tokenFrom: { env: 'TEST_PAGERDUTY_WRONG' } }));
    assert.equal(wrong.found, 'cannot be read: PagerDuty: it answers with status 401');
    const missing = await ask(source({ tokenFrom: { env: 'TEST_PAGERDUTY_NONE' } }));
    assert.match(
      missing.found,
      /^cannot be read: PagerDuty: the environment variable TEST_PAGERDUTY_NONE holds no secret/,
    );
    assert.equal(missing.passed || wrong.passed, false);
  });
});

describe('an endpoint of one’s own', () => {
  let server: TestServer;
  before(async () => {
    server = await startServer();
  });
  after(() => server.close());
  const source = (calmWhen: unknown, jsonPointer = '/open'): IncidentSource =>
    httpIncidents(httpIncidentSettings.parse({ url: server.url, jsonPointer, calmWhen }));

  it('is calm when it says so, and nothing else is calm', async () => {
    const table: [answer: unknown, calmWhen: unknown, found: RegExp, passed: boolean][] = [
      [{ open: 0 }, { equals: 0 }, /^no incident/, true],
      [{ open: 2 }, { equals: 0 }, /\/open is 2$/, false],
      [{ open: '0' }, { equals: 0 }, /\/open is "0"$/, false],
      [{ open: null }, { equals: null }, /^no incident/, true],
      [{ open: [] }, 'empty', /^no incident/, true],
      [{ open: [{ id: 1 }] }, 'empty', /\/open is \[\{"id":1\}\]$/, false],
      [{ open: '' }, 'empty', /^no incident/, true],
      [{ open: 0 }, 'empty', /cannot be read: .*expected a list or a text/, false],
      [{ closed: 1 }, { equals: 0 }, /cannot be read: .*nothing at \/open/, false],
      [{}, 'empty', /cannot be read: .*nothing at \/open/, false],
    ];
    for (const [answer, calmWhen, found, passed] of table) {
      server.answer(saying(JSON.stringify(answer), 200, 'application/json'));
      const said = await ask(source(calmWhen));
      assert.match(said.found, found);
      assert.equal(said.passed, passed, said.found);
    }
  });

  it('refuses where the answer is none: another status, no JSON, nobody, or no end', async () => {
    server.answer(saying('{"open":0}', 500, 'application/json'));
    assert.match((await ask(source({ equals: 0 }))).found, /cannot be read: .*status 500/);
    server.answer(saying('open: 0', 200));
    assert.match((await ask(source({ equals: 0 }))).found, /cannot be read: .*no JSON/);
    server.answer((_, response) => response.writeHead(302, { location: 'http://192.0.2.1/' }).end());
    assert.match(
      (await ask(source({ equals: 0 }))).found,
      /cannot be read: .*status 302/,
      'a redirect is not followed',
    );
    for (const [what, handler] of Object.entries(HOSTILE)) {
      server.answer(handler);
      const { passed, found } = await ask(source({ equals: 0 }));
      assert.deepEqual([passed, found.startsWith('cannot be read: ')], [false, true], `${what}: ${found}`);
    }
  });
});

test('one source that cannot be read refuses, whatever the others say', async () => {
  const calm: IncidentSource = { name: 'calm', active: async () => [] };
  const dead: IncidentSource = { name: 'dead', active: () => Promise.reject(new Error('it is gone')) };
  assert.equal((await ask(calm)).passed, true);
  assert.deepEqual(await ask(calm, dead), {
    guard: 'no-incidents',
    passed: false,
    found: 'cannot be read: dead: it is gone',
    unreadable: true,
  });
});
