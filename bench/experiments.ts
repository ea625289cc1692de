/** The experiments that are measured, as parsed values. Pure. */
import { join } from 'node:path';
import type { Experiment, JsonObject } from '../domain/experiment.ts';
import { SITE } from './installation.ts';

/** What a site needs in `squall.yaml` for {@link noop}. */
export const noopConfig = () => ({
  sites: { [SITE]: {} },
  plugins: [join(import.meta.dirname, 'constant-probe.ts')],
  probes: { value: { type: 'constant', value: 1, unit: 'count' } },
});

/** What differs between them. */
interface Shape {
  readonly name: string;
  readonly fault: string;
  readonly selector: JsonObject;
  readonly targets: number;
  readonly probe: string;
  /** The stop condition's limit, in the probe's own plain number. */
  readonly above: number;
  readonly forMs: number;
  readonly holdMs: number;
  readonly sampleEveryMs: number;
  readonly timeToLiveMs?: number;
}

/** One stage, one probe in the steady state and in the stop condition. */
function experiment(shape: Shape): Experiment {
  const { probe, targets, above } = shape;
  const limit = { value: above, dimension: 'count', text: `${above}` } as const;
  return {
    name: shape.name,
    hypothesis: 'The value stays low',
    steadyState: [{ probe, group: 'system', tolerance: { kind: 'range', max: limit } }],
    fault: shape.fault,
    with: {},
    targets: { site: SITE, selector: shape.selector },
    blastRadius: { stages: [{ kind: 'count', count: targets, text: `${targets}` }], holdMs: shape.holdMs },
    stopConditions: [{ probe, breach: { kind: 'above', limit }, forMs: shape.forMs, abort: 'immediate' }],
    recoverWithinMs: 10_000,
    sampleEveryMs: shape.sampleEveryMs,
    ...(shape.timeToLiveMs === undefined ? {} : { timeToLiveMs: shape.timeToLiveMs }),
  };
}

/** Pauses `targets` real processes of `group` until `probe` is above `above` for `forMs`. */
export function pausing(
  options: Pick<Shape, 'probe' | 'above' | 'forMs' | 'sampleEveryMs' | 'targets'> & { readonly group: string },
): Experiment {
  const { group, ...shape } = options;
  return experiment({
    ...shape,
    name: 'abort-latency',
    fault: 'host/pause',
    selector: { group },
    holdMs: 120_000,
  });
}

/** The fault that does nothing, on one target named after `run`, so that many runs do not want the same one. */
export function noop(run: string, options: Pick<Shape, 'holdMs' | 'sampleEveryMs' | 'timeToLiveMs'>): Experiment {
  return experiment({
    ...options,
    name: 'no-op',
    fault: 'noop/noop',
    selector: { count: 1, name: run },
    targets: 1,
    probe: 'value',
    above: 10,
    forMs: 60_000,
  });
}
