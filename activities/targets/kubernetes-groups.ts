/**
 * Groups of pods: by the labels of kube-monkey, or by a label of the pods.
 *
 * Owns the reading of them. Who opts in does so by a label of its own, and what of it cannot be read opts nobody in.
 */
import { KUBE_MONKEY, kubeMonkeyGroup } from '../../domain/grouping.ts';
import type { Grouping, Groups, TargetGroup } from '../../domain/grouping.ts';
import { METADATA_LIST } from '../kubernetes/api.ts';
import { hasAll, labelQuery } from '../kubernetes/labels.ts';
import { bareSchema, listPath } from '../kubernetes/objects.ts';
import type { Metadata } from '../kubernetes/objects.ts';
import { forbidden } from './kubernetes-selector.ts';
import type { KubernetesSelector, Place } from './kubernetes-selector.ts';

/** The most groups of one selector. */
const GROUPS_MAX = 1_000;
/** What pods may be of that kube-monkey knows. */
const WORKLOADS = ['deployment', 'statefulset', 'daemonset'] as const;

/** The groups of the pods that are `wanted`. Rejects where they cannot be read, or are too many. */
export async function groupsOfPods(wanted: KubernetesSelector, grouping: Grouping, place: Place): Promise<Groups> {
  if (wanted.kind !== 'pod')
    throw new Error(`found targets of kind ${wanted.kind}, expected pods: nothing else has groups`);
  const found =
    grouping.by === 'kube-monkey'
      ? await kubeMonkeys(grouping.dayMs, place)
      : { groups: await byLabel(wanted, grouping, place), left: [] };
  if (found.groups.length > GROUPS_MAX)
    throw new Error(`found ${found.groups.length} groups, expected at most ${GROUPS_MAX}`);
  return found;
}

async function kubeMonkeys(dayMs: number, { api, settings, attempt, namespaces }: Place): Promise<Groups> {
  // Several workloads may share an identifier; they are one group, by the first.
  const groups = new Map<string, TargetGroup>();
  const left: { name: string; why: string }[] = [];
  for (const namespace of namespaces)
    for (const kind of WORKLOADS)
      for await (const { metadata } of api.list(
        pathOf(kind, namespace),
        labelQuery(KUBE_MONKEY),
        bareSchema,
        attempt,
        METADATA_LIST,
      )) {
        if (forbidden('pod', metadata, settings) !== undefined) continue;
        const { name, namespace: of = '', labels } = metadata;
        const group = kubeMonkeyGroup({ name, namespace: of, labels }, dayMs);
        const key = 'why' in group ? '' : JSON.stringify(group.selector);
        if ('why' in group) left.push({ name: `${of}/${name}`, why: group.why });
        else if (!groups.has(key)) groups.set(key, group);
      }
  return { groups: [...groups.values()], left };
}

function pathOf(kind: (typeof WORKLOADS)[number], namespace: string | undefined): string {
  return `/apis/apps/v1${namespace === undefined ? '' : `/namespaces/${namespace}`}/${kind}s`;
}

async function byLabel(
  { labels: wanted }: KubernetesSelector,
  { label, optIn, meanMs }: Extract<Grouping, { by: 'label' }>,
  { api, settings, attempt, namespaces }: Place,
): Promise<readonly TargetGroup[]> {
  const asked = { ...wanted, ...(optIn === undefined ? {} : { [optIn.label]: optIn.value }) };
  const groups = new Map<string, TargetGroup>();
  const take = ({ namespace = '', labels }: Metadata): void => {
    const value = labels[label];
    if (value === undefined || !hasAll(labels, asked)) return;
    const name = `${namespace}/${value}`;
    const added = optIn === undefined ? {} : { [optIn.label]: optIn.value };
    if (!groups.has(name))
      groups.set(name, { name, selector: { namespace, labels: { ...added, [label]: value } }, meanMs });
  };
  for (const namespace of namespaces)
    for await (const { metadata } of api.list(
      listPath('pod', namespace),
      labelQuery(asked),
      bareSchema,
      attempt,
      METADATA_LIST,
    ))
      if (forbidden('pod', metadata, settings) === undefined) take(metadata);
  return [...groups.values()];
}
