/**
 * What one run harms in a cluster: pods of a deployment, or objects, made for one round.
 *
 * Owns their life, and what has been seen of them since when.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Experiment, JsonObject } from '../../../domain/experiment.ts';
import { makeNode } from '../../../test/kubernetes/nodes.ts';
import type { Described, Pods } from '../../../test/kubernetes/running-pods.ts';
import type { Harmed } from '../arena.ts';
import { pausing } from '../experiment.ts';
import { REPLICAS, UNHARMED } from './watch.ts';
import type { Seen, Watch } from './watch.ts';

/** As many of each: one more than the last stage reaches, since the last replica of an owner is no candidate. */
const COUNT = 3;
const STAGES = [1, 2];
const HOLD_MS = 8_000;
/** How long the sweep may take to forget what is old, in milliseconds. */
const FORGET_MS = 20_000;
/** Older than any fence is kept, in milliseconds. */
const OLD_MS = 2 * 3_600_000;

/** What a run does. */
export interface Doing {
  readonly kind: 'pods' | 'objects';
  readonly fault: string;
  readonly params: JsonObject;
  /** What its targets are. */
  readonly of: 'pod' | 'node' | 'deployment' | 'configmap';
  /** What its pods need for it. */
  readonly pod?: Omit<Described, 'labels'>;
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

  experiment(seed: string, ttlMs: number): Experiment {
    const { fault, params, of } = this.#doing;
    const base = pausing({ fault, group: '', seed, ttlMs, stages: STAGES, holdMs: HOLD_MS });
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

  /** What has acted without a break for at least `ms` should have ended by itself: it is a leak, whatever becomes of it. */
  condemn(ms: number, why: string): void {
    const beforeMs = performance.now() - ms;
    for (const [name, sinceMs] of this.#acting) if (sinceMs <= beforeMs) this.#condemned.push(`${name} acted ${why}`);
  }

  /** Makes the fences old, and sees that the sweep then takes the last trace away. */
  async end(): Promise<readonly string[]> {
    const marked = (): Seen[] =>
      this.seen().filter(({ live }) => live !== undefined && keysOf(live.metadata).length > 0);
    for (const { path = '', live } of marked()) {
      const annotations = Object.entries(live?.metadata.annotations ?? {}).filter(([key]) => key.endsWith('-ended'));
      const old = Object.fromEntries(annotations.map(([key, text]) => [key, aged(text)]));
      await this.#watch.api.patch(path, { metadata: { annotations: old } }).catch(() => undefined);
    }
    const endsAtMs = performance.now() + FORGET_MS;
    while (marked().length > 0 && performance.now() < endsAtMs) await sleep(200);
    const left = marked().map(({ name, live }) => `${name}: ${keysOf(live?.metadata ?? {}).join(', ')} for ever`);
    await this.#undo.disposeAsync();
    return left;
  }

  #observe(): void {
    const nowMs = performance.now();
    const seen = new Map(this.seen().map((each) => [each.name, each]));
    for (const name of this.#since.keys()) if (!seen.get(name)?.left.length) this.#since.delete(name);
    for (const name of this.#acting.keys()) if (seen.get(name)?.acts !== true) this.#acting.delete(name);
    for (const { name, left, acts } of seen.values()) {
      if (acts) this.#acting.set(name, this.#acting.get(name) ?? nowMs);
      if (acts && this.kind === 'pods') this.lastActedMs = nowMs;
      if (left.length === 0) continue;
      this.#since.set(name, { sinceMs: this.#since.get(name)?.sinceMs ?? nowMs, left: left.join(', ') });
      this.firstHarmedMs ??= nowMs;
      this.lastHarmedMs = nowMs;
    }
  }

  async #make(pods: Pods): Promise<void> {
    const { cluster, namespace } = pods;
    const { name } = this;
    const labels = { app: name };
    const all = Array.from({ length: COUNT }, (_, i) => `${name}-${i}`);
    const remove = (...what: string[]) =>
      this.#undo.defer(async () => void (await pods.kubectl('delete', ...what, '--wait=false', '--ignore-not-found')));
    switch (this.#doing.of) {
      case 'pod':
        await pods.deploy(name, COUNT, this.#doing.pod);
        return remove('deployment', name);
      case 'node':
        await Promise.all(all.map(() => makeNode(cluster, this.#undo, labels)));
        return;
      case 'deployment': {
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
        return remove('deployment', '-l', `app=${name}`);
      }
      case 'configmap':
        for (const each of all)
          await cluster.create({
            apiVersion: 'v1',
            kind: 'ConfigMap',
            metadata: { name: each, namespace, labels },
            data: { url: UNHARMED },
          });
        return remove('configmap', '-l', `app=${name}`);
    }
  }
}

function keysOf({
  annotations = {},
  labels = {},
}: NonNullable<Seen['live']>['metadata'] | Record<string, never>): string[] {
  return [...Object.keys(annotations), ...Object.keys(labels)].filter((key) => key.startsWith('squall/'));
}

function aged(text: string): string {
  const fences = JSON.parse(text) as Record<string, number>;
  return JSON.stringify(Object.fromEntries(Object.entries(fences).map(([key, atMs]) => [key, atMs - OLD_MS])));
}
