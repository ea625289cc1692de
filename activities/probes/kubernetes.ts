/**
 * The `kubernetes` probe: one number about a cluster, asked of its API server.
 *
 * Owns what each measure asks for. What is not there is no data, and so is what cannot be read in time. A selector that matches
 * nothing is no data either: it may be misspelt, and 0 is what a limit wants to hear.
 */
import { existsSync } from 'node:fs';
import { z } from 'zod';
import type { Reading } from '../../domain/probe.ts';
import { writtenDuration } from '../../domain/written-duration.ts';
import type { Attempt } from '../faults/driver.ts';
import { kubernetesApi } from '../kubernetes/api.ts';
import type { KubernetesApi } from '../kubernetes/api.ts';
import { kubernetesSettings } from '../targets/kubernetes-settings.ts';
import {
  autoscalerStatus,
  conditionOf,
  conditionStatus,
  endpointSlice,
  eventRecord,
  lastMs,
  podStatus,
  readyEndpoints,
  replicasOf,
  restartsOf,
  workloadStatus,
} from './kubernetes-objects.ts';
import type { ProbeProvider } from './probe.ts';
import { noData, reading, reasonOf } from './reading.ts';

/** Objects that one reading looks at; more are no data, since it would look for too long. */
const OBJECTS_MAX = 20_000;

const { kubeconfig, context } = kubernetesSettings.shape;
const cluster = { kubeconfig, context };
const named = z.string().regex(/^[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?$/, 'expected the name of an object');
const namespace = named.describe('The namespace of what is read.');
const labels = z
  .record(z.string().max(317), z.string().max(63))
  .default({})
  .describe('Only what has these labels. Default: all.');
const workload = z
  .string()
  .regex(
    /^(deployment|statefulset|daemonset)\/[a-z0-9][-a-z0-9.]{0,252}$/,
    'expected deployment/NAME, statefulset/NAME or daemonset/NAME',
  )
  .describe('deployment/NAME, statefulset/NAME or daemonset/NAME.');
const condition = z.string().min(1).max(316).describe('The type of the condition, such as Ready.');

const settings = z.discriminatedUnion('measure', [
  z.strictObject({ measure: z.literal('ready-replicas'), ...cluster, namespace, of: workload }),
  z.strictObject({ measure: z.literal('ready-share'), ...cluster, namespace, of: workload }),
  z.strictObject({
    measure: z.literal('pods'),
    ...cluster,
    namespace,
    labels,
    phase: z.enum(['Pending', 'Running', 'Succeeded', 'Failed', 'Unknown']).optional(),
  }),
  z.strictObject({ measure: z.literal('restarts'), ...cluster, namespace, labels }),
  z.strictObject({
    measure: z.literal('events'),
    ...cluster,
    namespace,
    reason: z.string().min(1).max(128).optional().describe('Such as BackOff. Default: any.'),
    kind: z.enum(['Normal', 'Warning']).default('Warning'),
    since: writtenDuration
      .prefault('5m')
      .describe('Those count that happened, or happened again, within this time, by the server’s clock. Default: 5m.'),
  }),
  z.strictObject({
    measure: z.literal('nodes'),
    ...cluster,
    labels,
    condition: condition.default('Ready'),
    is: z.enum(['True', 'False', 'Unknown']).default('True'),
  }),
  z.strictObject({ measure: z.literal('autoscaler-replicas'), ...cluster, namespace, of: named }),
  z.strictObject({ measure: z.literal('autoscaler-condition'), ...cluster, namespace, of: named, condition }),
  z.strictObject({ measure: z.literal('endpoints'), ...cluster, namespace, of: named.describe('The service.') }),
]);

/** The settings of a `kubernetes` probe. */
type Settings = z.output<typeof settings>;

/** Reads clusters. */
export const provider: ProbeProvider<Settings> = {
  type: 'kubernetes',
  settings,
  check({ kubeconfig: file }) {
    if (file !== undefined) return existsSync(file) ? [] : [`there is no ${file}`];
    return process.env['KUBERNETES_SERVICE_HOST'] ? [] : ['this worker does not run in a cluster: name a `kubeconfig`'];
  },
  open: (probe, { scale, timeoutMs }) => ({
    async read(ending) {
      const signal = AbortSignal.any([ending, AbortSignal.timeout(timeoutMs)]);
      const endsAtMs = performance.now() + timeoutMs;
      const attempt = { signal, remainingMs: () => endsAtMs - performance.now() };
      const api = kubernetesApi({ kubeconfig: probe.kubeconfig, context: probe.context, nodes: false });
      try {
        const read = await measure(probe, { api, attempt });
        return read.ok ? reading(read.value, scale) : read;
      } catch (error) {
        return noData(reasonOf(error));
      }
    },
  }),
};

/** Why `unit` cannot be right for these settings, if it cannot. */
export function unitObjection({ measure: what }: Settings, unit: string): string | undefined {
  const right = what === 'ready-share' ? 'ratio' : 'count';
  return unit === right ? undefined : `${what} is a ${right}: write \`unit: ${right}\``;
}

/** How a cluster is asked. */
interface Asking {
  readonly api: KubernetesApi;
  readonly attempt: Attempt;
}

async function measure(probe: Settings, asking: Asking): Promise<Reading> {
  switch (probe.measure) {
    case 'ready-replicas':
      return replicas(probe, asking);
    case 'ready-share':
      return share(await replicas(probe, asking));
    case 'pods':
      return total(
        podsOf(probe, asking, ({ status }) => ((probe.phase ?? status.phase) === status.phase ? 1 : 0)),
        'pod',
      );
    case 'restarts':
      return total(podsOf(probe, asking, restartsOf), 'pod');
    case 'events':
      return events(probe, asking);
    case 'nodes': {
      const asIs = (node: z.infer<typeof conditionStatus>): number =>
        (conditionOf(node, probe.condition) ?? 'Unknown') === probe.is ? 1 : 0;
      return total(numbers(asking, '/api/v1/nodes', selecting(probe.labels), conditionStatus, asIs), 'node');
    }
    case 'autoscaler-replicas': {
      const found = await autoscaler(probe, asking);
      return found ? value(found.status.desiredReplicas) : missing(`horizontalpodautoscaler/${probe.of}`);
    }
    case 'autoscaler-condition': {
      const found = await autoscaler(probe, asking);
      if (!found) return missing(`horizontalpodautoscaler/${probe.of}`);
      const says = conditionOf(found, probe.condition);
      return says === undefined ? noData(`it has no condition ${probe.condition}`) : value(says === 'True' ? 1 : 0);
    }
    case 'endpoints':
      return endpoints(probe, asking);
  }
}

interface Of {
  readonly namespace: string;
  readonly of: string;
}

async function replicas(
  { namespace: within, of }: Of,
  { api, attempt }: Asking,
): Promise<ReturnType<typeof replicasOf>> {
  const [kind, name] = of.split('/') as [string, string];
  const found = await api.get(`/apis/apps/v1/namespaces/${within}/${kind}s/${name}`, workloadStatus, attempt);
  return found ? replicasOf(found) : missing(of);
}

function share(found: ReturnType<typeof replicasOf>): Reading {
  if (!found.ok) return found;
  // Nothing of nothing is no share.
  return found.wanted ? value(found.value / found.wanted) : noData('it is to have no replicas');
}

function podsOf(
  {
    namespace: within,
    labels: wanted,
  }: { readonly namespace: string; readonly labels: Readonly<Record<string, string>> },
  asking: Asking,
  each: (pod: z.infer<typeof podStatus>) => number,
): AsyncGenerator<number> {
  return numbers(asking, `/api/v1/namespaces/${within}/pods`, selecting(wanted), podStatus, each);
}

async function events(
  { namespace: within, reason, kind, since }: Extract<Settings, { measure: 'events' }>,
  asking: Asking,
): Promise<Reading> {
  const { api, attempt } = asking;
  // A namespace that is not there lists nothing, as one does in which nothing has happened.
  if (!(await api.get(`/api/v1/namespaces/${within}`, z.object({}), attempt))) return missing(`namespace ${within}`);
  const fieldSelector = [`type=${kind}`, ...(reason === undefined ? [] : [`reason=${reason}`])].join(',');
  const isLate = (event: z.infer<typeof eventRecord>): number => (api.nowMs() - lastMs(event) <= since ? 1 : 0);
  return total(numbers(asking, `/api/v1/namespaces/${within}/events`, { fieldSelector }, eventRecord, isLate));
}

function autoscaler({ namespace: within, of }: Of, { api, attempt }: Asking) {
  const path = `/apis/autoscaling/v2/namespaces/${within}/horizontalpodautoscalers/${of}`;
  return api.get(path, autoscalerStatus, attempt);
}

async function endpoints({ namespace: within, of }: Of, asking: Asking): Promise<Reading> {
  const service = await asking.api.get(`/api/v1/namespaces/${within}/services/${of}`, z.object({}), asking.attempt);
  // No slice at all is what a service without pods has; a service that is not there is something else.
  if (!service) return missing(`service/${of}`);
  const query = selecting({ 'kubernetes.io/service-name': of });
  const path = `/apis/discovery.k8s.io/v1/namespaces/${within}/endpointslices`;
  return total(numbers(asking, path, query, endpointSlice, readyEndpoints));
}

function selecting(wanted: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const labelSelector = Object.entries(wanted)
    .map(([name, is]) => `${name}=${is}`)
    .join(',');
  return labelSelector === '' ? {} : { labelSelector };
}

/** A number for each object that is listed. */
async function* numbers<T>(
  { api, attempt }: Asking,
  path: string,
  query: Readonly<Record<string, string>>,
  schema: z.ZodType<T>,
  each: (object: T) => number,
): AsyncGenerator<number> {
  for await (const object of api.list(path, query, schema, attempt)) yield each(object);
}

/** The sum; no data where nothing is listed of which there must be some. */
async function total(counted: AsyncGenerator<number>, some?: string): Promise<Reading> {
  let sum = 0;
  let seen = 0;
  for await (const number of counted) {
    if (++seen > OBJECTS_MAX) return noData(`there are more than ${OBJECTS_MAX}`);
    sum += number;
  }
  return seen === 0 && some !== undefined ? noData(`no ${some} matches`) : value(sum);
}

function value(number: number): Reading {
  return { ok: true, value: number };
}

function missing(what: string): { readonly ok: false; readonly why: string } {
  return { ok: false, why: `there is no ${what}` };
}
