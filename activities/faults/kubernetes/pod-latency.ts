/** `kubernetes/pod-latency`: what a pod sends, receives, or both, is late. */
import { z } from 'zod';
import { durationMs } from '../../../domain/written-duration.ts';
import { networkFault } from './network/network-fault.ts';
import { COMMON, correlation, percentOf } from './network/params.ts';

/** The longest delay, in milliseconds. */
const DELAY_MAX_MS = 30_000;

/** In milliseconds once parsed. */
const params = z
  .strictObject({
    delay: durationMs
      .refine((ms) => ms >= 1 && ms <= DELAY_MAX_MS, 'expected 1ms to 30s')
      .describe('How late each packet is: 1ms to 30s.'),
    jitter: durationMs.prefault('0ms').describe('Up to this much more or less: 0ms to the delay.'),
    correlation,
    ...COMMON,
  })
  .refine(({ delay, jitter }) => jitter <= delay, { message: 'expected at most the delay', path: ['jitter'] });

export const driver = networkFault({
  kind: 'kubernetes/pod-latency',
  summary: 'Packets of a pod are late, evenly or not: those that it sends, receives, or both.',
  params,
  harm: ({ delay, jitter, correlation: written }) => [
    'latency',
    `--delay=${delay}ms`,
    `--jitter=${jitter}ms`,
    `--correlation=${percentOf(written)}`,
  ],
});
