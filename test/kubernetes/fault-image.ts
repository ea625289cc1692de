/**
 * The fault image on a cluster's node, built of its source and imported: no registry is needed. Whoever names another cluster
 * with KUBECONFIG has pushed it to a registry of theirs, and names it with SQUALL_FAULT_IMAGE.
 *
 * Owns its name, and why there is none here. Reaches into the node's namespaces, which only a cluster of the test's own has.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, WITHOUT_GO } from '../fault/program.ts';
import { whyNoNode } from './cluster/cluster.ts';
import type { Cluster } from './cluster/cluster.ts';
import { archive } from './cluster/image.ts';

/** What a site of the cluster has as its `faultImage`. */
export const FAULT_IMAGE = process.env['SQUALL_FAULT_IMAGE'] ?? 'squall.test/fault:1';

/** Why there is no node of a test's own with the fault image here; false where there is one. */
export async function whyNoFaultImage(): Promise<string | false> {
  if (process.env['KUBECONFIG']) return 'needs a node of its own, and KUBECONFIG names another cluster';
  return (await whyNoNode()) || WITHOUT_GO;
}

/** Why there is no cluster, whosever, that can have the fault image; false where there is one. */
export async function whyNoFaultImageAnywhere(): Promise<string | false> {
  if (!process.env['KUBECONFIG']) return whyNoFaultImage();
  if (process.env['SQUALL_FAULT_IMAGE']) return whyNoNode();
  return 'KUBECONFIG names a cluster: push deploy/fault to a registry of it, and name the image with SQUALL_FAULT_IMAGE';
}

/** Brings the image onto the node, by the name that it is to have there; one that is another's pulls it. */
export async function importFaultImage(cluster: Cluster, name = FAULT_IMAGE): Promise<void> {
  if (cluster.holder === undefined) return;
  const program = build();
  const folder = mkdtempSync(join(tmpdir(), 'squall-image-'));
  try {
    const root = join(folder, 'root');
    mkdirSync(root);
    copyFileSync(program.path, join(root, 'fault'));
    const written = archive(folder, name, root, { Entrypoint: ['/fault'], User: '0:0' });
    onNode(cluster, ['ctr', '-a', '/run/squall/containerd.sock', '-n', 'k8s.io', 'images', 'import', written]);
  } finally {
    rmSync(folder, { recursive: true });
    await program.remove();
  }
}

/** Runs a program on the node; returns what it prints. */
export function onNode(cluster: Cluster, command: readonly string[]): string {
  return execFileSync(...nodeCommand(cluster, command), { encoding: 'utf8', maxBuffer: 64 << 20 });
}

/** How a program is run in these namespaces of the node. */
export function nodeCommand(
  { holder }: Cluster,
  command: readonly string[],
  namespaces: readonly string[] = ['--mount', '--net', '--pid'],
): [string, string[]] {
  // What holds the namespaces is a child of what made them.
  const [inside = ''] = readFileSync(`/proc/${holder}/task/${holder}/children`, 'utf8').trim().split(' ');
  return ['nsenter', [`--target=${inside}`, ...namespaces, ...command]];
}
