/**
 * Nodes and deployments that are there only for the API server, for tests of faults on them.
 *
 * Owns a folder of nobody's; whatever it makes goes with the test's own cluster, or with `undo` where the cluster is not its own.
 */
import { randomBytes } from 'node:crypto';
import type { Fault } from '../../domain/fault.ts';
import type { Attempt, DriverFactory, FaultDriver } from '../../activities/faults/driver.ts';
import { targetId } from '../../activities/faults/kubernetes/target.ts';
import type { Cluster } from './cluster/cluster.ts';

/** Unhurried. */
export const ATTEMPT: Attempt = { signal: new AbortController().signal, remainingMs: () => 60_000 };

let count = 0;

/** Makes a ready node, deleted with `undo`; returns its name and its id as a target. */
export async function makeNode(
  cluster: Cluster,
  undo: AsyncDisposableStack,
  labels: Readonly<Record<string, string>> = {},
  allocatable?: Readonly<Record<string, string>>,
): Promise<{ readonly name: string; readonly id: string }> {
  const name = `node-${randomBytes(3).toString('hex')}-${++count}`;
  const { metadata } = await cluster.create({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels },
    status: { conditions: [{ type: 'Ready', status: 'True' }], ...(allocatable && { allocatable }) },
  });
  undo.defer(async () => void (await cluster.kubectl('delete', 'node', name, '--ignore-not-found')));
  return { name, id: targetId({ kind: 'node', name, uid: metadata.uid ?? '' }) };
}

/** A driver at a site of `cluster`, as any process would open it. */
export function openDriver<Params>(
  cluster: Cluster,
  driver: DriverFactory<Params>,
  installation = 'lab',
): FaultDriver<Params> {
  const settings = { kubernetes: { kubeconfig: cluster.kubeconfig, nodes: true } };
  return driver({ name: 'lab', installation, stateDir: '', settings });
}

/** A fault with an id of its own. */
export function faultOn<Params>(target: string, params: Params, change: Partial<Fault<Params>> = {}): Fault<Params> {
  const id = `run/stage-${++count}/${target}`;
  return { id, installation: 'lab', run: 'run', target, params, ttlMs: 600_000, notAfterMs: 600_000, ...change };
}
