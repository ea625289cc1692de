/**
 * Targets of a cluster: pods, nodes, deployments, stateful sets, config maps and secrets.
 *
 * Owns where is looked, and which nodes and workloads must never be a target; `kubernetes-pods.ts` says it of pods. Lists are read page by page, and of each object only what is needed is kept.
 */
import { targetId } from '../faults/kubernetes/target.ts';
import { kubernetesApi, METADATA_LIST, Refused } from '../kubernetes/api.ts';
import { hasAll, labelQuery } from '../kubernetes/labels.ts';
import { bareSchema, holds, listPath, nodeSchema, workloadSchema } from '../kubernetes/objects.ts';
import { groupsOfPods } from './kubernetes-groups.ts';
import { podCandidates } from './kubernetes-pods.ts';
import { deployedAtMs } from './kubernetes-rollouts.ts';
import { forbidden, isHeld, selector, ZONE } from './kubernetes-selector.ts';
import type { KubernetesSelector, Place } from './kubernetes-selector.ts';
import { kubernetesSettings, mayTouch } from './kubernetes-settings.ts';
import type { KubernetesSettings } from './kubernetes-settings.ts';
import type { Candidates, TargetProviderFactory } from './provider.ts';
import { Sieve } from './sieve.ts';

/** How long the candidates of one selector may be looked for, in milliseconds. */
const RESOLVE_MS = 60_000;
const CONTROL_PLANE = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master'];

export const targets: TargetProviderFactory<KubernetesSelector> = (site) => {
  const section = site.settings['kubernetes'];
  const settings = section === undefined || section === null ? undefined : kubernetesSettings.parse(section);
  return {
    provider: 'kubernetes',
    selector,
    async resolve(wanted, signal, chosen) {
      if (settings === undefined) return nobody('this site has no `kubernetes:` section');
      const { namespace } = wanted;
      if (namespace !== undefined && !mayTouch(settings, namespace))
        return nobody(`namespace ${namespace} is not one that this site may touch`);
      if (wanted.kind === 'node' && !settings.nodes)
        return nobody('nodes are no targets at this site: its `kubernetes:` section does not say `nodes: true`');
      const place = placeOf(wanted, settings, signal, new Sieve(chosen));
      try {
        if (wanted.kind === 'pod') return await podCandidates(wanted, place);
        if (wanted.kind === 'node') return await nodes(wanted, place);
        return wanted.kind === 'configmap' || wanted.kind === 'secret'
          ? await keyed(wanted.kind, wanted, place)
          : await workloads(wanted.kind, wanted, place);
      } catch (error) {
        // What this worker may not read will not be there at the next try; it may while it is reading what it has read before.
        if (error instanceof Refused && error.status === 403 && chosen === undefined) return nobody(error.message);
        throw error;
      }
    },
    async deployedAtMs(wanted, signal) {
      const { namespace } = wanted;
      if (settings === undefined || (namespace !== undefined && !mayTouch(settings, namespace))) return undefined;
      return deployedAtMs(wanted, placeOf(wanted, settings, signal, new Sieve()));
    },
    async groups(wanted, grouping, signal) {
      const { namespace } = wanted;
      if (settings === undefined) throw new Error('this site has no `kubernetes:` section');
      if (namespace !== undefined && !mayTouch(settings, namespace))
        throw new Error(`namespace ${namespace} is not one that this site may touch`);
      return groupsOfPods(wanted, grouping, placeOf(wanted, settings, signal, new Sieve()));
    },
  };
};

function placeOf(
  { namespace }: KubernetesSelector,
  settings: KubernetesSettings,
  signal: AbortSignal,
  sieve: Sieve,
): Place {
  const endsAtMs = performance.now() + RESOLVE_MS;
  return {
    api: kubernetesApi(settings),
    settings,
    attempt: { signal, remainingMs: () => endsAtMs - performance.now() },
    namespaces: namespace === undefined ? (settings.namespaces ?? [undefined]) : [namespace],
    sieve,
  };
}

function nobody(reason: string): Candidates {
  return { targets: [], facts: new Map(), excluded: [{ reason, count: 0, examples: [] }] };
}

async function nodes(wanted: KubernetesSelector, { api, settings, attempt, sieve }: Place): Promise<Candidates> {
  const found = [];
  let usable = 0;
  for await (const node of api.list(listPath('node'), {}, nodeSchema, attempt)) {
    const { metadata, spec } = node;
    const { labels } = metadata;
    const held = isHeld(metadata);
    const why = (): string | undefined => {
      const never = forbidden('node', metadata, settings);
      if (never !== undefined) return never;
      if (CONTROL_PLANE.some((role) => Object.hasOwn(labels, role))) return 'of the control plane';
      if (!holds(node, 'Ready')) return 'not Ready';
      return spec.unschedulable && !held ? 'cordoned already' : undefined;
    };
    const reason = why();
    if (reason === undefined && !spec.unschedulable) usable += 1;
    const { zone, names } = wanted;
    if (!hasAll(labels, wanted.labels) || (zone !== undefined && labels[ZONE] !== zone)) continue;
    if (names !== undefined && !names.includes(metadata.name)) continue;
    const { name: called, uid } = metadata;
    const id = targetId({ kind: 'node', name: called, uid });
    if (reason === undefined) found.push({ id, metadata, counts: !spec.unschedulable });
    else sieve.leave(reason, { id, name: called });
  }
  const last = { key: 'nodes', allows: usable - 1, reason: 'the last node that pods can be scheduled on' };
  for (const { id, metadata, counts } of found) {
    const { name: called, labels } = metadata;
    // One that is cordoned by a fault of ours is a target still, and none of those that are left.
    sieve.keep({ id, name: called, facts: { labels, host: called }, limits: counts ? [last] : [] });
  }
  return sieve.candidates();
}

async function workloads(
  kind: 'deployment' | 'statefulset',
  { labels: wanted, names }: KubernetesSelector,
  { api, settings, attempt, namespaces, sieve }: Place,
): Promise<Candidates> {
  for (const place of namespaces) {
    for await (const workload of api.list(listPath(kind, place), labelQuery(wanted), workloadSchema, attempt)) {
      const { metadata, spec } = workload;
      const { name: called, namespace = '', uid, labels } = metadata;
      const { labels: podLabels } = spec.template.metadata;
      if (names !== undefined && !names.includes(called)) continue;
      const shown = `${namespace}/${called}`;
      const idle = spec.replicas === 0 && !isHeld(metadata) ? 'has no replicas' : undefined;
      const reason = forbidden(kind, metadata, settings) ?? idle;
      const id = targetId({ kind, namespace, name: called, uid });
      if (reason !== undefined) sieve.leave(reason, { id, name: shown });
      else
        sieve.keep({
          id,
          name: shown,
          facts: { labels, podLabels, namespace },
          limits: [],
        });
    }
  }
  return sieve.candidates();
}

/** Config maps and secrets, of which nothing but the metadata is read. */
async function keyed(
  kind: 'configmap' | 'secret',
  { labels: wanted, names }: KubernetesSelector,
  { api, settings, attempt, namespaces, sieve }: Place,
): Promise<Candidates> {
  for (const place of namespaces) {
    for await (const found of api.list(listPath(kind, place), labelQuery(wanted), bareSchema, attempt, METADATA_LIST)) {
      const { name: called, namespace = '', uid, labels, annotations } = found.metadata;
      if (names !== undefined && !names.includes(called)) continue;
      const own = called === 'kube-root-ca.crt' || Object.hasOwn(annotations, 'kubernetes.io/service-account.name');
      const reason = forbidden(kind, found.metadata, settings) ?? (own ? "of the cluster's own" : undefined);
      const shown = `${namespace}/${called}`;
      const id = targetId({ kind, namespace, name: called, uid });
      if (reason !== undefined) sieve.leave(reason, { id, name: shown });
      else
        sieve.keep({
          id,
          name: shown,
          facts: { labels, namespace },
          limits: [],
        });
    }
  }
  return sieve.candidates();
}
