/**
 * A control worker as a bad deploy would have it: its `experiment` cannot replay what the real one did.
 *
 * Everything else is the real composition.
 */
import { bundleWorkflowCode } from '@temporalio/worker';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '../../workers/config.ts';
import { connectClient, connectWorker, whereIsTemporal } from '../../workers/connect.ts';
import { controlWorkers } from '../../workers/control.ts';
import { openJournal } from '../../workers/journal.ts';
import { policyOf } from '../../workers/policy-settings.ts';

const folder = await mkdtemp(join(tmpdir(), 'squall-wedged-'));
const bundle = join(folder, 'bundle.js');
let workers: Awaited<ReturnType<typeof controlWorkers>>;
try {
  const { code } = await bundleWorkflowCode({ workflowsPath: join(import.meta.dirname, 'wedged-workflows.ts') });
  await writeFile(bundle, code);
  const config = await readConfig(process.env['SQUALL_CONFIG'] ?? 'squall.yaml');
  workers = await controlWorkers({
    config,
    store: openJournal(config),
    connection: await connectWorker(),
    client: await connectClient(),
    guards: [],
    levers: [],
    policy: policyOf(),
    destinations: new Map(),
    namespace: whereIsTemporal().namespace,
    log: (line) => void process.stderr.write(`${line}\n`),
    onEvents: async () => undefined,
    bundle,
  });
} finally {
  // The worker has read it, and this process will be killed.
  await rm(folder, { recursive: true, force: true });
}
process.once('SIGTERM', () => workers.forEach((worker) => worker.shutdown()));
const running = Promise.all(workers.map((worker) => worker.run()));
process.stdout.write('{"event":"serving"}\n');
await running;
