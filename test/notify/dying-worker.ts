/**
 * `node dying-worker.ts control|site`: a real worker, which dies once after it has written an abort into the journal and
 * before it has handed it over to be told, where the run's name asks for it.
 */
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { WorkflowClient } from '@temporalio/client';
import { readConfig } from '../../workers/config.ts';
import { startWorker } from '../../workers/worker.ts';
import type { Telling } from '../../workflows/messages.ts';

const path = process.env['SQUALL_CONFIG'] ?? '';
const control = process.argv[2] === 'control';

const handOver = Reflect.get(WorkflowClient.prototype, 'signalWithStart') as (...args: unknown[]) => Promise<unknown>;
Reflect.set(WorkflowClient.prototype, 'signalWithStart', function (this: WorkflowClient, ...args: unknown[]) {
  const [, { workflowId, signalArgs }] = args as [string, { workflowId: string; signalArgs: [readonly Telling[]] }];
  const aborted = (): boolean => signalArgs[0].some(({ notice }) => notice.event === 'aborted');
  if (workflowId === 'notices/dies' && aborted() && springs()) process.kill(process.pid, 'SIGKILL');
  return Reflect.apply(handOver, this, args);
});

function springs(): boolean {
  try {
    writeFileSync(join(dirname(path), 'died'), '', { flag: 'wx' });
    return true;
  } catch {
    return false;
  }
}

await startWorker({
  config: await readConfig(path),
  control,
  ...(control ? {} : { site: 'torture' }),
  log: (line) => void process.stderr.write(`${line}\n`),
});
process.stdout.write('{"event":"serving"}\n');
