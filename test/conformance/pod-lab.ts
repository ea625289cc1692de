/**
 * Real pods of a real node for the conformance of faults that are a container of theirs, each looked at from outside.
 *
 * The observer, which a test brings, never asks a driver, nor the program in the pod.
 */
import type { Lab, LabTarget } from '../../activities/faults/conformance.ts';
import type { Cluster } from '../kubernetes/cluster/cluster.ts';
import { Pods } from '../kubernetes/running-pods.ts';
import type { Described, RunningPod } from '../kubernetes/running-pods.ts';

/** What a lab of such a fault does. */
export interface Harming {
  /** The driver's file, without its ending. */
  readonly fault: string;
  readonly params: unknown;
  /** What its pods have beside what all have. */
  readonly pod?: Described;
  /** What the peer needs besides, for as long as the lab is open. */
  readonly prepare?: (pods: Pods) => Promise<AsyncDisposable>;
  /** Whether the harm can be felt, or seen from outside. */
  readonly harmed: (pods: Pods, pod: RunningPod) => Promise<boolean>;
}

/** A lab whose targets are pods of a namespace of its own. */
export async function podLab(
  cluster: Cluster,
  { fault, params, pod: described, prepare, harmed }: Harming,
): Promise<Lab> {
  const pods = await Pods.open(cluster);
  const prepared = await prepare?.(pods);
  // The next one starts while one is worked with.
  let next = pods.run(undefined, described);
  return {
    driver: new URL(`../../activities/faults/kubernetes/${fault}.ts`, import.meta.url),
    params,
    settings: pods.settings,
    // A renewal goes through a kubelet and a runtime that are as busy as the machine.
    shortTtlMs: 6_000,
    async target(): Promise<LabTarget> {
      const taken = next;
      next = pods.run(undefined, described);
      const pod = await taken;
      let gone = false;
      return {
        id: pod.id,
        harmed: async () => !gone && (await harmed(pods, pod)),
        async remove() {
          gone = true;
          await pods.remove(pod);
        },
      };
    },
    async close() {
      await next;
      await prepared?.[Symbol.asyncDispose]();
      await pods.close();
    },
  };
}
