/** `kubernetes/pod-cpu`: threads in a pod that are busy, within what the pod may have of its node. */
import { z } from 'zod';
import { burden, NOBODY } from './burden/burden.ts';
import { shareBetween } from './burden/share.ts';
import { limitOf } from './in-pod/limit.ts';
import { percentOf } from './network/params.ts';

const WORKERS_MAX = 256;

export const driver = burden({
  kind: 'kubernetes/pod-cpu',
  summary: 'Threads in a pod are busy: they take processor time from it, within its limit.',
  resource: 'cpu',
  params: z.strictObject({
    workers: z
      .number()
      .int()
      .min(1)
      .max(WORKERS_MAX)
      .optional()
      .describe(
        'How many threads. Default: as many as processors the pod may use; a pod without a limit needs it said.',
      ),
    load: shareBetween(1, 100).default('100%').describe('How much of its time each is busy: 90%.'),
  }),
  unfit: (pod, { workers }) =>
    workers === undefined && limitOf(pod, 'cpu') === undefined
      ? 'it has no limit of processor time: say how many `workers`'
      : undefined,
  shape: () => ({ user: NOBODY, capabilities: [] }),
  async harm({ pod, params: { workers, load } }) {
    const count = workers ?? Math.min(WORKERS_MAX, Math.ceil(limitOf(pod, 'cpu') ?? 1));
    return ['cpu', `--workers=${count}`, `--load=${percentOf(load)}`];
  },
});
