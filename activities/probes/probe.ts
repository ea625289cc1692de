/**
 * The probe protocol: how one number is read.
 *
 * One file a provider. A probe answers with a value in canonical units or with why there is none; it must never throw for
 * bad data, never answer late, and never decide whether a value is good.
 */
import type { z } from 'zod';
import type { Reading } from '../../domain/probe.ts';

/** Reads one number. May keep state between reads (a counter's previous value). */
export interface Probe {
  /** Resolves within the probe's own timeout, or earlier when `signal` aborts. */
  read(signal: AbortSignal): Promise<Reading>;
}

/** What every probe in `squall.yaml` has, whatever its provider. */
export interface ProbeCommon {
  /** Multiplies what the source says into the canonical unit of the probe's dimension (seconds to milliseconds: 1000). */
  readonly scale: number;
  /** In milliseconds. */
  readonly timeoutMs: number;
}

/** One way of reading numbers. Every probe module exports one as `provider`. */
export interface ProbeProvider<Settings> {
  /** The `type:` in `squall.yaml`. */
  readonly type: string;
  /** Parses the probe's own settings in `squall.yaml`. */
  readonly settings: z.ZodType<Settings>;
  /** What is missing here for it to work, one sentence each. */
  check(settings: Settings): readonly string[];
  open(settings: Settings, common: ProbeCommon): Probe;
}
