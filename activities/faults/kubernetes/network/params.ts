/**
 * What all network faults may be asked: which way, which peers, which ports, and what stays reachable.
 *
 * Owns these words and the program's arguments that they become. Pure.
 */
import { z } from 'zod';

const LIST_MAX = 500;

const address = z.union(
  [z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()],
  'expected an address or a range of them, such as 10.0.0.0/8',
);
const port = z.number().int().min(1).max(65_535);
const nameOf = (what: string): z.ZodType<string> =>
  z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, `expected the name of a ${what}`);

const peer = z.union(
  [
    address,
    z.strictObject({ service: nameOf('service'), namespace: nameOf('namespace').optional() }),
    z.strictObject({ host: z.hostname() }),
  ],
  'expected an address, a range of them, a service such as { service: db }, or a host such as { host: api.example.com }',
);

/** Whom a fault is between: an address, a range of them, a service, or a host outside of the cluster. */
export type Peer = z.infer<typeof peer>;

/** The parameters that every network fault has. */
export const COMMON = {
  direction: z
    .enum(['egress', 'ingress', 'both'])
    .optional()
    .describe('What is harmed: what the pod sends, what it receives, or both.'),
  peers: z
    .array(peer)
    .min(1)
    .max(LIST_MAX)
    .optional()
    .describe(
      'Only traffic with these: addresses, ranges, services (`{ service: db }`, of the pod’s own namespace unless it says `namespace`), or hosts (`{ host: api.example.com }`, as the worker resolves it), as they are when the fault is put on. Default: all.',
    ),
  ports: z
    .array(port)
    .min(1)
    .max(LIST_MAX)
    .optional()
    .describe('Only conversations that have one of these ports at either end. Default: all.'),
  keep: z
    .array(address)
    .min(1)
    .max(LIST_MAX)
    .optional()
    .describe('Addresses that stay reachable whatever else is said.'),
  keepPorts: z.array(port).min(1).max(LIST_MAX).optional().describe('Ports that stay reachable whatever else is said.'),
  dns: z.boolean().default(false).describe('Whether name resolution (port 53) is harmed as well.'),
};

/** What of these a network fault has, parsed. */
export type Common = Partial<z.infer<z.ZodObject<typeof COMMON>>>;

/** A share such as `5%`, written as it was. */
export const share = z
  .string()
  .regex(/^(?:100|\d{1,2}(?:\.\d{1,3})?)%$/, 'expected a share such as 5%')
  .refine((text) => Number.parseFloat(text) > 0, 'expected more than 0%');

/** How much neighbours resemble each other, as an author writes it. */
export const correlation = z
  .string()
  .regex(/^(?:100|\d{1,2}(?:\.\d{1,3})?)%$/, 'expected a share such as 25%')
  .default('0%')
  .describe('How much one packet’s lot depends on the one before it: 25%.');

/** A share as the program takes it. */
export function percentOf(written: string): string {
  return written.slice(0, -1);
}

/** The arguments of what all have in common; `peers` are addresses by now, and `node` those that a kubelet's probes come from. */
export function commonArguments(
  { direction, ports, keep = [], keepPorts, dns = false }: Common,
  peers: readonly string[] | undefined,
  node: readonly string[],
): string[] {
  const list = (flag: string, values: readonly (string | number)[] | undefined): string[] =>
    values === undefined || values.length === 0 ? [] : [`--${flag}=${values.join(',')}`];
  return [
    ...(direction === undefined ? [] : [`--direction=${direction}`]),
    ...list('peer', peers),
    ...list('port', ports),
    ...list('keep', [...keep, ...node]),
    ...list('keep-port', keepPorts),
    ...(dns ? ['--dns'] : []),
  ];
}
