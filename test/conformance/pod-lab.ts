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
  readonly pod?: Omit<Described, 'labels'>;
  /** What the peer needs besides, for as long as the lab is open. */
  readonly prepare?: (pods: Pods) => Promise<AsyncDisposable>;
  /** Whether the harm can be felt, or seen from outside. */
  readonly harmed: (pods: Pods, pod: RunningPod) => Promise<boolean>;
}

/** A lab whose targets are pods of a namespace of its own. */
export async function podLab(
  cluster: Cluster,
  { fault, params, pod: described, prepare, harmed }: Harming,
  owned = false,
): Promise<Lab> {
  const pods = await Pods.open(cluster);
  const prepared = await prepare?.(pods);
  let count = 0;
  /** A pod, and what goes with it. */
  const make = async (): Promise<{ readonly pod: RunningPod; readonly remove: () => Promise<unknown> }> => {
    if (!owned) {
      const pod = await pods.run(undefined, described);
      return { pod, remove: () => pods.remove(pod) };
    }
    const app = `app-${++count}`;
    const [pod] = await pods.deploy(app, 2, described);
    if (pod === undefined) throw new Error(`${app} has no pods`);
    return { pod, remove: () => pods.kubectl('delete', 'deployment', app) };
  };
  // The next one starts while one is worked with.
  let next = make();
  return {
    driver: new URL(`../../activities/faults/kubernetes/${fault}.ts`, import.meta.url),
    params,
    settings: pods.settings,
    // A renewal goes through a kubelet and a runtime that are as busy as the machine.
    shortTtlMs: 6_000,
    async target(): Promise<LabTarget> {
      const taken = next;
      next = make();
      const { pod, remove } = await taken;
      let gone = false;
      return {
        id: pod.id,
        harmed: async () => !gone && (await harmed(pods, pod)),
        async remove() {
          gone = true;
          await remove();
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
