/** `host/stutter`: a process stops and runs in turns, which its callers see as latency with jitter. */
import { heldDriver } from './held.ts';
import { stutterParams } from './holding.ts';

export const driver = heldDriver({
  kind: 'host/stutter',
  summary: 'A process stops and runs in turns: its answers come late, and unevenly.',
  params: stutterParams,
  alwaysStopped: false,
});
