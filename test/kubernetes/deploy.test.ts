/** deploy/kubernetes/, applied to a real node as its page says: real experiments by workers that are pods. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { until } from '../until.ts';
import { Deployed, whyNotDeployed } from './deployed.ts';
import { serviceMonitors } from './service-monitors.ts';

const LOSSY = `experiment: lossy
hypothesis: Payments stays ready although one of its pods loses most of what it sends
steadyState:
  business: [{ probe: error-rate, max: 20% }]
  system: [{ probe: payments-ready, min: 90% }]
fault: kubernetes/pod-loss
with: { loss: 95% }
targets: { site: cluster, namespace: shop, labels: { app: payments } }
blastRadius: { stages: [1], hold: 15s }
stopConditions:
  - { probe: payments-ready, below: 50%, for: 10s, abort: immediate }
recoverWithin: 1m
`;
const SCALED = `experiment: scaled
hypothesis: Half of payments is enough
steadyState:
  system: [{ probe: payments-ready, min: 90% }]
fault: kubernetes/scale
with: { to: 2 }
targets: { site: cluster, kind: deployment, namespace: shop, names: [payments] }
blastRadius: { stages: [1], hold: 1h }
stopConditions:
  - { probe: payments-ready, below: 10%, for: 1m, abort: immediate }
recoverWithin: 1m
timeToLive: 15s
`;

describe('a deployment to a cluster', { skip: await whyNotDeployed() }, () => {
  const undo = new AsyncDisposableStack();
  const done = new Set<string>();
  let deployed: Deployed;
  before(async () => {
    deployed = await Deployed.prepare(undo);
  });
  after(() => undo.disposeAsync());

  const kubectl = async (...args: readonly string[]): Promise<string> => deployed.cluster.kubectl(...args);
  const step = async (name: string): Promise<string> => {
    done.add(name);
    return deployed.step(name);
  };
  const mine = (text: string): Promise<void> => writeFile(join(deployed.folder, 'mine.yaml'), text);
  const within = (namespace: string, ...args: readonly string[]): Promise<string> => kubectl('-n', namespace, ...args);
  const ready = async (): Promise<string> =>
    within('shop', 'get', 'deployment', 'payments', '-o', 'jsonpath={.status.readyReplicas}');
  const suspend = (is: boolean): Promise<string> =>
    within('squall', 'patch', 'cronjob', 'squall-sweep', '--type=merge', '-p', `{"spec":{"suspend":${is}}}`);
  /** What of ours is on anything in the shop. */
  const held = (): Promise<string> =>
    within('shop', 'get', 'pods,deployments,leases', '-l', 'squall/scale=held', '-o', 'name');

  it('is applied as the page says, and serves', async () => {
    const load = await deployed.shop();
    const temporal = await deployed.temporal(undo);
    await step('copy');
    await deployed.edit(temporal, load);
    await step('secret');
    await step('apply');
  });

  it('with its components, is what an API server takes', async () => {
    await kubectl('apply', '--server-side', '-f', serviceMonitors());
    await kubectl('wait', '--for=condition=Established', 'crd/servicemonitors.monitoring.coreos.com', '--timeout=120s');
    const said = await deployed.shell(`mkdir deploy/kubernetes/overlays/all
cat > deploy/kubernetes/overlays/all/kustomization.yaml <<'END'
resources: [../mine]
components: [../../components/nodes, ../../components/monitoring]
END
kubectl apply --dry-run=server -k deploy/kubernetes/overlays/all 2>&1 || true`);
    assert.match(said, /clusterrolebinding.*squall-nodes created/);
    assert.match(said, /service\/squall-metrics created/);
    assert.match(said, /servicemonitor.monitoring.coreos.com\/squall created/);
    assert.doesNotMatch(said, /error|invalid|unknown field|no matches/i);
    const second = await deployed.shell(`cd deploy/kubernetes/overlays/all
printf '%s\\n' 'resources: [../mine]' 'components: [../../components/site-only]' > kustomization.yaml
kubectl apply --dry-run=server -o name -k .`);
    assert.match(second, /deployment.apps\/squall-site/);
    assert.doesNotMatch(second, /squall-control|squall-journal/);
  });

  it('runs an experiment on another deployment under load, from start to clean end', async () => {
    await mine(LOSSY);
    const before = await deployed.failed();
    const said = await step('run');
    assert.match(said, /completed.*held/);
    assert.ok((await deployed.failed()) > before, said);
    assert.equal(await within('shop', 'get', 'pods', '-l', 'squall/network=held', '-o', 'name'), '');
    assert.equal(await ready(), '4');
  });

  it('a fault that nothing ends by itself is ended by the sweep when every worker was killed in mid-fault', async () => {
    // It is to be the one that is started by hand.
    await suspend(true);
    const active = 'jsonpath={.items[*].status.active}';
    await until(async () => (await within('squall', 'get', 'jobs', '-o', active)) === '');
    await mine(SCALED);
    const pipe = "sh -c 'cat > /tmp/scaled.yaml && bin/squall run --detach /tmp/scaled.yaml'";
    const run = (await deployed.shell(`kubectl -n squall exec -i deploy/squall-control -- ${pipe} < mine.yaml`)).trim();
    await until(async () => (await ready()) === '2');
    await within('squall', 'scale', 'deployment', '--all', '--replicas=0');
    const workers = ['-l', 'app.kubernetes.io/name in (squall-control, squall-site)'];
    await within('squall', 'delete', 'pods', ...workers, '--force', '--grace-period=0');
    await until(async () => (await within('squall', 'get', 'pods', ...workers, '-o', 'name')) === '');
    const record = await within(
      'shop',
      'get',
      'deployment',
      'payments',
      '-o',
      'jsonpath={.metadata.annotations.squall/scale}',
    );
    const { expiresMs } = JSON.parse(record) as { readonly expiresMs: number };
    await until(() => Date.now() > expiresMs + 1_000);
    assert.deepEqual([await ready(), await held()], ['2', 'deployment.apps/payments\n'], 'nobody has ended it');
    const said = await step('sweep');
    assert.match(said, /"reverted":\["[^"]+"\],"failed":\[\],"unseen":\["kubernetes\/node-cordon: /);
    await until(async () => (await ready()) === '4');
    assert.equal(await held(), '');
    // The run, which nobody served, comes to its end when somebody does.
    await step('apply');
    const story = (): Promise<string> =>
      within('squall', 'exec', 'deploy/squall-control', '--', 'bin/squall', 'history');
    await until(async () =>
      (await story()).split('\n').some((line) => line.includes(run) && line.includes('inconclusive')),
    );
  });

  it('is stopped and removed as the page says, and nothing of the page was left out', async () => {
    await step('stop');
    await step('remove');
    assert.deepEqual(done, new Set(deployed.steps));
    const left = await kubectl(
      'get',
      'all,roles,rolebindings,networkpolicies',
      '-A',
      '-l',
      'app.kubernetes.io/part-of=squall',
    );
    assert.equal(left, '');
  });
});
