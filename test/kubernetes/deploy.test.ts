/** deploy/kubernetes/, applied to a real node as its page says: real experiments by workers that are pods. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { until } from '../until.ts';
import { Deployed, whyNotDeployed } from './deployed.ts';

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
  system: [{ probe: error-rate, max: 20% }]
fault: kubernetes/scale
with: { to: 2 }
targets: { site: cluster, kind: deployment, namespace: shop, names: [payments] }
blastRadius: { stages: [1], hold: 1h }
stopConditions:
  - { probe: error-rate, above: 90%, for: 1m, abort: immediate }
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
  const ready = async (): Promise<string> =>
    kubectl('-n', 'shop', 'get', 'deployment', 'payments', '-o', 'jsonpath={.status.readyReplicas}');

  it('is applied as the page says, and serves', async () => {
    const load = await deployed.shop();
    const temporal = await deployed.temporal(undo);
    await step('copy');
    await deployed.edit(temporal, load);
    await step('secret');
    await step('apply');
  });

  it('runs an experiment on another deployment under load, from start to clean end', async () => {
    await mine(LOSSY);
    const before = await deployed.failed();
    const said = await step('run');
    assert.match(said, /held/);
    assert.ok((await deployed.failed()) > before, said);
    console.log(said);
  });

  it('a fault that nothing ends by itself is ended by the sweep when all workers are gone in mid-fault', async () => {
    await mine(SCALED);
    const run = "sh -c 'cat > /tmp/scaled.yaml && bin/squall run --detach /tmp/scaled.yaml'";
    await deployed.shell(`kubectl -n squall exec -i deploy/squall-control -- ${run} < mine.yaml`);
    await until(async () => (await ready()) === '2');
    console.log(await step('sweep'));
  });
});
