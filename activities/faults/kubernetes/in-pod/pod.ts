/**
 * A pod, as far as faults that are a container of it look at it.
 *
 * Owns what a container's status means. Pure; what has no status yet has not been looked at by any kubelet.
 */
import { z } from 'zod';
import { metadataSchema } from '../../../kubernetes/objects.ts';

const words = z.string().catch('');

const stateSchema = z.object({
  waiting: z.object({ reason: words, message: words }).optional(),
  running: z.unknown().optional(),
  terminated: z.object({ exitCode: z.number().int(), reason: words, message: words }).optional(),
});

/** An amount as the API server writes it: `500m`, `64Mi`. */
const amount = z.union([z.string(), z.number()]).transform(String);
const resourcesSchema = z.object({ limits: z.record(z.string(), amount).default({}) }).prefault({});
const userSchema = z.object({ runAsUser: z.number().optional(), runAsNonRoot: z.boolean().optional() }).prefault({});

const containerSchema = z.object({
  name: z.string(),
  /** `Always`: it stays beside the others, though it is started before them. */
  restartPolicy: z.string().optional(),
  resources: resourcesSchema,
  securityContext: userSchema,
  volumeMounts: z.array(z.object({ name: z.string(), readOnly: z.boolean().default(false) })).default([]),
});

export const podSchema = z.object({
  metadata: metadataSchema,
  spec: z
    .object({
      hostNetwork: z.boolean().default(false),
      hostPID: z.boolean().default(false),
      shareProcessNamespace: z.boolean().default(false),
      securityContext: userSchema,
      resources: resourcesSchema,
      containers: z.array(containerSchema).default([]),
      initContainers: z.array(containerSchema).default([]),
      volumes: z
        .array(
          z.object({
            name: z.string(),
            emptyDir: z.object({ sizeLimit: amount.optional() }).optional(),
            persistentVolumeClaim: z.object({ claimName: z.string(), readOnly: z.boolean().default(false) }).optional(),
          }),
        )
        .default([]),
      ephemeralContainers: z.array(z.object({ name: z.string() })).default([]),
    })
    .prefault({}),
  status: z
    .object({
      phase: z.string().default(''),
      hostIPs: z.array(z.object({ ip: z.string() })).default([]),
      containerStatuses: z.array(z.object({ name: z.string(), containerID: z.string().default('') })).default([]),
      ephemeralContainerStatuses: z.array(z.object({ name: z.string(), state: stateSchema.prefault({}) })).default([]),
    })
    .prefault({}),
});

/** A pod that may be harmed. */
export type Pod = z.infer<typeof podSchema>;

/** What is known of an ephemeral container of ours. */
export type ContainerState =
  /** It was never added. */
  | { readonly is: 'none' }
  /** It was added, and does not run yet; `problem`: why it cannot. */
  | { readonly is: 'waiting'; readonly problem?: string }
  | { readonly is: 'running' }
  /** It has ended; `clean`: it has left nothing, by its own word. */
  | { readonly is: 'ended'; readonly code: number; readonly clean: boolean; readonly why: string };

/** What a container waits for that comes by itself. */
const ON_ITS_WAY = ['', 'ContainerCreating', 'PodInitializing'];

export function stateOf({ spec, status }: Pod, name: string): ContainerState {
  if (!spec.ephemeralContainers.some((container) => container.name === name)) return { is: 'none' };
  const state = status.ephemeralContainerStatuses.find((container) => container.name === name)?.state;
  if (state === undefined) return { is: 'waiting' };
  if (state.terminated !== undefined) {
    const { exitCode: code, reason, message } = state.terminated;
    const why = (message || reason).replaceAll(/\s+/g, ' ').trim().slice(-300);
    return { is: 'ended', code, clean: isClean(code, message), why: `it has ended with ${code} ${why}`.trim() };
  }
  if (state.running !== undefined) return { is: 'running' };
  const { reason = '', message = '' } = state.waiting ?? {};
  return ON_ITS_WAY.includes(reason)
    ? { is: 'waiting' }
    : { is: 'waiting', problem: `${reason} ${message}`.trim().slice(0, 300) };
}

/** Whether a program that ended so has read back that nothing of it is left, or has touched nothing. */
function isClean(code: number, said: string): boolean {
  switch (code) {
    case 0:
    case 4:
      return true;
    // A runtime that breaks down ends with the same code as a wrong word.
    case 2:
      return said.includes('"reason":"usage"');
    case 3:
      return !said.includes('"reason":"already"');
    default:
      return false;
  }
}

/** Whether the pod is over, with its network and all else in it: nothing of it runs any more. */
export function isOverForGood({ status: { phase } }: Pod): boolean {
  return phase === 'Succeeded' || phase === 'Failed';
}

/** The most containers of ours in one pod's description, where each stays for good: an object must not grow without end. */
const CONTAINERS_MAX = 100;

/** Why no container can be put into this pod; undefined where one can. */
export function noRoom({ spec, status }: Pod): string | undefined {
  if (status.phase !== 'Running') return `it is not running, but ${status.phase || 'nowhere yet'}`;
  const ours = spec.ephemeralContainers.filter(({ name }) => name.startsWith('squall-')).length;
  return ours < CONTAINERS_MAX ? undefined : `it has had ${ours} containers of faults, which stay with it: replace it`;
}
