/**
 * The `kubernetes:` section of a site: which cluster it is, and what of it may be touched.
 *
 * Owns its schema, which takes what it has parsed before. It is loaded with every configuration, so it must never need the
 * client or the cluster.
 */
import { z } from 'zod';

const namespace = z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, 'expected the name of a namespace');

/** The `kubernetes:` section of a site. */
export const kubernetesSettings = z.strictObject({
  kubeconfig: z
    .string()
    .min(1)
    .optional()
    .describe("The kubeconfig file to use. Without it the worker's own service account, in the cluster it runs in."),
  context: z.string().min(1).optional().describe('A context of that file. Default: its current one.'),
  namespaces: z
    .array(namespace)
    .min(1)
    .optional()
    .describe('Namespaces whose objects may be targets. Default: all but those of the cluster itself, `kube-…`.'),
  nodes: z.boolean().default(false).describe('Whether nodes may be targets.'),
  faultImage: z
    .string()
    .min(1)
    .max(500)
    .optional()
    .describe(
      'The image that is a fault of a pod’s network, or a burden on a pod, built from `deploy/fault/`. Without it there are none.',
    ),
});

/** A parsed `kubernetes:` section. */
export type KubernetesSettings = z.infer<typeof kubernetesSettings>;

/** Which cluster it is must be certain; all else may be wrong, or from a later version, and is done without. */
const forUndoing = z.object({
  ...kubernetesSettings.shape,
  namespaces: kubernetesSettings.shape.namespaces.catch(undefined),
  nodes: kubernetesSettings.shape.nodes.catch(false),
  faultImage: kubernetesSettings.shape.faultImage.catch(undefined),
});

/** The section of a site; undefined where the site has none that can be used, whatever else is wrong. For undoing. */
export function usableKubernetes(section: unknown): KubernetesSettings | undefined {
  return forUndoing.safeParse(section).data;
}

/** Whether objects of `name` may be targets. */
export function mayTouch({ namespaces }: KubernetesSettings, name: string): boolean {
  return namespaces?.includes(name) ?? !/^kube-/.test(name);
}
