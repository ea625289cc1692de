/**
 * What a fault does to the system, in Prometheus' format, while it lasts.
 *
 * Owns the `chaos_impact_…` metrics. They are live, from the samples a site takes, and not from the journal, which hears
 * of samples when something happens: of a run that holds for a day a dashboard wants to see every minute of it. A sample
 * is taken once, whatever is replayed or tried again. A run's gauges are removed when it is no longer sampled.
 */
import { Gauge, Histogram } from 'prom-client';
import type { Registry } from 'prom-client';
import type { Sampled } from '../activities/site.ts';
import type { TickReading } from '../activities/watch.ts';

interface Impact {
  readonly type: string;
  readonly errorRate: number | undefined;
  readonly availability: number | undefined;
}

/** Turns samples into metrics. */
export class ImpactMetrics {
  readonly #runs = new Map<string, Impact>();
  readonly #errorRate: Gauge;
  readonly #availability: Gauge;
  readonly #latency: Histogram;

  constructor(registry: Registry) {
    const labelNames = ['experiment_type'];
    const registers = [registry];
    this.#errorRate = new Gauge({
      name: 'chaos_impact_error_rate',
      help: 'Last sample of a ratio probe named …error-rate…, the worst of all open runs, 0 to 1',
      labelNames,
      registers,
    });
    this.#availability = new Gauge({
      name: 'chaos_impact_availability',
      help: 'Last sample of a ratio probe named …availability…, or else 1 - error rate; the worst of all open runs, 0 to 1',
      labelNames,
      registers,
    });
    this.#latency = new Histogram({
      name: 'chaos_impact_latency_seconds',
      help: 'Samples of duration probes named …latency… during runs',
      labelNames,
      registers,
    });
  }

  /** Hears one tick's samples of a run; null when the run is no longer sampled. */
  readonly observe: Sampled = (run, type, readings) => {
    if (readings === null) this.#runs.delete(run);
    else {
      const named = (name: string, dimension: TickReading['dimension']): number[] =>
        Object.entries(readings).flatMap(([probe, reading]) =>
          reading.dimension === dimension && reading.value !== null && probe.includes(name) ? [reading.value] : [],
        );
      for (const ms of named('latency', 'duration')) this.#latency.observe({ experiment_type: type }, ms / 1000);
      const errorRate = most(named('error-rate', 'ratio'));
      const availability = least(named('availability', 'ratio'));
      this.#runs.set(run, {
        type,
        errorRate,
        availability: availability ?? (errorRate === undefined ? undefined : 1 - errorRate),
      });
    }
    const open = [...this.#runs.values()].filter((impact) => impact.type === type);
    show(this.#errorRate, type, most(open.flatMap(({ errorRate }) => errorRate ?? [])));
    show(this.#availability, type, least(open.flatMap(({ availability }) => availability ?? [])));
  };
}

function most(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : Math.max(...values);
}

function least(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : Math.min(...values);
}

/** A gauge without a value is removed: it must not go on showing the last one. */
function show(gauge: Gauge, experiment_type: string, value: number | undefined): void {
  if (value === undefined) gauge.remove({ experiment_type });
  else gauge.set({ experiment_type }, value);
}
