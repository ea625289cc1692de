/**
 * The `metrics` probe: one number from a Prometheus text endpoint, without a Prometheus server.
 *
 * Owns what each measure is made of, and the short memory that rates need. The first reading after a start, or after a
 * pause of twice the window, scrapes twice: half of the timeout apart, at most the window. Later readings cover as much of
 * the window as was seen. Must never take a selector that matches nothing for zero, unless the metric is known to be there.
 */
import { z } from 'zod';
import type { Reading } from '../../domain/probe.ts';
import { writtenDuration } from '../../domain/written-duration.ts';
import { pause } from '../pause.ts';
import { TotalsWindow } from './counters.ts';
import type { ProbeCommon, ProbeProvider } from './probe.ts';
import { noData, reading, reasonOf } from './reading.ts';
import { ScrapeSource } from './scrape-source.ts';
import type { Scrape } from './scrape-source.ts';
import { httpSettings, missingSecrets } from './secret.ts';
import { parseSelector } from './selector.ts';
import type { Selector } from './selector.ts';
import { measureOf } from './measure.ts';
import type { Measure } from './measure.ts';

/** The window that rates are taken over unless the probe says otherwise, in milliseconds. */
const DEFAULT_WINDOW_MS = 5_000;
const MEASURES = ['rate', 'ratio', 'histogram', 'gauge', 'counter'] as const;

const selector = z.string().transform((text, context): Selector => {
  try {
    return parseSelector(text);
  } catch (error) {
    context.issues.push({ code: 'custom', message: reasonOf(error), input: text });
    return z.NEVER;
  }
});

const settings = z
  .strictObject({
    ...httpSettings,
    rate: selector.optional().describe('A counter: its rise per second.'),
    ratio: z
      .strictObject({ of: selector, to: selector })
      .optional()
      .describe('Two counters: the rise of one in that of the other.'),
    histogram: selector.optional().describe('A histogram, without _bucket: its `quantile`.'),
    quantile: z.number().gt(0).lt(1).optional().describe('Which quantile of `histogram`: 0.99.'),
    gauge: selector.optional().describe('A gauge, as it is.'),
    counter: selector.optional().describe('A counter, as it is: a running total.'),
    window: writtenDuration
      .refine((ms) => ms >= 100 && ms <= 3_600_000, 'expected 100ms to 1h')
      .optional()
      .describe('What rate, ratio and quantile are taken over. Default: 5s.'),
    idle: z
      .number()
      .optional()
      .describe('What to read while the metric is there and nothing happens. Default: no data.'),
    beyondLargest: z
      .enum(['no-data', 'bound'])
      .optional()
      .describe('A quantile beyond the largest finite bucket is no data (default), or is read as that bucket.'),
  })
  .check((context) => {
    const probe = context.value;
    const chosen = MEASURES.filter((measure) => probe[measure] !== undefined);
    const wrong = (path: string, message: string): void => {
      context.issues.push({ code: 'custom', message, path: [path], input: probe });
    };
    if (chosen.length !== 1)
      wrong(chosen[1] ?? 'rate', `expected one of ${MEASURES.join(', ')}, found ${chosen.length}`);
    if ((probe.histogram === undefined) !== (probe.quantile === undefined))
      wrong('quantile', 'histogram and quantile go together');
    if (probe.beyondLargest !== undefined && probe.histogram === undefined)
      wrong('beyondLargest', 'only a quantile has it');
  });

/** The settings of a `metrics` probe. */
export type MetricsSettings = z.infer<typeof settings>;

/** Reads Prometheus text endpoints; probes of one URL that it opened share their scrapes. */
export function metricsProvider(): ProbeProvider<MetricsSettings> {
  const sources = new Map<string, ScrapeSource>();
  return {
    type: 'metrics',
    settings,
    check: missingSecrets,
    open(metrics, common) {
      const { url, tokenFrom, headersFrom } = metrics;
      const key = JSON.stringify([url, tokenFrom, headersFrom]);
      const source = sources.get(key) ?? new ScrapeSource(url, { tokenFrom, headersFrom });
      sources.set(key, source);
      const probe = new MetricsProbe(metrics, common, source);
      return { read: (signal) => probe.read(signal) };
    },
  };
}

/** Reads Prometheus text endpoints. */
export const provider: ProbeProvider<MetricsSettings> = metricsProvider();

/** Why `unit` cannot be right for these settings, if it cannot. */
export function unitObjection(metrics: MetricsSettings, unit: string): string | undefined {
  if (metrics.ratio !== undefined && unit === 'percent') return 'a ratio is between 0 and 1: write `unit: ratio`';
  if (unit !== 'per-minute' && unit !== 'per-hour') return undefined;
  return metrics.rate === undefined
    ? undefined
    : 'rates are read per second: write `unit: per-second`; limits may say per minute';
}

class MetricsProbe {
  readonly #common: ProbeCommon;
  readonly #source: ScrapeSource;
  readonly #settings: MetricsSettings;
  readonly #windowMs: number;
  #measure: Measure;
  #window: TotalsWindow;

  constructor(metrics: MetricsSettings, common: ProbeCommon, source: ScrapeSource) {
    this.#common = common;
    this.#source = source;
    this.#settings = metrics;
    this.#windowMs = metrics.window ?? DEFAULT_WINDOW_MS;
    this.#measure = measureOf(metrics);
    this.#window = new TotalsWindow(this.#windowMs);
  }

  async read(signal: AbortSignal): Promise<Reading> {
    const endsAtMs = performance.now() + this.#common.timeoutMs;
    try {
      const first = await this.#take(endsAtMs, signal);
      if (first !== undefined) return first;
      await pause(Math.min(this.#windowMs, this.#common.timeoutMs / 2), signal);
      return (await this.#take(endsAtMs, signal)) ?? noData('there are not yet two scrapes to compare');
    } catch (error) {
      // What was on the page is not what is remembered; nothing that is compared with that memory could be trusted.
      this.#measure = measureOf(this.#settings);
      this.#window = new TotalsWindow(this.#windowMs);
      return noData(reasonOf(error));
    }
  }

  /** Scrapes and reads; undefined when one more scrape is needed. */
  async #take(endsAtMs: number, signal: AbortSignal): Promise<Reading | undefined> {
    const scraped = await this.#source.scrape(Math.max(1, endsAtMs - performance.now()), signal);
    if (!scraped.ok) return noData(scraped.why);
    const measured = this.#measured(scraped.scrape);
    return measured?.ok ? reading(measured.value, this.#common.scale) : measured;
  }

  #measured({ atMs, page }: Scrape): Reading | undefined {
    const measure = this.#measure;
    if (measure.kind === 'direct') return measure.read(page);
    // Probes are read by several runs at once: a page that was counted already, or overtaken, is not counted again.
    const isNew = atMs > (this.#window.newestAtMs ?? -Infinity);
    const counted = isNew ? measure.totals(page) : undefined;
    if (counted?.ok === false) return counted;
    if (counted?.ok) this.#window.add({ atMs, values: counted.totals });
    const rise = this.#window.rise();
    return rise === undefined ? undefined : measure.read(rise);
  }
}
