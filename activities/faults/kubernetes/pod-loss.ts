/** `kubernetes/pod-loss`: a share of the packets of a pod does not arrive. */
import { z } from 'zod';
import { networkFault } from './network/network-fault.ts';
import { COMMON, correlation, percentOf, share } from './network/params.ts';

export const driver = networkFault({
  kind: 'kubernetes/pod-loss',
  summary: 'Packets of a pod are lost: a share of those that it sends, receives, or both.',
  params: z.strictObject({
    loss: share.describe('The share of the packets that is lost: 5%.'),
    correlation,
    ...COMMON,
  }),
  harm: (params) => ['loss', `--percent=${percentOf(params.loss)}`, `--correlation=${percentOf(params.correlation)}`],
});
