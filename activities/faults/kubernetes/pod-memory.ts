/** `kubernetes/pod-memory`: memory of a pod is taken, more and more, up to a ceiling. */
import { z } from 'zod';
import { parseQuantity } from '../../../domain/units.ts';
import { burden, mixedUp, NOBODY } from './burden/burden.ts';
import { limitOf } from './in-pod/limit.ts';
import type { Pod } from './in-pod/pod.ts';

/** The highest share of a limit. */
const MOST = 0.95;
const RATE_MAX = 1e9;
const LEAST_BYTES = 2 ** 20;

const rate = z
  .string()
  .refine((text) => within(bytesASecond(text), 1e3, RATE_MAX), 'expected 1kB/s to 1GB/s')
  .default('10MB/s')
  .describe('How fast it grows: 10MB/s.');

const ceiling = z
  .string()
  .refine(
    (text) => within(shareOf(text), 0.01, MOST) || within(bytesOf(text), LEAST_BYTES, 2 ** 44),
    'expected a share of the pod’s limit such as 80%, at most 95%, or an amount such as 400MB, at least 1MiB',
  )
  .describe(
    'What the pod has in all when it stops growing: a share of its memory limit, at most 95%, or an amount, which a pod without a limit needs.',
  );

export const driver = burden({
  kind: 'kubernetes/pod-memory',
  summary: 'Memory of a pod is taken, more and more, as by a leak, up to a ceiling.',
  resource: 'memory',
  params: z.strictObject({ rate, to: ceiling }),
  unfit(pod, { to }) {
    const limit = limitOf(pod, 'memory');
    if (limit === undefined) return shareOf(to) === undefined ? mixedUp(pod) : 'it has no memory limit: say an amount';
    return ceilingOf(pod, to) > MOST * limit
      ? 'its memory limit is not much more than what is to be taken'
      : mixedUp(pod);
  },
  shape: (pod) => ({ user: NOBODY, capabilities: [], ...neighbour(pod) }),
  harm: async ({ pod, params: { rate: written, to } }) => [
    'memory',
    `--rate=${Math.floor(bytesASecond(written) ?? 0)}`,
    `--to=${Math.floor(ceilingOf(pod, to))}`,
  ],
});

/** Whose memory counts too: what the program can see of the others is what it leaves them. */
function neighbour({ spec }: Pod): { readonly targetContainerName?: string } {
  const [only, ...others] = spec.containers;
  if (spec.shareProcessNamespace || only === undefined || others.length > 0) return {};
  return { targetContainerName: only.name };
}

function ceilingOf(pod: Pod, to: string): number {
  const share = shareOf(to);
  return share === undefined ? (bytesOf(to) ?? 0) : share * (limitOf(pod, 'memory') ?? 0);
}

function valueOf(text: string, dimension: 'ratio' | 'bytes'): number | undefined {
  const quantity = parseQuantity(text);
  return quantity?.dimension === dimension ? quantity.value : undefined;
}
const shareOf = (text: string): number | undefined => valueOf(text, 'ratio');
const bytesOf = (text: string): number | undefined => valueOf(text, 'bytes');

function bytesASecond(text: string): number | undefined {
  return text.endsWith('/s') ? bytesOf(text.slice(0, -2)) : undefined;
}

function within(value: number | undefined, least: number, most: number): boolean {
  return value !== undefined && value >= least && value <= most;
}
