/** `kubernetes/pod-partition`: a pod is cut off from its peers, or from everybody, both ways unless one is named. */
import { z } from 'zod';
import { networkFault } from './network/network-fault.ts';
import { COMMON } from './network/params.ts';

export const driver = networkFault({
  kind: 'kubernetes/pod-partition',
  summary: 'A pod is cut off from its peers, or from everybody but its node and name resolution.',
  params: z.strictObject(COMMON),
  harm: () => ['partition'],
});
