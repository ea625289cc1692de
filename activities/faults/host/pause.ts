/** `host/pause`: a process stands still (SIGSTOP), as one does that waits for a disk or a lock for ever. */
import { heldDriver } from './held.ts';
import { pauseParams } from './holding.ts';

export const driver = heldDriver({
  kind: 'host/pause',
  summary: 'A process stands still: connections are accepted by the kernel, and never answered.',
  params: pauseParams,
  alwaysStopped: true,
});
