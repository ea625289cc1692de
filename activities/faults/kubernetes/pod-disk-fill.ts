/** `kubernetes/pod-disk-fill`: room on a volume of a pod is taken, never on its node's own disk. */
import { z } from 'zod';
import { permission } from '../../kubernetes/access.ts';
import { burden, NOBODY } from './burden/burden.ts';
import { shareBetween } from './burden/share.ts';
import type { Asked } from './in-pod/kind-of-pod-fault.ts';
import { amountOf } from './in-pod/limit.ts';
import type { Pod } from './in-pod/pod.ts';
import { percentOf } from './network/params.ts';

/** Where the program has the volume. */
const AT = '/volume';
/** A kubelet evicts whoever has more than the limit. */
const MOST_PERCENT = 95;

const params = z.strictObject({
  volume: z
    .string()
    .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, 'expected the name of a volume of the pod')
    .describe('Which of the pod’s volumes: an `emptyDir` with a `sizeLimit`, or a persistent volume claim.'),
  to: shareBetween(1, MOST_PERCENT)
    .default('90%')
    .describe('How full the volume is when it stops: 90% of its limit, at most 95%.'),
});
type Params = z.infer<typeof params>;

const claimSchema = z.object({
  status: z.object({ capacity: z.object({ storage: z.string() }).optional() }).prefault({}),
});

export const driver = burden({
  kind: 'kubernetes/pod-disk-fill',
  summary: 'Room on a volume of a pod is taken, up to a share of the volume’s limit.',
  resource: 'disk',
  params,
  permissions: [permission('', ['persistentvolumeclaims'], ['get'])],
  unfit(pod, { volume: name }) {
    const volume = volumeOf(pod, name);
    if (volume === undefined) return `it has no volume ${name}`;
    const { emptyDir, persistentVolumeClaim } = volume;
    if (persistentVolumeClaim !== undefined)
      return persistentVolumeClaim.readOnly ? `it may not write on its volume ${name}` : undefined;
    if (emptyDir === undefined) return `its volume ${name} is neither an emptyDir nor a claim`;
    return amountOf(emptyDir.sizeLimit ?? '') ? undefined : `its volume ${name} has no sizeLimit`;
  },
  shape: (pod, { volume }) => ({
    user: userOf(pod, volume),
    capabilities: [],
    volumeMounts: [{ name: volume, mountPath: AT }],
  }),
  async harm(asked) {
    const {
      pod,
      params: { volume, to },
    } = asked;
    // What is claimed must be a file system of its own: some are folders of a disk that others have too.
    const own = volumeOf(pod, volume)?.persistentVolumeClaim === undefined ? [] : ['--own'];
    return ['disk', `--path=${AT}`, `--to=${percentOf(to)}`, `--limit=${Math.floor(await limitOf(asked))}`, ...own];
  },
});

function volumeOf({ spec }: Pod, name: string): Pod['spec']['volumes'][number] | undefined {
  return spec.volumes.find((volume) => volume.name === name);
}

/** How many bytes the volume may have. */
async function limitOf({ api, pod, params: { volume }, attempt }: Asked<Params>): Promise<number> {
  const { emptyDir, persistentVolumeClaim: claim } = volumeOf(pod, volume) ?? {};
  if (claim === undefined) return amountOf(emptyDir?.sizeLimit ?? '') ?? 0;
  const path = `/api/v1/namespaces/${pod.metadata.namespace ?? ''}/persistentvolumeclaims/${claim.claimName}`;
  const capacity = amountOf((await api.get(path, claimSchema, attempt))?.status.capacity?.storage ?? '');
  if (capacity === undefined) throw new Error(`the claim ${claim.claimName} has no capacity yet`);
  return capacity;
}

/** As whom the volume's own container writes on it; root, without any capability, where nobody says. */
function userOf({ spec }: Pod, volume: string): number {
  const mounts = spec.containers.filter(({ volumeMounts }) => volumeMounts.some(({ name }) => name === volume));
  const writes = mounts.find(({ volumeMounts }) => volumeMounts.some((at) => at.name === volume && !at.readOnly));
  const of = [writes?.securityContext, spec.securityContext];
  const user = of.find((context) => context?.runAsUser !== undefined)?.runAsUser;
  return user ?? (of.some((context) => context?.runAsNonRoot === true) ? NOBODY : 0);
}
