/**
 * Faults that are nothing but what a process in the pod does: it takes time, memory or room, or holds others still.
 *
 * Owns what they have in common: nothing outlives the process, so that whatever ends it ends the fault, and a container that
 * has ended has left nothing. What may be asked for and how much of it is each fault's own.
 */
import type { DriverFactory } from '../../driver.ts';
import type { PodFault } from '../in-pod/kind-of-pod-fault.ts';
import type { Pod } from '../in-pod/pod.ts';
import { podFault } from '../in-pod/pod-fault.ts';

/** Why a pod's processes cannot be told from others; undefined where they can. */
export function mixedUp({ spec }: Pod): string | undefined {
  return spec.hostPID ? 'its processes are among its node’s (hostPID)' : undefined;
}

/** Nobody's: a namespace that lets in nothing else lets this in. */
export const NOBODY = 65_532;

/** What differs between them. */
interface Burden<Params> extends Omit<PodFault<Params>, 'kind' | 'undo' | 'outlives' | 'verbsFor' | 'permissions'> {
  /** The program's word for it, which is also what two of them must not both hold of one pod. */
  readonly resource: 'cpu' | 'memory' | 'disk' | 'pause';
  readonly kind: `kubernetes/pod-${string}`;
  readonly permissions?: PodFault<Params>['permissions'];
}

/** Builds the driver of such a fault. */
export function burden<Params>(what: Burden<Params>): DriverFactory<Params> {
  return podFault<Params>({
    permissions: [],
    ...what,
    undo: 'the program in the pod ends with the fault, when it is told to or renewal stops; when it is killed, the kernel takes back what it had',
    outlives: false,
    verbsFor: what.resource,
  });
}
