/**
 * Opening a site: its drivers, targets and probes, with plugins.
 *
 * Composition only.
 */
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { inTime } from '../activities/attempt.ts';
import type { DriverFactory, FaultDriver, Site } from '../activities/faults/driver.ts';
import { openDrivers, openTargets, tryDrivers } from '../activities/faults/registry.ts';
import { reasonOf } from '../activities/probes/reading.ts';
import type { ProbeProvider } from '../activities/probes/probe.ts';
import { openProbes } from '../activities/probes/registry.ts';
import type { OpenProbes } from '../activities/probes/registry.ts';
import type { OpenSite } from '../activities/site.ts';
import type { TargetProviderFactory } from '../activities/targets/provider.ts';
import { InvalidConfig } from './config.ts';
import type { Config, SweepConfig } from './config.ts';

/** How long a sweep waits for a plugin to load, in milliseconds. */
const LOAD_MS = 5_000;

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a plugin's settings are of any type
type AnyProbeProvider = ProbeProvider<any>;

/** What a plugin's module may export. */
const pluginSchema = z.object({
  drivers: z.array(z.custom<DriverFactory>((value) => typeof value === 'function')).default([]),
  targets: z.array(z.custom<TargetProviderFactory>((value) => typeof value === 'function')).default([]),
  probes: z
    .array(z.custom<AnyProbeProvider>((value) => typeof value === 'object' && value !== null && 'open' in value))
    .default([]),
});

type Plugin = z.infer<typeof pluginSchema>;

/** Opens the site called `name`. A site that the configuration does not name has the defaults of every provider. */
export async function openSite(config: Config, name: string): Promise<OpenSite> {
  const site = siteOf(config, name);
  const plugins = await Promise.all(config.plugins.map(loadPlugin));
  const faults = {
    drivers: plugins.flatMap(({ drivers }) => drivers),
    targets: plugins.flatMap(({ targets }) => targets),
  };
  const [drivers, targets] = await Promise.all([openDrivers(site, faults), openTargets(site, faults)]);
  const probes = openConfigured(config, plugins);
  return { installation: config.installation, drivers, targets, probes };
}

/** Opens the probes of the configuration, for a worker that serves no site. */
export async function openProbesOf(config: Config): Promise<OpenProbes> {
  return openConfigured(config, await Promise.all(config.plugins.map(loadPlugin)));
}

function openConfigured(config: Config, plugins: readonly Plugin[]): OpenProbes {
  const { probes, allowCommands } = config;
  return openProbes(probes, { allowCommands, plugins: plugins.flatMap((plugin) => plugin.probes) });
}

/** What of a site can end faults, and why the rest cannot: a driver that fails keeps no other from it. */
export interface Sweepable {
  readonly drivers: readonly FaultDriver<unknown>[];
  readonly problems: readonly string[];
  /** Whether a plugin is still loading. */
  readonly waits: boolean;
}

/** Opens of the site called `name` whatever can be opened now. */
export async function openSweepable(config: SweepConfig, name: string): Promise<Sweepable> {
  const plugins = await Promise.allSettled(
    config.plugins.map((specifier) => inTime(LOAD_MS, loadPlugin(specifier), `plugin ${specifier}`)),
  );
  const loaded = plugins.flatMap((plugin) => (plugin.status === 'fulfilled' ? plugin.value.drivers : []));
  const opened = await tryDrivers(siteOf(config, name), loaded);
  return {
    drivers: opened.flatMap((driver) => (driver instanceof Error ? [] : [driver])),
    problems: [
      ...plugins.flatMap((plugin) => (plugin.status === 'rejected' ? [reasonOf(plugin.reason)] : [])),
      ...opened.flatMap((driver) => (driver instanceof Error ? [driver.message] : [])),
    ],
    // What cannot be loaded is an InvalidConfig, and stays so.
    waits: plugins.some((plugin) => plugin.status === 'rejected' && !(plugin.reason instanceof InvalidConfig)),
  };
}

function siteOf(config: SweepConfig, name: string): Site {
  const { installation, state: stateDir, sites } = config;
  return { name, installation, stateDir, settings: sites[name] ?? {} };
}

async function loadPlugin(specifier: string): Promise<Plugin> {
  const url = specifier.startsWith('/') ? pathToFileURL(specifier).href : specifier;
  try {
    return pluginSchema.parse(await import(url));
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    throw new InvalidConfig(
      `plugin ${specifier} cannot be loaded: ${what}; it must export drivers, targets or probes`,
      {
        cause: error,
      },
    );
  }
}
