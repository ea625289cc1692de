/** `kubernetes/pod-pause`: the processes of a container stand still, as when a host is overcommitted or a debugger holds them. */
import { z } from 'zod';
import { burden, mixedUp } from './burden/burden.ts';
import type { Pod } from './in-pod/pod.ts';

export const driver = burden({
  kind: 'kubernetes/pod-pause',
  summary: 'The processes of a pod’s container stand still: they are there, and never answer.',
  resource: 'pause',
  params: z.strictObject({
    container: z
      .string()
      .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, 'expected the name of a container')
      .optional()
      .describe('Whose processes. Default: the pod’s only container; a pod with several needs it said.'),
  }),
  unfit(pod, { container }) {
    if (nameOf(pod, container) !== undefined) return mixedUp(pod);
    return container === undefined
      ? 'it has several containers: say which `container`'
      : `it has no container ${container}`;
  },
  // Root, since whoever is held may be anybody.
  shape: (pod, { container }) => {
    const name = nameOf(pod, container);
    const shared = pod.spec.shareProcessNamespace || name === undefined;
    return { user: 0, capabilities: ['SYS_PTRACE'], ...(shared ? {} : { targetContainerName: name }) };
  },
  async harm({ pod, params: { container } }) {
    const name = nameOf(pod, container) ?? '';
    const id = pod.status.containerStatuses.find((status) => status.name === name)?.containerID ?? '';
    const hex = /:\/\/([0-9a-f]{12,64})$/.exec(id)?.[1];
    if (hex === undefined) throw new Error(`its container ${name} has not been started`);
    return ['pause', `--container=${hex}`];
  },
});

/** The container that is meant; undefined where that cannot be told. */
function nameOf({ spec }: Pod, container: string | undefined): string | undefined {
  const meant = container === undefined ? spec.containers : spec.containers.filter(({ name }) => name === container);
  return meant.length === 1 ? meant[0]?.name : undefined;
}
