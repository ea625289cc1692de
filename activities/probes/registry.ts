/**
 * The probes of `squall.yaml`.
 *
 * Owns the schema of the `probes:` section and turning its entries into open probes. A provider that is not built in comes
 * from a plugin; the section is read before plugins are loaded, so such an entry is judged when it is opened.
 */
import { z } from 'zod';
import { check } from '../../domain/known-keys.ts';
import type { Dimension } from '../../domain/quantity.ts';
import { writtenDuration } from '../../domain/written-duration.ts';
import * as cloudwatch from './cloudwatch.ts';
import * as command from './command.ts';
import * as http from './http.ts';
import * as kubernetes from './kubernetes.ts';
import * as metrics from './metrics.ts';
import type { Probe, ProbeProvider } from './probe.ts';
import * as prometheus from './prometheus.ts';
import { UNITS, UNIT_NAMES } from './units.ts';
import type { Unit } from './units.ts';

/** A probe's time limit where its entry names none, in milliseconds. */
export const DEFAULT_TIMEOUT_MS = 2_000;
const TIMEOUT_MAX_MS = 60_000;

const common = {
  unit: z
    .enum(UNIT_NAMES)
    .describe('What the source counts in; limits in experiments may use any unit of the same dimension.'),
  timeout: writtenDuration
    .refine((ms) => ms > 0 && ms <= TIMEOUT_MAX_MS, 'expected more than 0 and at most 1m')
    .optional()
    .describe('How long one reading may take. Default: 2s.'),
};

/** One entry of `probes:`, parsed: what all have in common, and the provider's own settings. */
export interface ProbeEntry {
  readonly type: string;
  readonly unit: Unit;
  readonly timeoutMs: number;
  /** As the built-in provider parsed them; as they were written where the type is a plugin's. */
  readonly settings: unknown;
  /** Whether `settings` are parsed. */
  readonly parsed: boolean;
}

/** A probe that can be read. */
export interface OpenProbe {
  readonly name: string;
  readonly type: string;
  readonly probe: Probe;
  readonly dimension: Dimension;
  readonly unit: Unit;
  readonly timeoutMs: number;
  /** What is missing here for it to work, one sentence each. */
  check(): readonly string[];
}

/** Open probes by name. */
export type OpenProbes = ReadonlyMap<string, OpenProbe>;

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a registry holds providers of every settings type
type AnyProvider = ProbeProvider<any>;

interface BuiltIn {
  readonly provider: AnyProvider;
  /** Why a unit cannot be right for these settings. */
  readonly unitObjection?: (settings: never, unit: string) => string | undefined;
}

const BUILT_IN: ReadonlyMap<string, BuiltIn> = new Map(
  [prometheus, metrics, http, kubernetes, cloudwatch, command].map((module): [string, BuiltIn] => [
    module.provider.type,
    module,
  ]),
);

/** One entry of `probes:`. Settings of built-in types are parsed and checked here, strictly. */
export const probeEntrySchema = z
  .looseObject({
    type: z
      .string()
      .min(1)
      .describe(`Built in: ${[...BUILT_IN.keys()].join(', ')}.`),
    ...common,
  })
  .transform(({ type, unit, timeout = DEFAULT_TIMEOUT_MS, ...settings }, context): ProbeEntry => {
    const entry = { type, unit, timeoutMs: timeout };
    const builtIn = BUILT_IN.get(type);
    if (builtIn === undefined) return { ...entry, settings, parsed: false };
    const result = check(builtIn.provider.settings, settings);
    if (!result.success) {
      for (const issue of result.error.issues) context.issues.push({ ...issue, input: settings } as never);
      return z.NEVER;
    }
    const objection = builtIn.unitObjection?.(result.data as never, unit);
    if (objection !== undefined)
      context.issues.push({ code: 'custom', message: objection, path: ['unit'], input: unit });
    return { ...entry, settings: result.data, parsed: true };
  });

/** The `probes:` section of `squall.yaml`. */
export const probesSchema = z.record(
  z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, 'expected a name of lower-case letters, digits and dashes'),
  probeEntrySchema,
);

/** What probes are opened with, besides their entries. */
export interface ProbesOptions {
  /** `allowCommands:` of `squall.yaml`; false when absent. */
  readonly allowCommands?: boolean;
  /** Providers of plugins. One may not take a built-in type. */
  readonly plugins?: readonly AnyProvider[];
}

/** Raised when `probes:` names what cannot be opened; lists every problem. */
export class InvalidProbes extends Error {
  /** One sentence each: `probe orders: …`. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'InvalidProbes';
    this.problems = problems;
  }
}

/** Opens every entry. Throws {@link InvalidProbes} when a type is unknown or a plugin refuses its settings. */
export function openProbes(entries: Readonly<Record<string, ProbeEntry>>, options: ProbesOptions = {}): OpenProbes {
  const providers = providersOf(options);
  const problems: string[] = [];
  const opened = new Map<string, OpenProbe>();
  for (const [name, entry] of Object.entries(entries)) {
    const provider = providers.get(entry.type);
    if (provider === undefined) {
      problems.push(`probe ${name}: unknown type ${entry.type}; there are ${[...providers.keys()].join(', ')}`);
      continue;
    }
    const settings = entry.parsed
      ? { success: true as const, data: entry.settings }
      : provider.settings.safeParse(entry.settings);
    if (settings.success) opened.set(name, openOne(name, entry, provider, settings.data));
    else
      problems.push(
        ...settings.error.issues.map((issue) => `probe ${name}: ${issue.path.join('.')}: ${issue.message}`),
      );
  }
  if (problems.length > 0) throw new InvalidProbes(problems);
  return opened;
}

function providersOf({ allowCommands = false, plugins = [] }: ProbesOptions): ReadonlyMap<string, AnyProvider> {
  const providers = new Map<string, AnyProvider>([...BUILT_IN].map(([type, { provider }]) => [type, provider]));
  // Its own sources, so that two sets of open probes share nothing.
  providers.set('metrics', metrics.metricsProvider());
  providers.set('command', command.commandProvider({ allowed: allowCommands }));
  for (const plugin of plugins) {
    if (providers.has(plugin.type))
      throw new InvalidProbes([`a plugin offers probes of type ${plugin.type}, which is there already`]);
    providers.set(plugin.type, plugin);
  }
  return providers;
}

function openOne(name: string, entry: ProbeEntry, provider: AnyProvider, settings: unknown): OpenProbe {
  const { type, unit, timeoutMs } = entry;
  const { dimension, scale } = UNITS[unit];
  return {
    name,
    type,
    probe: provider.open(settings, { scale, timeoutMs }),
    dimension,
    unit,
    timeoutMs,
    check: () => provider.check(settings),
  };
}
