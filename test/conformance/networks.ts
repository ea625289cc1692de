/**
 * Real pods of a real node for the conformance of network faults, and an observer that sends packets between them.
 *
 * The observer never asks a driver, nor the program in the pod.
 */
import type { Lab, LabTarget } from '../../activities/faults/conformance.ts';
import type { Cluster } from '../kubernetes/cluster/cluster.ts';
import { Pods } from '../kubernetes/running-pods.ts';
import type { RunningPod } from '../kubernetes/running-pods.ts';

/** What a lab of a network fault does. */
export interface Network {
  /** The driver's file, without its ending. */
  readonly fault: string;
  readonly params: unknown;
  /** What the peer needs besides, for as long as the lab is open. */
  readonly prepare?: (pods: Pods) => Promise<AsyncDisposable>;
  /** Whether the harm can be felt on the way to the peer. */
  readonly harmed: (pods: Pods, pod: RunningPod) => Promise<boolean>;
}

/** A lab whose targets are pods of a namespace of its own. */
export async function networkLab(cluster: Cluster, { fault, params, prepare, harmed }: Network): Promise<Lab> {
  const pods = await Pods.open(cluster);
  const prepared = await prepare?.(pods);
  // The next one starts while one is worked with.
  let next = pods.run();
  return {
    driver: new URL(`../../activities/faults/kubernetes/${fault}.ts`, import.meta.url),
    params,
    settings: pods.settings,
    async target(): Promise<LabTarget> {
      const taken = next;
      next = pods.run();
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
