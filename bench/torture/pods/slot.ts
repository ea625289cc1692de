/**
 * What one run harms in a cluster: pods of a deployment, or objects, made for one round.
 *
 * Owns their life, and what has been seen of them since when.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Experiment, JsonObject } from '../../../domain/experiment.ts';
import { makeNode } from '../../../test/kubernetes/nodes.ts';
import type { Described, Pods, RunningPod } from '../../../test/kubernetes/running-pods.ts';
import type { Harmed } from '../arena.ts';
import { pausing } from '../experiment.ts';
import type { Live } from './api.ts';
import { aged, keysOf } from './traces.ts';
import { REPLICAS, UNHARMED, WHOLE } from './watch.ts';
import type { Kind, Seen, Watch } from './watch.ts';

/** The node on which pods run. */
export const NODE = 'node';
/** Pods that are neither evicted from it nor cut off with it, as those of other runs. */
export const SPARED = { spared: 'yes' } as const;
export const AS_SPARED = 'spared=yes';
/** As many of each: one more than the last stage reaches, since the last replica of an owner is no candidate. */
const COUNT = 3;
const STAGES = [1, 2];
const HOLD_MS = 8_000;
/** How long the sweep may take to forget what is old, in milliseconds. */
const FORGET_MS = 30_000;

/** What a run does. */
export interface Doing {
  readonly kind: 'pods' | 'objects';
  readonly fault: string;
  readonly params: JsonObject;
  /** What its targets are. */
  readonly of: 'pod' | 'node' | 'deployment' | 'configmap';
  /** Whether it takes pods that run: the one node on which they do, or deployments that have them. Otherwise nobody is there. */
  readonly real?: true;
  /** What its pods need for it. */
  readonly pod?: Omit<Described, 'labels'>;
  /** Where its harm is seen, if that is not what its targets are; of a deployment, that pods are missing. */
  readonly seenIn?: Kind;
}

/** What one run harms. */
export class Slot implements Harmed {
  readonly kind;
  readonly name: string;
  readonly #doing: Doing;
  readonly #watch: Watch;
  readonly #undo = new AsyncDisposableStack();
  /** Since when something of ours has been seen of each, in milliseconds of `performance.now()`. */
  readonly #since = new Map<string, { readonly sinceMs: number; readonly left: string }>();
  /** Since when a fault has acted on each. */
  readonly #acting = new Map<string, number>();
  readonly #condemned: string[] = [];
  hasActed = false;
  firstHarmedMs: number | undefined;
  lastHarmedMs: number | undefined;
  lastActedMs: number | undefined;

  private constructor(watch: Watch, name: string, doing: Doing) {
    this.kind = doing.kind;
    this.name = name;
    this.#doing = doing;
    this.#watch = watch;
    this.#undo.defer(watch.onLook(() => this.#observe()));
  }

  /** Makes what is to be harmed, and begins to observe it. */
  static async open(pods: Pods, watch: Watch, name: string, doing: Doing): Promise<Slot> {
    const slot = new Slot(watch, name, doing);
    await slot.#make(pods);
    return slot;
  }

  get fault(): string {
    return this.#doing.fault;
  }

  experiment(seed: string, ttlMs: number): Experiment {
    const { fault, params, of, real } = this.#doing;
    const isOne = of === 'node' && real === true;
    const stages = isOne ? { stages: [1], holdMs: STAGES.length * HOLD_MS } : { stages: STAGES, holdMs: HOLD_MS };
    const base = pausing({ fault, group: '', seed, ttlMs, ...stages });
    const within = of === 'node' ? {} : { namespace: this.#watch.namespace };
    const selector = { kind: of, ...within, labels: { app: this.name } };
    return { ...base, with: params, targets: { site: 'torture', selector } };
  }

  seen(): readonly Seen[] {
    return this.#watch.of(this.name);
  }

  isOn(): boolean {
    return this.seen().some(({ acts }) => acts);
  }

  harmedFor(ms: number): string[] {
    const beforeMs = performance.now() - ms;
    const harmed = [...this.#since].flatMap(([name, { sinceMs, left }]) =>
      sinceMs <= beforeMs ? [`${name}: ${left}`] : [],
    );
    return [...this.#condemned, ...harmed];
  }

  /** What has acted in a pod without a break for at least `ms` should have ended by itself: it is a leak, whatever becomes of it. */
  condemn(ms: number, why: string): void {
    const beforeMs = performance.now() - ms;
    for (const [name, sinceMs] of this.#acting) if (sinceMs <= beforeMs) this.#condemned.push(`${name} acted ${why}`);
  }

  /** Makes the fences old, and what is kept of faults that heal, and sees that the sweep then takes the last trace away. */
  async end(): Promise<readonly string[]> {
    const marked = () =>
      this.seen().flatMap((seen) => (seen.live && keysOf(seen.live).length > 0 ? [{ ...seen, live: seen.live }] : []));
    const endsAtMs = performance.now() + FORGET_MS;
    while (marked().length > 0 && performance.now() < endsAtMs) {
      for (const { kind, path = '', live } of marked()) if (kind !== 'copy') await this.#age(path, live);
      await sleep(200);
    }
    const left = marked().map(({ name, live }) => `${name}: ${keysOf(live).join(', ')} for ever`);
    await this.#undo.disposeAsync();
    return left;
  }

  async #age(path: string, live: Live): Promise<void> {
    const annotations = aged(live);
    if (Object.keys(annotations).length === 0) return;
    // What has been written since it was looked at is looked at again.
    const { resourceVersion } = live.metadata;
    await this.#watch.api.patch(path, { metadata: { resourceVersion, annotations } }).catch(() => undefined);
  }

  #observe(): void {
    const nowMs = performance.now();
    const seen = new Map(this.seen().map((each) => [each.name, each]));
    for (const name of this.#since.keys()) if (!seen.get(name)?.left.length) this.#since.delete(name);
    for (const name of this.#acting.keys()) if (seen.get(name)?.acts !== true) this.#acting.delete(name);
    for (const { name, kind, left, acts, harms } of seen.values()) {
      if (acts && kind === 'pod') {
        this.#acting.set(name, this.#acting.get(name) ?? nowMs);
        this.lastActedMs = nowMs;
      }
      const { of, seenIn } = this.#doing;
      if (harms && kind === (seenIn ?? of)) this.hasActed = true;
      if (acts || left.length > 0) this.firstHarmedMs ??= nowMs;
      if (left.length === 0) continue;
      this.#since.set(name, { sinceMs: this.#since.get(name)?.sinceMs ?? nowMs, left: left.join(', ') });
      this.lastHarmedMs = nowMs;
    }
  }

  async #make(pods: Pods): Promise<void> {
    const { cluster, namespace } = pods;
    const { name } = this;
    const { of, real, pod, seenIn } = this.#doing;
    const labels = { app: name };
    const all = Array.from({ length: COUNT }, (_, i) => `${name}-${i}`);
    switch (of) {
      case 'pod':
        await this.#deploy(pods, name, COUNT, { ...pod, labels: SPARED });
        if (seenIn === 'deployment') await pods.kubectl('label', 'deployment', name, `${WHOLE}=${name}`);
        return;
      case 'node':
        if (real) return this.#take(pods);
        await Promise.all(all.map(() => makeNode(cluster, this.#undo, labels)));
        return;
      case 'deployment': {
        if (real) {
          await Promise.all(all.map((each) => this.#deploy(pods, each, 1, { labels: SPARED })));
          await pods.kubectl('label', 'deployment', ...all, `app=${name}`, `${WHOLE}=${name}`);
          return;
        }
        // Nobody runs its pods: what is harmed is their number.
        const spec = { nodeSelector: { nowhere: 'here' }, containers: [{ name: 'main', image: 'none' }] };
        const template = { metadata: { labels: { of: name } }, spec };
        const wanted = { replicas: REPLICAS, selector: { matchLabels: { of: name } }, template };
        for (const each of all)
          await cluster.create({
            apiVersion: 'apps/v1',
            kind: 'Deployment',
            metadata: { name: each, namespace, labels },
            spec: wanted,
          });
        return this.#remove(pods, 'deployment', '-l', `app=${name}`);
      }
      case 'configmap':
        for (const each of all)
          await cluster.create({
            apiVersion: 'v1',
            kind: 'ConfigMap',
            metadata: { name: each, namespace, labels },
            data: { url: UNHARMED },
          });
        return this.#remove(pods, 'configmap', '-l', `app=${name}`);
    }
  }

  /** The node on which pods run, with some that are not spared. */
  async #take(pods: Pods): Promise<void> {
    const { name } = this;
    const [one] = await this.#deploy(pods, name, COUNT);
    // An owner's last replica is not evicted, and what is spared is not waited for.
    await pods.kubectl('label', 'pod', one?.name ?? '', AS_SPARED);
    if (this.#doing.seenIn === 'deployment') await pods.kubectl('label', 'deployment', name, `${WHOLE}=${name}`);
    // The last node that pods can be scheduled on is no target. Nobody keeps this one alive, so it is made just before.
    await makeNode(pods.cluster, this.#undo);
    this.#undo.defer(async () => void (await pods.kubectl('label', 'node', NODE, 'app-')));
    await pods.kubectl('label', 'node', NODE, `app=${name}`);
  }

  async #deploy(pods: Pods, name: string, count: number, pod?: Described): Promise<RunningPod[]> {
    const made = await pods.deploy(name, count, pod);
    this.#remove(pods, 'deployment', name);
    return made;
  }

  #remove(pods: Pods, ...what: string[]): void {
    this.#undo.defer(async () => void (await pods.kubectl('delete', ...what, '--wait=false', '--ignore-not-found')));
  }
}
