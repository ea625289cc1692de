/** `node trapped-worker.ts control|site`: a real worker, with the traps of the step matrix in its way. */
import { dirname } from 'node:path';
import { readConfig } from '../../workers/config.ts';
import { connectClient } from '../../workers/connect.ts';
import { startWorker } from '../../workers/worker.ts';
import { traps } from './trap.ts';

const path = process.env['SQUALL_CONFIG'] ?? '';
const control = process.argv[2] === 'control';
await startWorker({
  config: await readConfig(path),
  control,
  ...(control ? {} : { site: 'torture' }),
  interceptors: traps(dirname(path), await connectClient()),
  log: (line) => void process.stderr.write(`${line}\n`),
});
process.stdout.write('{"event":"serving"}\n');
