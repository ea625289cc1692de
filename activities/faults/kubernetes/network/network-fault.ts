/**
 * Faults of a pod's network.
 *
 * Owns what is peculiar to the network: whom it must not be done to, what the program is told of peers and of the node,
 * and that its rules outlive a program that is killed: another container takes off what is left.
 */
import type { z } from 'zod';
import { permission } from '../../../kubernetes/access.ts';
import type { DriverFactory } from '../../driver.ts';
import { podFault } from '../in-pod/pod-fault.ts';
import type { Common } from './params.ts';
import { commonArguments } from './params.ts';
import { addressesOf } from './peers.ts';

/** What only peers that are services need. */
const PEERS = [permission('', ['services'], ['get']), permission('discovery.k8s.io', ['endpointslices'], ['list'])];

/** What differs between faults of a pod's network. */
export interface NetworkFault<Params extends Common> {
  readonly kind: `kubernetes/pod-${string}`;
  readonly summary: string;
  readonly params: z.ZodType<Params>;
  /** The program's word for it, and the arguments that only this fault has. */
  readonly harm: (params: Params) => readonly string[];
}

/** Builds the driver of such a fault. */
export function networkFault<Params extends Common>({ harm, ...what }: NetworkFault<Params>): DriverFactory<Params> {
  return podFault<Params>({
    ...what,
    undo: 'the program in the pod takes the fault off when it is told to, or renewal stops; when it is killed, the kernel ends the fault, and another container takes off what is left',
    resource: 'network',
    permissions: PEERS,
    permissionsFor: ({ peers }) => (peers?.some((peer) => typeof peer !== 'string' && 'service' in peer) ? PEERS : []),
    outlives: true,
    unfit: ({ spec }) => (spec.hostNetwork ? 'its network is its node’s (hostNetwork)' : undefined),
    shape: () => ({ user: 0, capabilities: ['NET_ADMIN'] }),
    async harm({ api, pod, params, attempt }) {
      const peers = await addressesOf(api, params.peers, pod.metadata.namespace ?? '', attempt);
      const node = pod.status.hostIPs.map(({ ip }) => ip);
      return [...harm(params), ...commonArguments(params, peers, node)];
    },
  });
}
