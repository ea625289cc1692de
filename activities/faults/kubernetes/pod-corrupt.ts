/** `kubernetes/pod-corrupt`: a share of the packets of a pod arrives with one bit turned, which checksums tell. */
import { z } from 'zod';
import { networkFault } from './network/network-fault.ts';
import { COMMON, correlation, percentOf, share } from './network/params.ts';

export const driver = networkFault({
  kind: 'kubernetes/pod-corrupt',
  summary: 'Packets of a pod are damaged: one bit of a share of them is turned, and the receiver’s checksums tell.',
  params: z.strictObject({
    corruption: share.describe('The share of the packets that is damaged: 1%.'),
    correlation,
    ...COMMON,
  }),
  harm: (params) => [
    'corrupt',
    `--percent=${percentOf(params.corruption)}`,
    `--correlation=${percentOf(params.correlation)}`,
  ],
});
