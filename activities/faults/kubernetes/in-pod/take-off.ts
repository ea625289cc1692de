/**
 * Taking a fault that is a container off one pod, once it is fenced.
 *
 * Owns the escalation: the running program is asked; where there is none that could answer, another container reverts. Each
 * look at the pod leads to one step, so that whoever comes after a crash goes on where the last one was.
 */
import type { Fault } from '../../../../domain/fault.ts';
import { STRATEGIC_MERGE_PATCH } from '../../../kubernetes/api.ts';
import type { KubernetesApi } from '../../../kubernetes/api.ts';
import { reasonOf } from '../../../probes/reading.ts';
import type { Attempt } from '../../driver.ts';
import { containerName, revertContainer, revertName, REVERTS_MAX } from './container.ts';
import type { PodFault } from './kind-of-pod-fault.ts';
import { isOverForGood, podSchema, stateOf } from './pod.ts';
import type { ContainerState, Pod } from './pod.ts';
import { refusalOf, speak } from './program.ts';

/**
 * A kubelet that lives has seen by then that a fault may not be put on any more, in milliseconds. One that is even
 * slower puts it on for one time-to-live.
 */
export const LATE_MS = 5_000;
/** How long a program that has reverted may take to end, in milliseconds: what was asked of it is done by then. */
const ENDING_MS = 5_000;
/**
 * How long a program that runs may fail to answer before another container is started, in milliseconds. One that ends takes
 * whoever asks in its container with it, and the pod says a little later that it has ended.
 */
const PATIENCE_MS = 6_000;

/** Whether the fault is off; why not yet, and whether time alone changes that. */
export type Step = { readonly off: true } | { readonly off: false; readonly why: string; readonly stuck?: true };

const OFF: Step = { off: true };

/** One attempt to take one fault off. */
export class TakeOff<Params> {
  readonly #api: KubernetesApi;
  readonly #fault: Fault<Params>;
  readonly #image: string;
  readonly #what: PodFault<Params>;
  /** What the fault has done, by its program's own measure; undefined where it has not said. */
  effect: string | undefined;
  #unansweredAtMs: number | undefined;
  #revertedAtMs: number | undefined;

  /** `image`: of the containers that revert, which is the one that the fault was made of. */
  constructor(api: KubernetesApi, what: PodFault<Params>, fault: Fault<Params>, image: string) {
    this.#api = api;
    this.#what = what;
    this.#fault = fault;
    this.#image = image;
  }

  /** Does what the pod, as it was just read, lets one do. `fencedForMs`: how long the fault has been fenced. */
  async step(pod: Pod, path: string, fencedForMs: number, attempt: Attempt): Promise<Step> {
    if (isOverForGood(pod)) return OFF;
    const state = stateOf(pod, containerName(this.#fault));
    switch (state.is) {
      case 'none':
        return OFF;
      case 'waiting':
        if (!hasNoLeave(fencedForMs)) return { off: false, why: 'its container may be about to start' };
        // A kubelet that cannot say so may have started it long ago: then the program answers.
        return cannotAct(state, fencedForMs, this.#fault.ttlMs) ? OFF : this.#ask(pod, attempt);
      case 'running':
        return this.#isDeaf() && this.#what.outlives ? this.#another(pod, path, attempt) : this.#ask(pod, attempt);
      case 'ended':
        return state.clean || !this.#what.outlives ? OFF : this.#another(pod, path, attempt);
    }
  }

  /** Asks the running program, and then waits until it has ended, so that the pod says so too. */
  async #ask(pod: Pod, attempt: Attempt): Promise<Step> {
    if (this.#revertedAtMs !== undefined)
      return performance.now() - this.#revertedAtMs > ENDING_MS ? OFF : { off: false, why: 'its program is ending' };
    try {
      const where = { api: this.#api, where: pod.metadata, what: this.#what };
      const { code, line } = await speak(where, 'revert', this.#fault, attempt);
      this.effect ??= line?.effect?.slice(0, 300);
      if (code === 0) this.#revertedAtMs = performance.now();
      else this.#unansweredAtMs ??= performance.now();
      return { off: false, why: `its program answered ${code} ${line === undefined ? '' : refusalOf(line)}` };
    } catch (error) {
      this.#unansweredAtMs ??= performance.now();
      return { off: false, why: reasonOf(error) };
    }
  }

  #isDeaf(): boolean {
    return this.#unansweredAtMs !== undefined && performance.now() - this.#unansweredAtMs > PATIENCE_MS;
  }

  async #another(pod: Pod, path: string, attempt: Attempt): Promise<Step> {
    const shape = this.#what.shape(pod, this.#fault.params);
    for (let nth = 1; nth <= REVERTS_MAX; nth++) {
      const state = stateOf(pod, revertName(this.#fault, nth));
      if (state.is === 'ended' && state.code === 0) return OFF;
      if (state.is === 'ended') continue;
      if (state.is === 'none') {
        // A conflict is seen at the next look.
        await addContainer(this.#api, pod, path, revertContainer(this.#image, this.#fault, nth, shape), attempt);
        return { off: false, why: 'a container that reverts it was added' };
      }
      return { off: false, why: whyNot(state) };
    }
    return { off: false, stuck: true, why: `${REVERTS_MAX} containers were to revert it, and none could` };
  }
}

function whyNot(state: ContainerState): string {
  const problem = state.is === 'waiting' ? state.problem : undefined;
  return problem === undefined
    ? 'the container that reverts it has not ended'
    : `no container can revert it: ${problem}`;
}

/**
 * Whether a container of which the pod says that it waits acts for certain not: it has no leave any more, and cannot start; or, had it
 * started without the pod saying so, its last renewal would be too long ago.
 */
export function cannotAct(
  { problem }: Extract<ContainerState, { is: 'waiting' }>,
  fencedForMs: number,
  ttlMs: number,
): boolean {
  return hasNoLeave(fencedForMs) && (problem !== undefined || fencedForMs > ttlMs + LATE_MS);
}

/** Whether a container that has not started by now can only find that it has no leave. */
function hasNoLeave(fencedForMs: number): boolean {
  return fencedForMs > LATE_MS;
}

/** Whether a container of `fault` that has ended has left something, of which no other has read back that it is gone. */
export function isLeftBehind(pod: Pod, fault: Fault<unknown>): boolean {
  return !Array.from({ length: REVERTS_MAX }, (_, i) => stateOf(pod, revertName(fault, i + 1))).some(
    (state) => state.is === 'ended' && state.code === 0,
  );
}

/** Adds an ephemeral container to the pod as it was read. False where it has changed since, or is gone. */
export async function addContainer(
  api: KubernetesApi,
  { metadata: { uid, resourceVersion } }: Pod,
  path: string,
  container: Readonly<Record<string, unknown>>,
  attempt: Attempt,
): Promise<boolean> {
  const body = { metadata: { uid, resourceVersion }, spec: { ephemeralContainers: [container] } };
  const added = await api.patch(`${path}/ephemeralcontainers`, body, podSchema, attempt, {
    contentType: STRATEGIC_MERGE_PATCH,
  });
  return added !== undefined && added !== 'conflict';
}
