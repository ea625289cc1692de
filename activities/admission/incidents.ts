/**
 * `no-incidents`: nobody is in the middle of one.
 *
 * Owns the protocol of a source of incidents, and the guard that asks all of them. A source that does not answer refuses.
 */
import type { Guard } from './guard.ts';

/** Where incidents are known. */
export interface IncidentSource {
  /** As it is named in a refusal. */
  readonly name: string;
  /** What is active now, one line each. Rejects where that cannot be told. */
  active(signal: AbortSignal): Promise<readonly string[]>;
}

/** Incidents that a refusal tells; the rest is counted. */
const TOLD_MAX = 3;
/** The longest line about one. */
const LINE_MAX = 160;

/** Refuses while any source knows an incident. */
export function incidentsGuard(sources: readonly IncidentSource[]): Guard {
  return {
    name: 'no-incidents',
    always: true,
    async ask(_input, signal) {
      const found = await Promise.all(
        sources.map(async (source) => {
          const active = await source.active(signal).catch((error: unknown) => {
            throw new Error(`${source.name}: ${error instanceof Error ? error.message : String(error)}`);
          });
          return active.map((line) => `${source.name}: ${line.slice(0, LINE_MAX)}`);
        }),
      );
      const active = found.flat();
      if (active.length === 0)
        return { passed: true, found: `no incident, says ${sources.map(({ name }) => name).join(', ')}` };
      const rest = active.length - TOLD_MAX;
      const told = active.slice(0, TOLD_MAX).join('; ');
      return { passed: false, found: rest > 0 ? `${told}; and ${rest} more` : told };
    },
  };
}
