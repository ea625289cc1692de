/**
 * The registry of faults and target providers.
 *
 * Owns the list of what is built in, loaded only when it is asked for, and the joining of plugins by the same protocol.
 */
import type { TargetProvider, TargetProviderFactory } from '../targets/provider.ts';
import type { DriverFactory, FaultDriver, Site } from './driver.ts';

const DRIVERS: readonly (() => Promise<{ driver: DriverFactory }>)[] = [
  () => import('./noop/noop.ts'),
  () => import('./host/pause.ts'),
  () => import('./host/stutter.ts'),
  () => import('./host/kill.ts'),
  () => import('./kubernetes/node-cordon.ts'),
  () => import('./kubernetes/node-taint.ts'),
  () => import('./kubernetes/node-drain.ts'),
  () => import('./kubernetes/zone-outage.ts'),
  () => import('./kubernetes/scale.ts'),
  () => import('./kubernetes/config-change.ts'),
  () => import('./kubernetes/pod-kill.ts'),
  () => import('./kubernetes/rollout-restart.ts'),
  () => import('./kubernetes/pod-latency.ts'),
  () => import('./kubernetes/pod-loss.ts'),
  () => import('./kubernetes/pod-corrupt.ts'),
  () => import('./kubernetes/pod-bandwidth.ts'),
  () => import('./kubernetes/pod-partition.ts'),
  () => import('./kubernetes/pod-dns.ts'),
  () => import('./kubernetes/pod-cpu.ts'),
  () => import('./kubernetes/pod-memory.ts'),
  () => import('./kubernetes/pod-disk-fill.ts'),
  () => import('./kubernetes/pod-pause.ts'),
  () => import('./kubernetes/network-policy-partition.ts'),
  () => import('./aws/instance-stop.ts'),
  () => import('./aws/instance-terminate.ts'),
  () => import('./aws/az-outage.ts'),
  () => import('./aws/asg-zone-removal.ts'),
  () => import('./aws/asg-scale.ts'),
  () => import('./aws/rds-failover.ts'),
  () => import('./aws/elasticache-failover.ts'),
  () => import('./aws/instance-cpu.ts'),
  () => import('./aws/instance-memory.ts'),
  () => import('./aws/instance-disk-fill.ts'),
  () => import('./aws/instance-network.ts'),
  () => import('./aws/fis.ts'),
  () => import('./aws/security-group-isolate.ts'),
];

const TARGETS: readonly (() => Promise<{ targets: TargetProviderFactory }>)[] = [
  () => import('../targets/noop.ts'),
  () => import('../targets/host.ts'),
  () => import('../targets/kubernetes.ts'),
  () => import('../targets/aws.ts'),
];

/** What a plugin may add. */
export interface FaultPlugins {
  readonly drivers?: readonly DriverFactory[];
  readonly targets?: readonly TargetProviderFactory[];
}

/** Every driver of a site, by kind. Throws when two have the same kind, and when one cannot be opened. */
export async function openDrivers(site: Site, plugins: FaultPlugins = {}): Promise<Map<string, FaultDriver<unknown>>> {
  const opened = await tryDrivers(site, plugins.drivers);
  return byName(
    opened.map((driver) => {
      if (driver instanceof Error) throw driver;
      return driver;
    }),
    ({ kind }) => kind,
  );
}

/** Every driver of a site that can be opened, and why the others cannot. */
export async function tryDrivers(
  site: Site,
  plugins: readonly DriverFactory[] = [],
): Promise<(FaultDriver<unknown> | Error)[]> {
  const builtIn = await Promise.all(DRIVERS.map(async (load) => (await load()).driver));
  return [...builtIn, ...plugins].map((factory) => {
    try {
      return factory(site) as FaultDriver<unknown>;
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  });
}

/** Every target provider of a site, by the provider's name. Throws when two have the same name. */
export async function openTargets(
  site: Site,
  plugins: FaultPlugins = {},
): Promise<Map<string, TargetProvider<unknown>>> {
  const builtIn = await Promise.all(TARGETS.map(async (load) => (await load()).targets));
  return byName(
    [...builtIn, ...(plugins.targets ?? [])].map((factory) => factory(site) as TargetProvider<unknown>),
    ({ provider }) => provider,
  );
}

function byName<T>(parts: readonly T[], nameOf: (part: T) => string): Map<string, T> {
  const named = new Map<string, T>();
  for (const part of parts) {
    const name = nameOf(part);
    if (named.has(name))
      throw new Error(`${name} is there twice: a plugin offers what is built in or what another plugin offers`);
    named.set(name, part);
  }
  return named;
}
