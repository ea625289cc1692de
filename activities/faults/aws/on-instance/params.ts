/**
 * What may be asked of the faults that are scripts on an instance, and the program's words for it.
 *
 * Owns the bounds that need no look at the instance; the program has those that do. Pure.
 */
import { z } from 'zod';
import { durationMs } from '../../../../domain/written-duration.ts';

/** What two faults must not both hold of one instance. */
export type Resource = 'cpu' | 'memory' | 'disk' | 'network';

/** What a script does for one kind of fault. */
export interface Scripted<Params> {
  readonly resource: Resource;
  readonly params: z.ZodType<Params>;
  /** The program's words; `region` is the instance's, whose endpoints stay reachable. Undefined: none are looked for. */
  readonly harm: (params: Params, region: string | undefined) => readonly string[];
}

const CORES_MAX = 1_024;
/** The highest share of memory that may be in use; the program leaves 64 MiB as well. */
const MEMORY_MAX = 90;
const DISK_MAX = 95;
const MEGABYTES_MAX = 10_000_000;
const DELAY_MAX_MS = 30_000;
const LIST_MAX = 32;
/** Each takes up to eight filters of the kernel. */
const PAIRS_MAX = 64;
/** What stays reachable, so that an instance stays in hand. */
const KEPT_PORTS: readonly number[] = [22, 53];

const percent = (most: number): z.ZodNumber => z.number().int().min(1).max(most);

const cpu = z.strictObject({
  percent: percent(100).default(90).describe('How much of its time each processor is kept busy: 1 to 100.'),
  cores: z.number().int().min(1).max(CORES_MAX).optional().describe('How many processors. Default: all there are.'),
});

const memory = z
  .strictObject({
    percent: percent(MEMORY_MAX)
      .optional()
      .describe('How much of all memory is in use, others’ included: 1 to 90. Default: 80.'),
    megabytes: z
      .number()
      .int()
      .min(1)
      .max(MEGABYTES_MAX)
      .optional()
      .describe('Instead: how much is taken, in millions of bytes.'),
  })
  .refine((asked) => asked.percent === undefined || asked.megabytes === undefined, {
    message: 'expected `percent` or `megabytes`, not both',
    path: ['megabytes'],
  });

const disk = z.strictObject({
  percent: percent(DISK_MAX)
    .default(90)
    .describe('How full the file system is, others’ files included: 1 to 95. It must be less full than that.'),
  path: z
    .string()
    .regex(
      /^\/[A-Za-z0-9._@+-]+(?:\/[A-Za-z0-9._@+-]+)*$/,
      'expected the whole path of a folder that is not /, such as /var/tmp',
    )
    .max(1_000)
    .default('/var/tmp')
    .describe('A folder on the file system that is filled: ext4, xfs or btrfs. /tmp is in memory on many systems.'),
});

const address = z.union(
  [z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()],
  'expected an address or a range of them, such as 10.0.0.0/8',
);

/** Bits a second, and what the units are. */
const RATE_MIN = 8_000;
const RATE_MAX = 10_000_000_000;
const UNITS: Readonly<Record<string, number>> = { kbit: 1e3, mbit: 1e6, gbit: 1e9 };
const bitsOf = (text: string): number => Number.parseFloat(text) * (UNITS[text.replace(/^[\d.]+/, '')] ?? 0);

const network = z
  .strictObject({
    delay: durationMs
      .refine((ms) => ms >= 1 && ms <= DELAY_MAX_MS, 'expected 1ms to 30s')
      .optional()
      .describe('How late each packet is: 1ms to 30s.'),
    jitter: durationMs.optional().describe('Up to this much more or less: at most the delay.'),
    loss: z
      .string()
      .regex(/^(?:100|\d{1,2}(?:\.\d{1,3})?)%$/, 'expected a share such as 5%')
      .refine((text) => Number.parseFloat(text) > 0, 'expected more than 0%')
      .optional()
      .describe('How many packets are lost: 5%.'),
    bandwidth: z
      .string()
      .regex(/^\d{1,10}(?:\.\d{1,3})?(?:k|m|g)bit$/, 'expected a rate a second such as 10mbit')
      .refine((text) => bitsOf(text) >= RATE_MIN && bitsOf(text) <= RATE_MAX, 'expected 8kbit to 10gbit')
      .optional()
      .describe('The bits a second that are left: 512kbit, 10mbit.'),
    ports: z
      .array(
        z
          .number()
          .int()
          .min(1)
          .max(65_535)
          .refine((port) => !KEPT_PORTS.includes(port), 'ssh (22) and name resolution (53) always stay reachable'),
      )
      .min(1)
      .max(LIST_MAX)
      .optional()
      .describe('Only conversations that have one of these ports at either end. Default: all.'),
    cidrs: z
      .array(address)
      .min(1)
      .max(LIST_MAX)
      .optional()
      .describe('Only what is sent to these addresses, or ranges of them. Default: all.'),
    keep: z
      .array(address)
      .min(1)
      .max(LIST_MAX)
      .optional()
      .describe(
        'Addresses that stay reachable whatever else is said, such as a proxy that the SSM agent goes through. Its endpoints, the metadata service, name resolution and ssh do anyway.',
      ),
  })
  .refine(({ delay, loss, bandwidth }) => (delay ?? loss ?? bandwidth) !== undefined, {
    message: 'expected at least one of `delay`, `loss` and `bandwidth`',
  })
  .refine(({ delay = 0, jitter = 0 }) => jitter <= delay, { message: 'expected at most the delay', path: ['jitter'] })
  .refine(({ ports = [0], cidrs = [''] }) => ports.length * cidrs.length <= PAIRS_MAX, {
    message: `expected at most ${PAIRS_MAX} pairs of a port and a range`,
    path: ['ports'],
  });

/** Where an agent is spoken to from; the program takes one that can be resolved for enough. */
function endpointsOf(region: string): string[] {
  const domain = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  return ['ssm', 'ssmmessages', 'ec2messages'].map((service) => `${service}.${region}.${domain}`);
}

function word(name: string, value: string | number | undefined): string[] {
  return value === undefined ? [] : [`${name}=${value}`];
}
const list = (values: readonly (string | number)[] | undefined): string | undefined => values?.join(',');

export const instanceCpu: Scripted<z.output<typeof cpu>> = {
  resource: 'cpu',
  params: cpu,
  harm: ({ percent: share, cores }) => [...word('percent', share), ...word('cores', cores)],
};

/** How much memory is in use where nobody says. */
const MEMORY_DEFAULT = 80;

export const instanceMemory: Scripted<z.output<typeof memory>> = {
  resource: 'memory',
  params: memory,
  harm: ({ percent: share, megabytes }) =>
    megabytes === undefined ? word('percent', share ?? MEMORY_DEFAULT) : word('megabytes', megabytes),
};

export const instanceDiskFill: Scripted<z.output<typeof disk>> = {
  resource: 'disk',
  params: disk,
  harm: ({ percent: share, path }) => [...word('percent', share), ...word('path', path)],
};

export const instanceNetwork: Scripted<z.output<typeof network>> = {
  resource: 'network',
  params: network,
  harm: ({ delay, jitter, loss, bandwidth, ports, cidrs, keep }, region) => [
    ...word('delay', delay),
    ...word('jitter', jitter),
    ...word('loss', loss?.slice(0, -1)),
    ...word('rate', bandwidth === undefined ? undefined : Math.round(bitsOf(bandwidth) / 1_000)),
    ...word('ports', list(ports)),
    ...word('cidrs', list(cidrs)),
    ...word('keep', list(keep)),
    ...word('hosts', region === undefined ? undefined : endpointsOf(region).join(',')),
  ],
};
