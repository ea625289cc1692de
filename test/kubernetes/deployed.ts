/**
 * Squall deployed to a cluster of the test's own, as deploy/kubernetes/README.md says, beside a shop under load.
 *
 * Owns what the page leaves to its reader: the overlay's names, the images, a volume, certificates, a namespace to break, and
 * Temporal, which is outside of the cluster and is reached with a client's certificate.
 */
import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createServer } from 'node:tls';
import { generate } from 'selfsigned';
import { stringify } from 'yaml';
import pkg from '../../package.json' with { type: 'json' };
import { startDevServer } from '../../workers/temporal-server.ts';
import { readmeBlocks, ROOT } from '../readme/blocks.ts';
import { open } from '../readme/terminal.ts';
import { Cluster } from './cluster/cluster.ts';
import { IMAGE } from './cluster/image.ts';
import { openDoor } from './door.ts';
import { importFaultImage, onNode, whyNoFaultImage } from './fault-image.ts';
import { importSquallImage, whyNoSquallImage } from './squall-image.ts';

const PAGE = 'deploy/kubernetes/README.md';
const SERVER_NAME = 'temporal.test';
const PORT = 8080;
/** How long each request of the load may take, in seconds. */
const PATIENCE_S = 2;

/** Why nothing can be deployed here; false where it can. */
export async function whyNotDeployed(): Promise<string | false> {
  return (await whyNoFaultImage()) || whyNoSquallImage();
}

/** A cluster with a shop, and a folder with this repository's manifests to be applied to it. */
export class Deployed {
  readonly cluster: Cluster;
  /** Where commands are run. */
  readonly folder: string;
  readonly #steps = readmeBlocks(PAGE);

  private constructor(cluster: Cluster, folder: string) {
    this.cluster = cluster;
    this.folder = folder;
  }

  /** All that must be there before the page is followed. */
  static async prepare(undo: AsyncDisposableStack): Promise<Deployed> {
    const folder = await mkdtemp(join(tmpdir(), 'squall-deployed-'));
    undo.defer(() => rm(folder, { recursive: true, force: true }));
    const cluster = await Cluster.open({ node: true });
    undo.defer(() => cluster.close());
    await importSquallImage(cluster, `registry.example/squall:${pkg.version}`);
    await importFaultImage(cluster, `registry.example/fault:${pkg.version}`);
    await cp(join(ROOT, 'deploy'), join(folder, 'deploy'), { recursive: true });
    const deployed = new Deployed(cluster, folder);
    await deployed.#volume();
    return deployed;
  }

  /** Runs the commands of one step of the page; returns what they say. Rejects where they fail. */
  async step(name: string): Promise<string> {
    const block = this.#steps.find(({ step }) => step === name) ?? assert.fail(`the page has no step ${name}`);
    return this.shell(block.commands);
  }

  get steps(): readonly (string | undefined)[] {
    return this.#steps.map(({ step }) => step);
  }

  /** Runs `commands` where the page's are run. */
  async shell(commands: string): Promise<string> {
    const { kubeconfig } = this.cluster;
    const env = { KUBECONFIG: kubeconfig, PATH: `${dirname(kubeconfig)}:${process.env['PATH'] ?? ''}` };
    const shell = open(commands, this.folder, env);
    const code = await shell.code;
    assert.equal(code, 0, `${commands}\n${shell.output()}`);
    return shell.output();
  }

  /** Changes in the copied overlay what the page says is its reader's. */
  async edit(temporal: string, load: string): Promise<void> {
    const mine = join(this.folder, 'deploy', 'kubernetes', 'overlays', 'mine');
    const tls = '/run/secrets/temporal-tls';
    await writeFile(
      join(mine, 'temporal.env'),
      `TEMPORAL_ADDRESS=${temporal}
TEMPORAL_NAMESPACE=default
SQUALL_SITE=cluster
TEMPORAL_TLS_SERVER_NAME=${SERVER_NAME}
TEMPORAL_TLS_SERVER_CA_CERT_PATH=${tls}/ca.crt
TEMPORAL_TLS_CLIENT_CERT_PATH=${tls}/tls.crt
TEMPORAL_TLS_CLIENT_KEY_PATH=${tls}/tls.key
`,
    );
    const config = await readFile(join(mine, 'squall.yaml'), 'utf8');
    const [kept = ''] = config.split('probes:\n');
    const ratio = { of: 'load_requests_total{outcome="bad"}', to: 'load_requests_total' };
    const ready = {
      type: 'kubernetes',
      unit: 'ratio',
      measure: 'ready-share',
      namespace: 'shop',
      of: 'deployment/payments',
    };
    const probes = {
      'error-rate': { type: 'metrics', unit: 'ratio', url: `http://${load}:${PORT}/metrics`, ratio, window: '15s' },
      'payments-ready': ready,
    };
    const admission = { healthy: [{ probe: 'error-rate', max: '20%' }], incidents: 'none', capacity: 'none' };
    await writeFile(join(mine, 'squall.yaml'), `${kept}${stringify({ probes, admission })}`);
    const policy = (await readFile(join(mine, 'probes.yaml'), 'utf8'))
      .replace('metadata.name: monitoring', 'metadata.name: shop')
      .replace('{ port: 9090 }', `{ port: ${PORT} }`);
    await writeFile(join(mine, 'probes.yaml'), policy);
  }

  /** Starts Temporal, and lets it be reached from the cluster by whoever has the certificate that is written beside. */
  async temporal(undo: AsyncDisposableStack): Promise<string> {
    const logFile = join(this.folder, 'temporal.log');
    const server = await startDevServer({ namespace: 'default', logFile, headless: true });
    undo.defer(() => server.kill());
    const port = Number(server.address.split(':').at(-1));
    const authority = await certificate('authority', [{ name: 'basicConstraints', cA: true }]);
    const ca = { key: authority.private, cert: authority.cert };
    const names = { name: 'subjectAltName' as const, altNames: [{ type: 2 as const, value: SERVER_NAME }] };
    const ours = await certificate(SERVER_NAME, [{ name: 'basicConstraints', cA: false }, names], ca);
    const theirs = await certificate('squall', [{ name: 'basicConstraints', cA: false }], ca);
    for (const [name, text] of [
      ['ca.crt', ca.cert],
      ['tls.crt', theirs.cert],
      ['tls.key', theirs.private],
    ] as const)
      await writeFile(join(this.folder, name), text);
    const proven = { key: ours.private, cert: ours.cert, ca: ca.cert, requestCert: true, rejectUnauthorized: true };
    const guard = createServer({ ...proven, ALPNProtocols: ['h2'] }, (near) => {
      const far = connect(port, '127.0.0.1');
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        from.on('error', () => from.destroy());
        from.on('close', () => to.destroy());
        from.pipe(to);
      }
    });
    guard.on('tlsClientError', () => undefined);
    const { door, address } = await openDoor(this.cluster);
    door.on('connection', (socket) => guard.emit('connection', socket));
    undo.defer(async () => void door.close());
    return address;
  }

  /** A namespace `shop` with four pods of `payments`, and who asks them without a pause; returns the latter's address. */
  async shop(): Promise<string> {
    await this.cluster.kubectl('create', 'namespace', 'shop');
    await this.#run(
      'payments',
      4,
      `mkdir -p /tmp/www && echo paid > /tmp/www/index.html && exec httpd -f -p ${PORT} -h /tmp/www`,
    );
    await this.cluster.kubectl('-n', 'shop', 'expose', 'deployment', 'payments', `--port=${PORT}`);
    const ip = 'jsonpath={.spec.clusterIP}';
    const service = await this.cluster.kubectl('-n', 'shop', 'get', 'service', 'payments', '-o', ip);
    const count = (outcome: string): string => `load_requests_total{outcome=\\"${outcome}\\"} $${outcome}`;
    await this.#run(
      'load',
      1,
      `mkdir -p /tmp/www; httpd -p ${PORT} -h /tmp/www; ok=0; bad=0
while sleep 0.05; do
  if printf 'GET / HTTP/1.0\\r\\n\\r\\n' | timeout ${PATIENCE_S} nc ${service} ${PORT} | grep -q paid
  then ok=$((ok + 1)); else bad=$((bad + 1)); fi
  printf '%s\\n' '# TYPE load_requests_total counter' "${count('ok')}" "${count('bad')}" > /tmp/www/next
  mv /tmp/www/next /tmp/www/metrics
done`,
    );
    return this.cluster.kubectl(
      '-n',
      'shop',
      'get',
      'pods',
      '-l',
      'app=load',
      '-o',
      'jsonpath={.items[0].status.podIP}',
    );
  }

  /** How many requests of the load have failed. */
  async failed(): Promise<number> {
    const metrics = await this.cluster.kubectl('-n', 'shop', 'exec', 'deploy/load', '--', 'cat', '/tmp/www/metrics');
    return Number(/"bad"} (\d+)/.exec(metrics)?.[1]);
  }

  async #run(app: string, replicas: number, script: string): Promise<void> {
    const container = { name: 'main', image: IMAGE, command: ['sh', '-c', script] };
    const readinessProbe = { tcpSocket: { port: PORT }, periodSeconds: 1 };
    await this.cluster.create({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: app, namespace: 'shop' },
      spec: {
        replicas,
        selector: { matchLabels: { app } },
        template: {
          metadata: { labels: { app } },
          spec: { terminationGracePeriodSeconds: 0, containers: [{ ...container, readinessProbe }] },
        },
      },
    });
    await this.cluster.kubectl('-n', 'shop', 'wait', '--for=condition=Available', `deployment/${app}`, '--timeout=90s');
  }

  /** What a StorageClass would give. */
  async #volume(): Promise<void> {
    const path = '/run/squall/volume';
    onNode(this.cluster, ['install', '--directory', '--owner=1000', '--group=1000', path]);
    await this.cluster.create({
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: 'journal' },
      spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path } },
    });
  }
}

type Extensions = NonNullable<NonNullable<Parameters<typeof generate>[1]>['extensions']>;

function certificate(
  name: string,
  extensions: Extensions,
  ca?: { readonly key: string; readonly cert: string },
): ReturnType<typeof generate> {
  const signed = ca === undefined ? {} : { ca };
  return generate([{ name: 'commonName', value: name }], { keyType: 'ec', algorithm: 'sha256', extensions, ...signed });
}
