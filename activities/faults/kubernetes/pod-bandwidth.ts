/** `kubernetes/pod-bandwidth`: a pod sends, receives, or both, at no more than a rate. */
import { z } from 'zod';
import { networkFault } from './network/network-fault.ts';
import { COMMON } from './network/params.ts';

/** The least and the greatest rate, in bits a second, and what the units are. */
const RATE_MIN = 8_000;
const RATE_MAX = 10_000_000_000;
const UNITS: Readonly<Record<string, number>> = { kbit: 1e3, mbit: 1e6, gbit: 1e9 };

const rate = z
  .string()
  .regex(/^\d{1,10}(?:\.\d{1,3})?(?:k|m|g)bit$/, 'expected a rate a second such as 10mbit')
  .refine((text) => {
    const bits = Number.parseFloat(text) * (UNITS[text.replace(/^[\d.]+/, '')] ?? 0);
    return bits >= RATE_MIN && bits <= RATE_MAX;
  }, 'expected 8kbit to 10gbit');

export const driver = networkFault({
  kind: 'kubernetes/pod-bandwidth',
  summary: 'A pod has less bandwidth: it sends, receives, or both, at no more than a rate.',
  params: z.strictObject({
    rate: rate.describe('The bits a second that are left: 512kbit, 10mbit.'),
    ...COMMON,
  }),
  harm: ({ rate: written }) => ['bandwidth', `--rate=${written}`],
});
