/** `host/pause`: a process stands still (SIGSTOP), as one does that waits for a disk or a lock for ever. */
import { z } from 'zod';
import { heldDriver } from './held.ts';
import type { HoldingFactory } from './holding.ts';
import { signal } from './process-table.ts';

export const driver = heldDriver({
  kind: 'host/pause',
  summary: 'A process stands still: connections are accepted by the kernel, and never answered.',
  params: z.strictObject({}),
  alwaysStopped: true,
});

export const holding: HoldingFactory = (target, table) => ({
  begin: async () => void (await signal(table, target, 'SIGSTOP')),
  end: async () => void (await signal(table, target, 'SIGCONT')),
});
