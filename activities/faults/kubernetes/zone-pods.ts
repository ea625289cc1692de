/**
 * The pods of a node that are cut off with it: for each of them a fault of its own, by the driver of network faults.
 *
 * Owns which pods these are, their faults' ids, and the order: written on the node, then cut off. Must never touch a node.
 */
import type { Fault, InjectResult, Outcome, TargetId } from '../../../domain/fault.ts';
import { PROTECTED, protectionOf } from '../../../domain/policy.ts';
import { hasAll } from '../../kubernetes/labels.ts';
import { listPath, MIRROR, podSchema } from '../../kubernetes/objects.ts';
import type { Pod } from '../../kubernetes/objects.ts';
import { ownPod } from '../../kubernetes/own-pod.ts';
import { mayTouch } from '../../targets/kubernetes-settings.ts';
import type { Attempt, FaultDriver } from '../driver.ts';
import type { Holding, Looking } from './object-fault.ts';
import { parseTarget, targetId } from './target.ts';

/** What is written on the node: the pods that are cut off, or may be. */
export interface CutOff {
  readonly pods: readonly TargetId[];
}

/** Faults named in an outcome; the rest are counted. */
const NAMED_MAX = 10;

/** Pods that may be cut off at once: each takes a container, and is renewed by an exec every few seconds. */
const PODS_MAX = 200;

/** Cuts the pods of a node off, and finds them again. */
export class ZonePods {
  readonly #driver: FaultDriver<unknown>;

  constructor(driver: FaultDriver<unknown>) {
    this.#driver = driver;
  }

  get #params(): unknown {
    return this.#driver.params.parse({});
  }

  /** The faults of these pods. */
  faultsOf(fault: Fault<unknown>, pods: readonly TargetId[]): Fault<unknown>[] {
    return pods.map((pod) => ({ ...fault, id: `${fault.id}/${pod}`, target: pod, params: this.#params }));
  }

  /** Why the pods of these nodes must not be cut off: there are too many; undefined where there are not. */
  async tooMany(
    nodes: readonly string[],
    spare: Readonly<Record<string, string>>,
    looking: Looking,
  ): Promise<string | undefined> {
    let count = 0;
    for (const node of nodes) count += (await podsOn(node, spare, looking)).length;
    if (count <= PODS_MAX) return undefined;
    return `${count} pods would be cut off with the nodes that are selected, and ${PODS_MAX} may be: select fewer nodes`;
  }

  /** Cuts off what may be, as long as the node is held; says which pods are not. */
  async cutOff(
    fault: Fault<{ readonly spare: Readonly<Record<string, string>> }>,
    holding: Holding<CutOff>,
  ): Promise<Omit<Outcome<InjectResult>, 'id'>> {
    const { attempt } = holding;
    const found = await podsOn(parseTarget(fault.target, ['node']).name, fault.params.spare, holding);
    const unfit = (await this.#driver.unfit?.(found, this.#params)) ?? new Map<TargetId, string>();
    const kept = await holding.keep(({ pods }) => ({
      pods: [...new Set([...pods, ...found.filter((pod) => !unfit.has(pod))])],
    }));
    if (kept === undefined)
      return { result: 'lapsed', detail: 'it was reverted, or its time was over, in the midst of it' };
    const faults = this.faultsOf(fault, kept.pods);
    const outcomes = await this.#driver.inject(faults, attempt);
    const spared = new Map(unfit);
    for (const [i, pod] of kept.pods.entries()) {
      const { result, detail } = outcomes[i] ?? { result: 'failed' as const };
      if (result === 'occupied') spared.set(pod, `another fault holds it${detail === undefined ? '' : `: ${detail}`}`);
      else if (result !== 'injected' && result !== 'gone')
        return { result: 'failed', detail: `${pod}: ${result}${detail === undefined ? '' : ` (${detail})`}` };
    }
    const notOn = new Set(kept.pods.filter((_, i) => outcomes[i]?.result !== 'injected'));
    // What is held by others must not be renewed, nor reverted; what another attempt has added meanwhile stays.
    const on = await holding.keep(({ pods }) => ({ pods: pods.filter((pod) => !notOn.has(pod)) }));
    if (on === undefined) return { result: 'lapsed' };
    return { result: 'injected', ...words(on.pods.length, spared) };
  }

  /** Why the fault is no longer on as it was; undefined while it is. A pod that is gone takes its own with it. */
  async lapsed(fault: Fault<unknown>, pods: readonly TargetId[], attempt: Attempt): Promise<string | undefined> {
    const outcomes = (await this.#driver.renew?.(this.faultsOf(fault, pods), attempt)) ?? [];
    const lapsed = outcomes.find(({ result }) => result === 'lapsed');
    return lapsed && `${lapsed.id}: ${lapsed.detail ?? 'lapsed'}`;
  }

  /** Connects them again; what went wrong, or undefined. */
  async revert(fault: Fault<unknown>, pods: readonly TargetId[], attempt: Attempt): Promise<string | undefined> {
    const outcomes = await this.#driver.revert(this.faultsOf(fault, pods), attempt);
    const failed = outcomes.find(({ result }) => result === 'failed');
    return failed && `${failed.id}: ${failed.detail ?? 'failed'}`;
  }

  /** Which of them are cut off still, in words; undefined when none is. */
  async left(fault: Fault<unknown>, pods: readonly TargetId[], attempt: Attempt): Promise<string | undefined> {
    const states = await this.#driver.verify(this.faultsOf(fault, pods), attempt);
    const left = pods.filter((_, i) => states[i] !== 'absent');
    return left.length === 0 ? undefined : `${left.length} pods are cut off still, among them ${left[0] ?? ''}`;
  }
}

/** The pods of a node that may be cut off. */
async function podsOn(
  node: string,
  spare: Readonly<Record<string, string>>,
  { api, attempt, settings }: Looking,
): Promise<TargetId[]> {
  const own = await ownPod();
  const isSpared = ({ metadata: { namespace = '', name, labels, annotations, deletionTimestamp } }: Pod): boolean =>
    deletionTimestamp !== undefined ||
    !mayTouch(settings, namespace) ||
    (own?.namespace === namespace && own.name === name) ||
    labels['app.kubernetes.io/part-of'] === 'squall' ||
    Object.hasOwn(annotations, MIRROR) ||
    protectionOf(PROTECTED, { labels, namespace }) !== undefined ||
    Object.entries(spare).some(([key, value]) => hasAll(labels, { [key]: value }));
  const query = { fieldSelector: `spec.nodeName=${node},status.phase=Running` };
  const found: TargetId[] = [];
  for (const place of settings.namespaces ?? [undefined]) {
    for await (const pod of api.list(listPath('pod', place), query, podSchema, attempt)) {
      const { namespace, name, uid } = pod.metadata;
      if (!isSpared(pod))
        found.push(targetId({ kind: 'pod', name, uid, ...(namespace === undefined ? {} : { namespace }) }));
    }
  }
  return found;
}

function words(on: number, spared: ReadonlyMap<TargetId, string>): { readonly detail: string } {
  const named = [...spared].slice(0, NAMED_MAX).map(([pod, why]) => `${pod} (${why})`);
  const more = spared.size > NAMED_MAX ? [`${spared.size - NAMED_MAX} more`] : [];
  const but = spared.size === 0 ? '' : `; not ${[...named, ...more].join(', ')}`;
  return { detail: `${on} pods are cut off${but}` };
}
