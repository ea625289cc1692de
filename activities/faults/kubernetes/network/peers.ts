/**
 * The addresses of a fault's peers, as they are when the fault is put on.
 *
 * Owns what a host's addresses are, and what a service's are: its own, which a pod calls, and those of the pods behind it, which a pod may call
 * past it. Nothing follows them when they change: the journal says when the fault was put on.
 */
import { lookup } from 'node:dns/promises';
import { z } from 'zod';
import type { KubernetesApi } from '../../../kubernetes/api.ts';
import { reasonOf } from '../../../probes/reading.ts';
import type { Attempt } from '../../driver.ts';
import type { Peer } from './params.ts';

/** As many as the program takes. */
const ADDRESSES_MAX = 512;

const serviceSchema = z.object({
  spec: z.object({ clusterIPs: z.array(z.string()).default([]), externalIPs: z.array(z.string()).default([]) }),
});

const sliceSchema = z.object({
  addressType: z.string(),
  endpoints: z.array(z.object({ addresses: z.array(z.string()) })).nullish(),
});

/** The addresses of `peers`; undefined where there are none. Throws, in words for people, where one has no address. */
export async function addressesOf(
  api: KubernetesApi,
  peers: readonly Peer[] | undefined,
  namespace: string,
  attempt: Attempt,
): Promise<readonly string[] | undefined> {
  if (peers === undefined) return undefined;
  const found = await Promise.all(
    peers.map(async (peer) => {
      if (typeof peer === 'string') return [peer];
      if ('host' in peer) return hostAddresses(peer.host);
      return serviceAddresses(api, { service: peer.service, namespace: peer.namespace ?? namespace }, attempt);
    }),
  );
  const addresses = [...new Set(found.flat())];
  if (addresses.length > ADDRESSES_MAX)
    throw new Error(`its peers have ${addresses.length} addresses, more than ${ADDRESSES_MAX}: name a range of them`);
  return addresses;
}

/** As this worker resolves it: a pod may be told others. */
async function hostAddresses(host: string): Promise<string[]> {
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address);
  } catch (error) {
    throw new Error(`${host} has no address: ${reasonOf(error)}`, { cause: error });
  }
}

async function serviceAddresses(
  api: KubernetesApi,
  { service, namespace }: { readonly service: string; readonly namespace: string },
  attempt: Attempt,
): Promise<string[]> {
  const found = await api.get(`/api/v1/namespaces/${namespace}/services/${service}`, serviceSchema, attempt);
  if (found === undefined) throw new Error(`there is no service ${service} in ${namespace}`);
  const { clusterIPs, externalIPs } = found.spec;
  const addresses = [...clusterIPs.filter((address) => address !== 'None'), ...externalIPs];
  const path = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`;
  const query = { labelSelector: `kubernetes.io/service-name=${service}` };
  for await (const { addressType, endpoints } of api.list(path, query, sliceSchema, attempt))
    if (addressType !== 'FQDN') addresses.push(...(endpoints ?? []).flatMap((endpoint) => endpoint.addresses));
  if (addresses.length === 0) throw new Error(`the service ${service} in ${namespace} has no address`);
  return addresses;
}
