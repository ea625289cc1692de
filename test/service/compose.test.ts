/** What this repository asks of its compose file; the Compose specification's JSON Schema is asked by `npm run lint`. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import pkg from '../../package.json' with { type: 'json' };
import { ROOT } from '../readme/blocks.ts';
import { COMPOSE, DOCKERFILE, mountsOf, serviceOf } from './compose.ts';

const SERVICES = Object.entries(COMPOSE.services);
/** Services that run to their end. */
const ONE_SHOTS = SERVICES.filter(([, { restart }]) => restart === 'no').map(([name]) => name);

describe('docker-compose.yml', () => {
  it('has a name, and starts without a profile all but the demo shop', () => {
    assert.equal(COMPOSE.name, 'squall');
    const demo = SERVICES.filter(([, { profiles }]) => profiles.includes('demo')).map(([name]) => name);
    assert.deepEqual(demo, ['shop', 'shop-site']);
    for (const [name, { profiles, depends_on, pid }] of SERVICES)
      for (const other of [...Object.keys(depends_on), ...(pid ? [pid.replace('service:', '')] : [])])
        for (const profile of serviceOf(other).profiles)
          assert.ok(profiles.includes(profile), `${name} needs ${other}, which only profile ${profile} starts`);
  });

  it('waits for what can be waited for: what is healthy has a health check, what completes is a one-shot', () => {
    assert.deepEqual(ONE_SHOTS, ['temporal-schema', 'temporal-namespace']);
    for (const [name, { depends_on, healthcheck }] of SERVICES) {
      assert.equal(healthcheck === undefined, ONE_SHOTS.includes(name), `${name} runs on and has no health check`);
      for (const [other, { condition }] of Object.entries(depends_on))
        assert.equal(condition === 'service_healthy', !ONE_SHOTS.includes(other), `${name} waits for ${other}`);
    }
    const before = (name: string): string[] =>
      Object.keys(serviceOf(name).depends_on).flatMap((other) => [other, ...before(other)]);
    for (const worker of ['control', 'site', 'shop-site'])
      assert.deepEqual(
        ['postgresql', 'temporal-schema', 'temporal', 'temporal-namespace'].filter(
          (name) => !before(worker).includes(name),
        ),
        [],
        worker,
      );
  });

  it('pins every image; its own has the version of this repository and is never pulled', () => {
    for (const [name, { image, build, pull_policy }] of SERVICES) {
      assert.match(image, /:v?\d+\.\d+(\.\d+)?(-[a-z]+)?(@sha256:[0-9a-f]{64})?$/, name);
      if (build === undefined) continue;
      assert.deepEqual([image, pull_policy], [`squall:${pkg.version}`, 'build']);
      assert.ok(existsSync(join(ROOT, build.context, build.dockerfile)));
    }
    assert.equal(serviceOf('temporal').image.split(':')[1], serviceOf('temporal-schema').image.split(':')[1]);
  });

  it('mounts files that are there, read-only, and volumes and secrets that are declared and used', () => {
    const mounts = SERVICES.flatMap(([, service]) => mountsOf(service));
    for (const { source, isNamed, readOnly } of mounts) {
      if (isNamed) assert.ok(source in COMPOSE.volumes, source);
      else assert.ok(existsSync(join(ROOT, source)) && readOnly, source);
    }
    const secrets = SERVICES.flatMap(([, service]) => service.secrets);
    assert.deepEqual(new Set(Object.keys(COMPOSE.secrets)), new Set(secrets));
    const used = mounts.filter(({ isNamed }) => isNamed).map(({ source }) => source);
    assert.deepEqual(new Set(Object.keys(COMPOSE.volumes)), new Set(used));
  });

  it('has no secret in it, and the folder of the secrets is in no commit and in no image', () => {
    for (const [name, { environment }] of SERVICES)
      for (const [key, value] of Object.entries(environment))
        assert.ok(!/PASS|PWD|TOKEN|SECRET|KEY/.test(key) || value.startsWith('/run/secrets/'), `${name}: ${key}`);
    const folders = Object.values(COMPOSE.secrets).map(({ file }) => file.slice(0, file.lastIndexOf('/') + 1));
    const ignored = readFileSync(join(ROOT, '.gitignore'), 'utf8').split('\n');
    for (const folder of folders) assert.ok(ignored.includes(folder), folder);
    const [first, ...rest] = readFileSync(join(ROOT, 'deploy/Dockerfile.dockerignore'), 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    assert.equal(first, '*');
    assert.deepEqual(
      rest.filter((line) => !line.startsWith('!')),
      [],
    );
    assert.ok(!rest.some((line) => folders.some((folder) => folder.startsWith(`${line.slice(1)}/`))));
  });

  it('publishes on the loopback only, and gives no service what it does not need', () => {
    for (const [name, service] of SERVICES) {
      for (const port of service.ports) assert.match(port, /^127\.0\.0\.1:\d+:\d+$/, name);
      assert.deepEqual(
        [service.read_only, service.cap_drop, service.security_opt, service.tmpfs.includes('/tmp')],
        [true, ['ALL'], ['no-new-privileges:true'], true],
        name,
      );
    }
  });
});

describe('deploy/Dockerfile', () => {
  const all = (keyword: string): (readonly string[])[] =>
    DOCKERFILE.filter((instruction) => instruction.keyword === keyword).map(({ words }) => words);

  it('starts from a pinned image of the Node that the lock file has', () => {
    const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { version: string }>;
    };
    const node = packages['node_modules/node']?.version ?? assert.fail('no node in the lock file');
    assert.deepEqual(all('FROM'), [[`node:${node}-bookworm-slim`]]);
  });

  it('copies what is there and what its ignore file lets through, and ends as a user without rights', () => {
    const let_ = readFileSync(join(ROOT, 'deploy/Dockerfile.dockerignore'), 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    const sources = all('COPY').flatMap((words) => words.slice(0, -1));
    for (const source of sources) assert.ok(existsSync(join(ROOT, source)), source);
    assert.deepEqual(sources.toSorted(), let_.toSorted());
    assert.deepEqual(all('USER'), [['node']]);
    assert.equal(DOCKERFILE.at(-1)?.keyword, 'ENTRYPOINT');
  });
});

it('what the workers and Prometheus are told to reach is a service of the compose file', () => {
  const texts = ['squall.yaml', 'prometheus.yml', 'temporal/server.yaml'].map((file) =>
    readFileSync(join(ROOT, 'deploy', file), 'utf8'),
  );
  const hosts = texts.flatMap((text) => [
    ...[...text.matchAll(/https?:\/\/([a-z-]+):\d+/g)].map(([, host]) => host ?? ''),
    ...[...text.matchAll(/['\s]([a-z-]+):\d{4}\b/g)].map(([, host]) => host ?? ''),
  ]);
  const { scrape_configs } = parse(texts[1] ?? '') as {
    scrape_configs: { dns_sd_configs?: { names: string[] }[] }[];
  };
  const scraped = scrape_configs.flatMap(({ dns_sd_configs = [] }) => dns_sd_configs.flatMap(({ names }) => names));
  const named = new Set([...hosts, ...scraped]);
  assert.deepEqual(
    [...named].filter((host) => !(host in COMPOSE.services)),
    [],
  );
  for (const host of ['prometheus', 'alertmanager', 'postgresql', 'control', 'site', 'shop-site', 'shop', 'temporal'])
    assert.ok(named.has(host), host);
});
