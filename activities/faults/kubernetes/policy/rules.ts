/**
 * What a NetworkPolicy must allow so that nothing but the harm is forbidden.
 *
 * Owns the turning round: a policy forbids all that it does not allow, so that a cut to some peers, or of some ports, is
 * written as leave for everybody else. Pure. See https://kubernetes.io/docs/concepts/services-networking/network-policies/.
 */
import { isIPv6 } from 'node:net';
import type { Common } from '../network/params.ts';

/** One rule of a policy: to or from whom, by which ports; without either, all. */
interface Rule {
  readonly peers?: readonly unknown[];
  readonly ports?: readonly unknown[];
}

const PROTOCOLS = ['TCP', 'UDP', 'SCTP'];
const PORT_MAX = 65_535;
const EVERYBODY = [
  { cidr: '0.0.0.0/0', isV6: false },
  { cidr: '::/0', isV6: true },
];

/** The policy that cuts pods with `selected` labels off; `peers` are addresses by now, and `node` those that probes come from. */
export function policySpec(
  asked: Omit<Common, 'peers'>,
  peers: readonly string[] | undefined,
  node: readonly string[],
  selected: Readonly<Record<string, string>>,
): Readonly<Record<string, unknown>> {
  const { direction = 'both', keep = [], dns } = asked;
  const egress = direction === 'ingress' ? {} : { egress: allowed(asked, peers, keep, !dns).map(as('to')) };
  const ingress =
    direction === 'egress' ? {} : { ingress: allowed(asked, peers, [...keep, ...node], false).map(as('from')) };
  const policyTypes = [...('ingress' in ingress ? ['Ingress'] : []), ...('egress' in egress ? ['Egress'] : [])];
  return { podSelector: { matchLabels: selected }, policyTypes, ...ingress, ...egress };
}

function as(key: 'to' | 'from'): (rule: Rule) => unknown {
  return ({ peers, ports }) => ({ ...(peers && { [key]: peers }), ...(ports && { ports }) });
}

function allowed(
  { ports, keepPorts = [] }: Omit<Common, 'peers'>,
  peers: readonly string[] | undefined,
  keep: readonly string[],
  dns: boolean,
): Rule[] {
  const stay = [...keepPorts.flatMap((port) => only(port)), ...(dns ? only(53, ['TCP', 'UDP']) : [])];
  return [
    ...(peers === undefined ? [] : [{ peers: allBut(peers) }]),
    ...(ports === undefined ? [] : [{ ports: otherPorts(ports) }]),
    ...(keep.length === 0 ? [] : [{ peers: keep.map((address) => ({ ipBlock: { cidr: range(address) } })) }]),
    ...(stay.length === 0 ? [] : [{ ports: stay }]),
  ].filter(({ peers: some, ports: these }) => some?.length !== 0 && these?.length !== 0);
}

/** Blocks of all addresses but those of `peers`. */
function allBut(peers: readonly string[]): unknown[] {
  const cut = peers.map(range);
  return EVERYBODY.flatMap(({ cidr, isV6 }) => {
    const except = cut.filter((block) => isIPv6(block.split('/')[0] ?? '') === isV6);
    // All of a family is no exception from it, as the API server sees it.
    if (except.some((block) => block.endsWith('/0'))) return [];
    return [{ ipBlock: { cidr, ...(except.length === 0 ? {} : { except }) } }];
  });
}

/** All ports but `ports`, as ranges. */
function otherPorts(ports: readonly number[]): unknown[] {
  const bounds = [0, ...[...new Set(ports)].toSorted((a, b) => a - b), PORT_MAX + 1];
  return bounds.slice(1).flatMap((next, i) => {
    const [from, to] = [(bounds[i] ?? 0) + 1, next - 1];
    return from > to ? [] : PROTOCOLS.map((protocol) => ({ protocol, port: from, endPort: to }));
  });
}

function only(port: number, protocols: readonly string[] = PROTOCOLS): unknown[] {
  return protocols.map((protocol) => ({ protocol, port }));
}

function range(address: string): string {
  if (address.includes('/')) return address;
  return isIPv6(address) ? `${address}/128` : `${address}/32`;
}
