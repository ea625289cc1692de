/** A Temporal of one's own: TLS, an API key, and no operator rights. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { startDevServer } from '../../workers/temporal-server.ts';
import type { DevServer } from '../../workers/temporal-server.ts';
import { until } from '../until.ts';
import { squall, start } from './squall.ts';
import { StrictFront } from './strict-front.ts';

const EXPERIMENT = `experiment: nothing
hypothesis: Nothing is done to nobody
steadyState: [{ probe: level, max: 1 }]
fault: noop/noop
targets: { site: here, count: 3 }
blastRadius: { stages: [1], hold: 10s }
stopConditions: [{ probe: level, above: 5, for: 10s, abort: immediate }]
recoverWithin: 15s
sampleEvery: 3s
`;

describe('a Temporal of one’s own', () => {
  let folder: string;
  let server: DevServer;
  let front: StrictFront;
  let env: Record<string, string>;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'squall-own-'));
    server = await startDevServer({ namespace: 'default', headless: true, logFile: join(folder, 'temporal.log') });
    front = await StrictFront.before(server.address, 'a key');
    const { authority, certificate, key, apiKey } = front.credentials;
    const file = async (name: string, text: string): Promise<string> => {
      await writeFile(join(folder, name), text);
      return join(folder, name);
    };
    env = {
      TEMPORAL_ADDRESS: front.address,
      TEMPORAL_API_KEY: apiKey,
      TEMPORAL_TLS_SERVER_CA_CERT_PATH: await file('authority.pem', authority),
      TEMPORAL_TLS_CLIENT_CERT_PATH: await file('client.pem', certificate),
      TEMPORAL_TLS_CLIENT_KEY_PATH: await file('client.key', key),
      SQUALL_CONFIG: await file(
        'squall.yaml',
        `sites: { here: {} }\nallowCommands: true\nadmission: { healthy: none, incidents: none, capacity: none }\nprobes:\n  level: { type: command, unit: count, run: [echo, '0'], timeout: 10s }\n`,
      ),
    };
  });
  after(async () => {
    front.close();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('0: a worker that may not register search attributes says how, and runs go on without', async () => {
    const file = join(folder, 'nothing.yaml');
    await writeFile(file, EXPERIMENT);
    const worker = start(['worker', '--control', '--site', 'here'], env);
    try {
      await until(() => worker.out().includes('serving'));
      const { code, out, err } = await squall(['run', file], env);
      assert.equal(code, 0, out + err);
    } finally {
      worker.child.kill('SIGTERM');
    }
    const { err, out } = await worker.ended;
    assert.match(
      out + err,
      /search attributes are not registered \(.*not an operator.*\); runs work without them.*temporal operator search-attribute create --namespace default --name \S+ --type Keyword/,
    );
  });

  for (const [what, changed, says] of [
    ['the API key is another', { TEMPORAL_API_KEY: 'another' }, /an API key is required/],
    ['the authority is not known', { TEMPORAL_TLS_SERVER_CA_CERT_PATH: undefined }, /TEMPORAL_TLS_/],
    [
      'the client has no certificate',
      { TEMPORAL_TLS_CLIENT_CERT_PATH: undefined, TEMPORAL_TLS_CLIENT_KEY_PATH: undefined },
      /TEMPORAL_TLS_/,
    ],
  ] as const)
    it(`5: ${what}`, async () => {
      const { code, err } = await squall(['list'], { ...env, ...changed } as Record<string, string>);
      assert.equal(code, 5, err);
      assert.match(
        err,
        new RegExp(`does not answer at ${front.address}, namespace default: .*${says.source}`, says.flags),
      );
    });

  it('2: a certificate that is not there', async () => {
    const { code, err } = await squall(['list'], { ...env, TEMPORAL_TLS_CLIENT_CERT_PATH: join(folder, 'none') });
    assert.equal(code, 2, err);
    assert.match(
      err,
      /^squall: Temporal’s settings cannot be used: ENOENT.*none'; expected the TEMPORAL_\* variables.*\n$/,
    );
  });
});
