/**
 * `healthy`: the system is well before anybody breaks it.
 *
 * Owns the reading of its probes, all at once; no data is not healthy.
 */
import type { SteadyStateCheck } from '../../domain/experiment.ts';
import { checkSteadyState, describeLeft } from '../../domain/steady-state.ts';
import { formatQuantity } from '../../domain/units.ts';
import type { AdmitInput } from '../interface.ts';
import type { OpenProbes } from '../probes/registry.ts';
import { dimensionsOf, sampleOnce } from '../watch.ts';
import type { Guard } from './guard.ts';

/** Refuses unless every probe reads what is accepted of it. */
export function healthyGuard(probes: OpenProbes, checks: readonly SteadyStateCheck[]): Guard {
  return readingGuard('healthy', probes, () => checks);
}

/** A guard named `name` that compares what probes read now with what is accepted of them. */
export function readingGuard(
  name: string,
  probes: OpenProbes,
  checksOf: (input: AdmitInput) => readonly SteadyStateCheck[],
): Guard {
  return {
    name,
    async ask(input, signal) {
      const checks = checksOf(input);
      const readings = await sampleOnce(probes, [...new Set(checks.map(({ probe }) => probe))], signal);
      const checked = checkSteadyState(checks, readings, {}, dimensionsOf(probes));
      const passed = checked.every(({ held }) => held);
      const words = checked.map(
        ({ probe, value, dimension = 'count' }) => `${probe} is ${formatQuantity(value ?? NaN, dimension)}`,
      );
      return { passed, found: passed ? words.join(', ') : describeLeft(checked, 'is') };
    },
  };
}
