/** Each provider against its contract; what hostile facts and hostile receivers do to it; and what is never said. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it, test } from 'node:test';
import { Undelivered } from '../../activities/notify/destination.ts';
import type { Delivery, Destination, Kept } from '../../activities/notify/destination.ts';
import { parseDocument } from '../../documents/document.ts';
import type { Notice } from '../../domain/notice.ts';
import { notifySchema } from '../../workers/notify-settings.ts';
import { openDestinations } from '../../workers/notify.ts';
import { HOSTILE, saying, startServer } from '../probes/server.ts';
import type { TestServer } from '../probes/server.ts';
import { ROOT } from '../readme/blocks.ts';
import { abortedRun, heldRun, hostileRun, refusedRun, stuckRun } from '../report/journals.ts';
import { allOf, noticeOf } from './notices.ts';
import { GrafanaContract, slackContract, teamsContract, webhookContract } from './receivers.ts';
import type { Received } from './receivers.ts';

/** A secret path, as Slack's and Teams' addresses have it. */
const SECRET_PATH = '/services/T0000/B0000/VerySecretIndeed';
const KEY = 'the-signing-key';

/** The one destination of a `notify:` section. */
function destination(settings: object, more: object = {}): Destination {
  const parsed = parseDocument(JSON.stringify({ ...more, to: { ops: settings } }), 'squall.yaml', notifySchema);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return openDestinations({ notify: parsed.value, installation: 'shop-prod' }).get('ops') ?? assert.fail();
}

function delivery(notice: Notice, kept: Kept = {}): Delivery {
  const idempotencyKey = `${notice.run}/${notice.key.replaceAll(' ', '-')}/ops`;
  return { notice, kept, idempotencyKey, signal: new AbortController().signal };
}

const refusal = async (told: Promise<unknown>): Promise<Undelivered> =>
  told.then(
    () => assert.fail('it was taken'),
    (error: unknown) => (error instanceof Undelivered ? error : assert.fail(String(error))),
  );

let server: TestServer;
before(async () => {
  server = await startServer();
  process.env['TEST_NOTIFY_URL'] = `${server.url}${SECRET_PATH}`;
  process.env['TEST_NOTIFY_KEY'] = KEY;
  process.env['TEST_NOTIFY_TOKEN'] = 'glsa_a-token';
});
after(() => server.close());

const URL_FROM = { urlFrom: { env: 'TEST_NOTIFY_URL' } };

describe('Slack', () => {
  const texts: string[] = [];
  const slack = (more: object = {}, section: object = {}): Destination =>
    destination({ type: 'slack', ...URL_FROM, ...more }, section);
  before(() =>
    server.answer(slackContract(SECRET_PATH, ({ text, blocks }) => texts.push(text, JSON.stringify(blocks)))),
  );

  it('takes every notice of every kind of run', async () => {
    const reportUrl = 'https://reports.example.com/{run}.html';
    const notices = [heldRun(), abortedRun(), refusedRun(), stuckRun(), hostileRun()].flatMap(allOf);
    assert.deepEqual(
      new Set(notices.map(({ event }) => event)),
      new Set(['started', 'stage', 'aborted', 'stuck', 'recovered', 'refused', 'closed']),
    );
    const chartUrl = 'https://grafana.example.com/d/shop?from={from}&to={to}';
    for (const notice of notices) await slack({}, { reportUrl, chartUrl }).deliver(delivery(notice));
    assert.ok(texts.includes('slow-payments is ABORTED, immediate: error-rate 7.1% is above 5%, sustained for 60 s'));
    assert.ok(
      texts.some((text) => text.includes('<https://reports.example.com/slow-payments-20261123-140000-b2.html|report>')),
    );
    // Of an abort the chart is there at once, from the run's start to this moment.
    const aborted = allOf(abortedRun()).find(({ event }) => event === 'aborted') ?? assert.fail();
    const times = `from=${aborted.startedAtMs}&amp;to=${aborted.atMs}`;
    assert.ok(texts.some((text) => text.includes(`<https://grafana.example.com/d/shop?${times}|chart>`)));
  });

  it('what comes from outside calls nobody and links nowhere', async () => {
    texts.length = 0;
    const evil = noticeOf('evil', 'aborted', 1);
    const facts = { ...evil.facts, evidence: '<!channel> <https://evil.example|look> & so on' };
    await slack({ text: { aborted: '<!here> {experiment}: {evidence}' } }).deliver(delivery({ ...evil, facts }));
    assert.equal(texts[0], '<!here> slow-payments: &lt;!channel&gt; &lt;https://evil.example|look&gt; &amp; so on');
  });

  it('refuses for good, or for now', async () => {
    const notice = noticeOf('any', 'started', 0);
    for (const [status, final] of [
      [400, true],
      [404, false],
      [429, false],
      [500, false],
      [302, false],
    ] as const) {
      server.answer(saying(`${SECRET_PATH} invalid_payload`, status));
      const { message, final: forGood } = await refusal(slack().deliver(delivery(notice)));
      assert.deepEqual([message, forGood], [`it answers with status ${status}`, final]);
    }
  });
});

describe('Microsoft Teams', () => {
  const teams = (): Destination =>
    destination(
      { type: 'teams', ...URL_FROM },
      { reportUrl: 'https://reports.example.com/{run}.html', chartUrl: 'https://grafana.example.com/d/shop?to={to}' },
    );

  it('takes every notice of every kind of run', async () => {
    const cards: string[] = [];
    server.answer(teamsContract((message) => cards.push(JSON.stringify(message))));
    const notices = [heldRun(), abortedRun(), refusedRun(), stuckRun(), hostileRun()].flatMap(allOf);
    for (const notice of notices) await teams().deliver(delivery(notice));
    assert.equal(cards.length, notices.length);
    assert.ok(
      cards.every((card) => /"title":"Chart","url":"https:\/\/grafana\.example\.com\/d\/shop\?to=\d+"/.test(card)),
    );
  });

  it('that answers 200 and says that it has not delivered has not', async () => {
    server.answer(
      saying('Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429'),
    );
    const { message, final } = await refusal(teams().deliver(delivery(noticeOf('any', 'started', 0))));
    assert.deepEqual([message, final], ['it says that it did not deliver', false]);
  });
});

describe('a webhook of one’s own', () => {
  const webhook = (more: object = {}): Destination =>
    destination({ type: 'webhook', url: `${server.url}/hook`, secretFrom: { env: 'TEST_NOTIFY_KEY' }, ...more });
  const abort = allOf(abortedRun()).find(({ event }) => event === 'aborted') ?? assert.fail();

  it('takes every notice as a CloudEvent, known by its key', async () => {
    const ids: string[] = [];
    server.answer(webhookContract(KEY, ({ id }) => ids.push(id)));
    const notices = [heldRun(), abortedRun(), stuckRun()].flatMap(allOf);
    for (const notice of notices) for (const _ of [1, 2]) await webhook().deliver(delivery(notice));
    assert.deepEqual(
      [ids.length, new Set(ids).size],
      [2 * notices.length, notices.length],
      'told twice, it is the same',
    );
  });

  it('says what happened, with the evidence', async () => {
    let seen: Record<string, unknown> = {};
    server.answer(webhookContract(KEY, (event) => (seen = event)));
    await webhook({ urlFrom: { env: 'TEST_NOTIFY_URL' }, url: undefined }).deliver(delivery(abort));
    const { id: _, ...event } = seen;
    assert.deepEqual(event, {
      specversion: '1.0',
      source: '/squall/shop-prod',
      type: 'squall.run.aborted',
      subject: abort.run,
      time: '2026-11-23T14:19:18.000Z',
      datacontenttype: 'application/json',
      data: {
        text: 'slow-payments is ABORTED, immediate: error-rate 7.1% is above 5%, sustained for 60 s',
        run: abort.run,
        experiment: 'slow-payments',
        hypothesis: 'Checkout stays under 800 ms at p99 while payments answers 100 ms late',
        fault: 'host/stutter',
        site: 'prod-eu',
        event: 'aborted',
        cause: 'stop-condition',
        mode: 'immediate',
        evidence: 'error-rate 7.1% is above 5%, sustained for 60 s',
        stage: '4',
      },
    });
  });

  it('is verified by the snippet of docs/notify.md, which takes nothing else', async () => {
    let received: Received | undefined;
    server.answer(webhookContract(KEY, (_, request) => (received = request)));
    await webhook().deliver(delivery(abort));
    const page = await readFile(join(ROOT, 'docs', 'notify.md'), 'utf8');
    const snippet = /^```js\n([^]*?)^```$/m.exec(page)?.[1] ?? assert.fail('no snippet');
    const { isFromSquall } = (await import(`data:text/javascript,${encodeURIComponent(snippet)}`)) as {
      isFromSquall: (header: string, body: string, key: string, nowS?: number) => boolean;
    };
    const { headers, body } = received ?? assert.fail('nothing arrived');
    const header = String(headers['squall-signature']);
    const atS = Number(/^t=(\d+)/.exec(header)?.[1]);
    const table: [what: string, args: Parameters<typeof isFromSquall>, right: boolean][] = [
      ['as it came', [header, body, KEY], true],
      ['with another key', [header, body, 'another'], false],
      ['with another body', [header, body.replace('7.1%', '0.1%'), KEY], false],
      ['with another time', [header.replace(/^t=\d+/, `t=${atS + 1}`), body, KEY], false],
      ['replayed later', [header, body, KEY, atS + 301], false],
      ['without a signature', [`t=${atS}`, body, KEY], false],
      ['with a short signature', [`t=${atS},v1=ab`, body, KEY], false],
      ['with no header', ['', body, KEY], false],
    ];
    for (const [what, args, right] of table) assert.equal(isFromSquall(...args), right, what);
  });
});

describe('Grafana', () => {
  const grafana = (more: object = {}): Destination =>
    destination(
      { type: 'grafana', url: `${server.url}/`, tokenFrom: { env: 'TEST_NOTIFY_TOKEN' }, ...more },
      { reportUrl: 'https://reports.example.com/{run}.html' },
    );
  const [started, closed] = ['started', 'closed'].map(
    (wanted) => allOf(abortedRun()).find(({ event }) => event === wanted) ?? assert.fail(),
  ) as [Notice, Notice];

  it('shows a run as one region, from its start to its end', async () => {
    const contract = new GrafanaContract('glsa_a-token');
    server.answer(contract.handler);
    assert.deepEqual([...grafana().wants], ['started', 'closed']);
    const kept = await grafana().deliver(delivery(started));
    assert.deepEqual(kept, { annotation: 41 });
    assert.equal(contract.annotations.get(41)?.timeEnd, undefined);
    await grafana().deliver(delivery(closed, kept));
    assert.equal(contract.annotations.size, 1);
    const { time, timeEnd, tags, text } = contract.annotations.get(41) ?? assert.fail();
    assert.deepEqual([time, timeEnd], [started.atMs, closed.atMs]);
    assert.deepEqual(tags?.slice(0, 3), ['squall', `run:${started.run}`, 'experiment:slow-payments']);
    assert.deepEqual(tags.slice(-2), ['status:aborted', 'verdict:deviated']);
    assert.match(text ?? '', /^slow-payments is over, aborted, deviated: .*<a href="https:\/\/reports/);
  });

  it('shows the whole region at the end where its start could not be told', async () => {
    const contract = new GrafanaContract('glsa_a-token');
    server.answer(contract.handler);
    await grafana({ dashboard: 'shop-overview' }).deliver(delivery(closed));
    const { time, timeEnd, dashboardUID } = contract.annotations.get(41) ?? assert.fail();
    assert.deepEqual([time, timeEnd, dashboardUID], [started.atMs, closed.atMs, 'shop-overview']);
  });

  it('is never asked at a path that somebody says was kept', async () => {
    const contract = new GrafanaContract('glsa_a-token');
    const paths: (string | undefined)[] = [];
    server.answer((request, response) => {
      paths.push(`${request.method} ${request.url}`);
      contract.handler(request, response);
    });
    for (const annotation of ['../admin/users/1', '41', 1.5, -1])
      await grafana().deliver(delivery(closed, { annotation }));
    assert.deepEqual(new Set(paths), new Set(['POST /api/annotations']));
  });

  it('whose answer has no id is not asked again, which would make another', async () => {
    server.answer(saying('{"message":"Annotation added"}', 200, 'application/json'));
    const { message, final } = await refusal(grafana().deliver(delivery(started)));
    assert.deepEqual([message, final], ['its answer has no id of the annotation', true]);
  });
});

/** An answer of 200 is one, whatever its text. */
const WELL_MEANT: ReadonlySet<string> = new Set([
  'nothing at all',
  'a page instead of data',
  'compression that is none',
]);

describe('a receiver that cannot be trusted', () => {
  it('delays a delivery no longer than its limit, is followed nowhere, and its words are not repeated', async () => {
    const elsewhere = await startServer();
    const slack = destination({ type: 'slack', ...URL_FROM });
    server.answer((_, response) => response.writeHead(307, { location: elsewhere.url }).end());
    await refusal(slack.deliver(delivery(noticeOf('any', 'started', 0))));
    assert.equal(elsewhere.requests, 0);
    await elsewhere.close();
    const hostile = Object.entries(HOSTILE).filter(([what]) => !WELL_MEANT.has(what));
    const said = hostile.map(async ([what, handler], i): Promise<string> => {
      const own = await startServer(handler);
      process.env[`TEST_NOTIFY_HOSTILE_${i}`] = `${own.url}${SECRET_PATH}`;
      const told = destination({ type: 'slack', urlFrom: { env: `TEST_NOTIFY_HOSTILE_${i}` } });
      const why = told.deliver(delivery(noticeOf('any', 'started', 0))).then(
        () => 'it was taken',
        (error: unknown) => (error instanceof Undelivered ? error.message : `a bug: ${String(error)}`),
      );
      return why.then((words) => `${what}: ${words}`).finally(() => own.close());
    });
    for (const words of await Promise.all(said)) assert.doesNotMatch(words, /taken|a bug|Secret|127\.0\.0\.1/);
  });

  it('a secret that is missing or is no address is named by its reference, and asked for again', async () => {
    process.env['TEST_NOTIFY_NOT_URL'] = 'file:///etc/VerySecretIndeed';
    process.env['TEST_NOTIFY_USER'] = 'https://ada:VerySecretIndeed@example.com/';
    for (const [name, says] of [
      ['TEST_NOTIFY_NONE', 'the environment variable TEST_NOTIFY_NONE holds no secret'],
      ['TEST_NOTIFY_NOT_URL', 'TEST_NOTIFY_NOT_URL holds no http or https URL without user and password'],
      ['TEST_NOTIFY_USER', 'TEST_NOTIFY_USER holds no http or https URL without user and password'],
    ] as const) {
      const slack = destination({ type: 'slack', urlFrom: { env: name } });
      const { message, final } = await refusal(slack.deliver(delivery(noticeOf('any', 'started', 0))));
      assert.deepEqual([message, final], [says, false]);
    }
  });
});

test('a text is bounded, whatever its facts are', async () => {
  const taken: string[] = [];
  server.answer(slackContract(SECRET_PATH, ({ text }) => taken.push(text)));
  const long = noticeOf('long', 'aborted', 0);
  const facts = { ...long.facts, evidence: '<'.repeat(600) };
  const text = { aborted: '{evidence}'.repeat(90) };
  await destination({ type: 'slack', ...URL_FROM, text }).deliver(delivery({ ...long, facts }));
  assert.equal(taken[0]?.length, 2_900);
});
