/**
 * What a tick asks of a site: when the services that it might harm were last deployed.
 *
 * Owns that it only ever helps to choose: what cannot be read in time is not known, and nothing waits for it.
 */
import type { JsonObject } from '../domain/experiment.ts';
import { inTime } from './attempt.ts';
import type { TargetProvider } from './targets/provider.ts';

/** The longest that one of them may take, in milliseconds. */
const READ_MS = 8_000;

/** Targets, as an experiment names them. */
export interface Named {
  /** The driver's kind, which says whose selector it is. */
  readonly fault: string;
  readonly selector: JsonObject;
}

/** Of each, in milliseconds since the Unix epoch, by the clock of whoever knows; null where nobody does. */
export async function deploymentsOf(
  asked: readonly Named[],
  providerOf: (kind: string) => TargetProvider<unknown> | undefined,
  signal: AbortSignal,
): Promise<readonly (number | null)[]> {
  // Many of a pool name the same.
  const reading = new Map<string, Promise<number | null>>();
  return Promise.all(
    asked.map(({ fault, selector }) => {
      const provider = providerOf(fault);
      const key = JSON.stringify([provider?.provider, selector]);
      const read = reading.get(key) ?? readOne(provider, selector, signal);
      reading.set(key, read);
      return read;
    }),
  );
}

async function readOne(
  provider: TargetProvider<unknown> | undefined,
  selector: JsonObject,
  signal: AbortSignal,
): Promise<number | null> {
  const parsed = provider?.selector.safeParse(selector);
  if (provider?.deployedAtMs === undefined || parsed?.success !== true) return null;
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(READ_MS)]);
  try {
    return (await inTime(READ_MS, provider.deployedAtMs(parsed.data, bounded))) ?? null;
  } catch {
    return null;
  }
}
