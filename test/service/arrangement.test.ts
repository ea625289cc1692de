/** The services that docker-compose.yml states, run as it states them as far as there are no containers: see container.ts. */
import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Connection } from '@temporalio/client';
import { z } from 'zod';
import { SEARCH_ATTRIBUTES } from '../../workflows/story.ts';
import { eventsOf } from '../cli/squall.ts';
import type { Ended } from '../cli/squall.ts';
import { until } from '../until.ts';
import { Arrangement } from './arrangement.ts';
import { SKIP } from './container.ts';
import { oneReplicaFreezes } from './experiment.ts';

/** Temporal's number for the type Keyword. */
const KEYWORD = 2;
/** Exit codes of a run that was refused, and of one that nobody could watch well enough to judge it. */
const REFUSED = 3;
const NO_VERDICT = 6;
const WORKERS = ['control', 'site', 'shop-site'];
const targets = z.object({
  data: z.object({ activeTargets: z.array(z.object({ scrapePool: z.string(), health: z.string() })) }),
});
const admission = z.object({
  guards: z.array(z.object({ guard: z.string(), passed: z.boolean(), found: z.string() })),
});
const alerts = z.array(z.object({ labels: z.looseObject({ alertname: z.string() }) }));

describe('the services of docker-compose.yml', { skip: SKIP }, () => {
  let services: Arrangement;
  before(async () => {
    services = await Arrangement.open();
    await services.startDevTemporal();
  });
  after(() => services.close());

  const ask = async <T>(service: string, path: string, schema: z.ZodType<T>): Promise<T> => {
    const answer = await fetch(`http://${services.addressOf(service)}:${path}`);
    return schema.parse(await answer.json());
  };
  const firing = async (): Promise<string[]> =>
    (await ask('alertmanager', '9093/api/v2/alerts', alerts)).map(({ labels }) => labels.alertname);
  const write = (name: string, hold: string): Promise<void> =>
    writeFile(join(services.volume('control'), name), oneReplicaFreezes(hold));
  /** How the short run ends, which is tried again where it ends with one of these codes. */
  const short = async (...again: readonly number[]): Promise<Ended> => {
    const run = (): Promise<Ended> => services.squall('--json', 'run', '/var/lib/squall/short.yaml');
    let ended = await run();
    const isToBeTried = (): boolean => ended.code !== null && again.includes(ended.code);
    await until(async () => {
      if (isToBeTried()) ended = await run();
      return !isToBeTried();
    });
    return ended;
  };
  /** What each guard said last. */
  const guardsOf = (out: string): Map<string, string> =>
    new Map(
      eventsOf(out)
        .filter(({ event }) => event === 'admission')
        .flatMap((event) => admission.parse(event).guards)
        .map(({ guard, passed, found }) => [guard, `${passed}: ${found}`]),
    );

  it('the namespace is made with exactly the search attributes that runs have, and made again without harm', async () => {
    const connection = await Connection.connect({ address: services.temporal });
    try {
      for (const namespace of ['default', 'another', 'another']) {
        await services.complete('temporal-namespace', { TEMPORAL_NAMESPACE: namespace });
        const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
        const wanted = Object.values(SEARCH_ATTRIBUTES).map(({ name }) => [name, KEYWORD]);
        const found = Object.entries(customAttributes ?? {}).filter(([name]) => name.startsWith('Chaos'));
        assert.deepEqual(found.toSorted(), wanted.toSorted(), namespace);
      }
    } finally {
      await connection.close();
    }
  });

  it('every service becomes healthy by its own health check, which fails before it is there', async () => {
    for (const name of ['alertmanager', 'prometheus', 'shop', ...WORKERS]) {
      assert.notEqual((await services.health(name)).code, 0, name);
      await services.start(name);
      await services.healthy(name);
    }
  });

  it('Prometheus reads all of them, and no alert is wrong', async () => {
    const known = async (): Promise<string[]> =>
      (await ask('prometheus', '9090/api/v1/targets', targets)).data.activeTargets
        .filter(({ health }) => health === 'up')
        .map(({ scrapePool }) => scrapePool)
        .toSorted();
    const jobs = ['alertmanager', 'prometheus', 'shop', 'squall-control', 'squall-site', 'squall-site', 'temporal'];
    await until(async () => (await known()).join() === jobs.join());
    assert.deepEqual(await firing(), []);
  });

  it('a run is admitted by the guards as configured, and does its fault to the shop beside', async () => {
    await write('short.yaml', '12s');
    // Rates need a few samples first.
    const ended = await short(NO_VERDICT, REFUSED);
    assert.equal(ended.code, 0, `${ended.out}${ended.err}`);
    const guards = guardsOf(ended.out);
    assert.equal(guards.get('no-incidents'), 'true: no incident, says Alertmanager at alertmanager:9093');
    for (const guard of ['emergency-stop', 'healthy', 'capacity'])
      assert.match(guards.get(guard) ?? '', /^true: /, guard);
    assert.ok((await readdir(join(services.volume('control'), 'journal'))).length > 0);
  });

  it('an alert of a run that was aborted gets to Alertmanager, and is no incident', async () => {
    await write('long.yaml', '10m');
    const started = await services.squall('--json', 'run', '/var/lib/squall/long.yaml', '--detach');
    const run = String(eventsOf(started.out).find((event) => 'run' in event)?.['run']);
    await until(async () => /holding/.test((await services.squall('--json', 'status', run)).out));
    assert.equal((await services.squall('abort', run, '--reason', 'a test')).code, 0);
    await until(async () => (await firing()).includes('SquallRunAborted'));
    const { code, out } = await short(NO_VERDICT);
    assert.equal(code, 0, out);
  });

  it('an incident refuses; so does an Alertmanager that does not answer, and a stop file', async () => {
    const refused = async (guard: string, found: RegExp): Promise<void> => {
      const { code, out } = await services.squall('--json', 'run', '/var/lib/squall/short.yaml');
      assert.match(guardsOf(out).get(guard) ?? '', found, out);
      assert.equal(code, 3, out);
    };
    const posted = await fetch(`http://${services.addressOf('alertmanager')}:9093/api/v2/alerts`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify([{ labels: { alertname: 'CheckoutDown', severity: 'critical' } }]),
    });
    assert.ok(posted.ok);
    await until(async () => (await firing()).includes('CheckoutDown'));
    await refused('no-incidents', /^false: Alertmanager at alertmanager:9093: CheckoutDown fires since/);

    await services.end('alertmanager');
    await refused('no-incidents', /^false: cannot be read: /);

    await writeFile(join(services.volume('control'), 'stop'), '');
    // By the guard that looks, or by the latch that the file has pulled, whichever is first.
    const { code, out } = await services.squall('--json', 'run', '/var/lib/squall/short.yaml');
    assert.match(out, /"status":"refused","deviated":null,"reason":"emergency-stop: everything is stopped/);
    assert.equal(code, 3, out);
  });

  it('workers end in order when they are told to', async () => {
    for (const name of WORKERS) assert.equal(await services.end(name), 0, services.saidBy(name));
  });
});
