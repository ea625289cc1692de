/**
 * What differs between the faults that are an ephemeral container.
 *
 * Owns the words in which one says what it needs of its pod, what its container may, and what its program is told.
 */
import type { z } from 'zod';
import type { KubernetesApi } from '../../../kubernetes/api.ts';
import type { Attempt, Permission } from '../../driver.ts';
import type { Pod } from './pod.ts';

/** What a container has beside its image and arguments. */
export interface Shape {
  /** As whom its program runs. */
  readonly user: number;
  /** All that it may. */
  readonly capabilities: readonly string[];
  /** Whose processes it sees; absent: its own, or those of a pod that shares them. */
  readonly targetContainerName?: string;
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
}

/** What the program's arguments are made of. */
export interface Asked<Params> {
  readonly api: KubernetesApi;
  readonly pod: Pod;
  readonly params: Params;
  readonly attempt: Attempt;
}

/** One kind of such a fault. */
export interface PodFault<Params> {
  readonly kind: `kubernetes/pod-${string}`;
  readonly summary: string;
  readonly params: z.ZodType<Params>;
  readonly undo: string;
  /** What two faults must not both hold of one pod. */
  readonly resource: string;
  /** What it needs beside what every such fault does. */
  readonly permissions: readonly Permission[];
  /** Which of these it needs with such parameters. Absent: all. */
  readonly permissionsFor?: (params: Params) => readonly Permission[];
  /** Whether something may outlive its program, killed, which another container then takes off. */
  readonly outlives: boolean;
  /** Of whose processes or networks it is, where verbs of the program must be told: `cpu`. */
  readonly verbsFor?: string;
  /** Why it must not be put on this pod, or cannot; undefined where it may be. */
  readonly unfit: (pod: Pod, params: Params) => string | undefined;
  /** What its container is. Only of a pod that is not unfit. */
  readonly shape: (pod: Pod, params: Params) => Shape;
  /** The program's word for it, and the arguments that only this fault has. Rejects where they cannot be said. */
  readonly harm: (asked: Asked<Params>) => Promise<readonly string[]>;
}
