/**
 * The fault class: what kind of trouble a fault is, whoever's fault it is.
 *
 * Owns the one table from kinds of faults to classes, for telling how wide a system was tested. A kind without a row, such as a
 * plugin's, is of the class `other`: it is shown, and makes nothing wider.
 */

/** Every class, in the order in which it is shown, and what it means. */
export const FAULT_CLASSES = {
  loss: 'something dies, or is replaced',
  stall: 'something stands still, or stutters',
  resources: 'processor, memory or disk run short',
  network: 'messages come late, damaged, or not at all',
  zone: 'a node or a whole zone goes',
  data: 'a database or cache changes its primary',
  change: 'configuration or scale is another',
  other: 'what no class is known of',
} as const;

/** A class of faults. */
export type FaultClass = keyof typeof FAULT_CLASSES;

/** The classes that make coverage wide. */
export const COUNTED_CLASSES = (Object.keys(FAULT_CLASSES) as FaultClass[]).filter((known) => known !== 'other');

const KINDS: ReadonlyMap<string, FaultClass> = new Map(
  Object.entries({
    'host/kill': 'loss',
    'kubernetes/pod-kill': 'loss',
    'kubernetes/rollout-restart': 'loss',
    'aws/instance-stop': 'loss',
    'aws/instance-terminate': 'loss',
    'host/pause': 'stall',
    'host/stutter': 'stall',
    'kubernetes/pod-pause': 'stall',
    'kubernetes/pod-cpu': 'resources',
    'kubernetes/pod-memory': 'resources',
    'kubernetes/pod-disk-fill': 'resources',
    'aws/instance-cpu': 'resources',
    'aws/instance-memory': 'resources',
    'aws/instance-disk-fill': 'resources',
    'kubernetes/pod-latency': 'network',
    'kubernetes/pod-loss': 'network',
    'kubernetes/pod-corrupt': 'network',
    'kubernetes/pod-bandwidth': 'network',
    'kubernetes/pod-partition': 'network',
    'kubernetes/pod-dns': 'network',
    'kubernetes/network-policy-partition': 'network',
    'aws/instance-network': 'network',
    'aws/security-group-isolate': 'network',
    'kubernetes/node-cordon': 'zone',
    'kubernetes/node-taint': 'zone',
    'kubernetes/node-drain': 'zone',
    'kubernetes/zone-outage': 'zone',
    'aws/az-outage': 'zone',
    'aws/asg-zone-removal': 'zone',
    'aws/rds-failover': 'data',
    'aws/elasticache-failover': 'data',
    'kubernetes/scale': 'change',
    'kubernetes/config-change': 'change',
    'aws/asg-scale': 'change',
    // What a template does is written in the account, not here.
    'aws/fis': 'other',
  } satisfies Readonly<Record<string, FaultClass>>),
);

/** Kinds that harm nobody, so that running them proves nothing. */
const HARMLESS = /^noop\//;

/** The class of a kind of fault; undefined where it does no harm. */
export function faultClassOf(kind: string): FaultClass | undefined {
  return HARMLESS.test(kind) ? undefined : (KINDS.get(kind) ?? 'other');
}

/** Whether the table has a row for this kind, or need not. */
export function isClassed(kind: string): boolean {
  return HARMLESS.test(kind) || KINDS.has(kind);
}
