/**
 * The ladder: every guard there is, in the order in which they are asked.
 *
 * Owns the order, and what a required guard says that there is not: no, unless the configuration does without it by name and
 * the run does not ask for it.
 */
import type { Experiment, Preconditions } from '../../domain/experiment.ts';
import type { Guard } from './guard.ts';

/** A guard that every run must pass; `none` where the configuration does without it, undefined where it says nothing. */
type Required = Guard | 'none' | undefined;

/** The guards that a control worker was configured with. */
export interface Guards {
  readonly stop: Guard;
  readonly policy: Guard;
  readonly approval: Guard;
  readonly budget: Guard;
  readonly window: Guard;
  readonly incidents: Required;
  readonly healthy: Required;
  readonly capacity: Required;
  readonly coolDown: Guard;
}

/** What stops everything first, what costs least to ask before what costs more. */
export function ladderOf(guards: Guards): readonly Guard[] {
  const { stop, policy, approval, budget, window, incidents, healthy, capacity, coolDown } = guards;
  return [
    stop,
    policy,
    approval,
    window,
    coolDown,
    required(incidents, 'no-incidents', 'incidents', ({ noIncidents }) => noIncidents === true),
    required(healthy, 'healthy', 'healthy', (asked) => asked.healthy === true),
    required(capacity, 'capacity', 'capacity', ({ capacityMin }) => capacityMin !== undefined),
    // Last: what is granted is not given back when a guard behind it refuses, before the run is over.
    budget,
  ];
}

function required(guard: Required, name: string, key: string, wants: (preconditions: Preconditions) => boolean): Guard {
  if (typeof guard === 'object') return guard;
  const asked = ({ preconditions }: Experiment): boolean => preconditions !== undefined && wants(preconditions);
  const unsaid = `the control worker's squall.yaml does not say what is asked; expected admission: { healthy, incidents, capacity }, each with what is asked or none`;
  const without = `admission: ${key} is none`;
  return {
    name,
    ask: async ({ experiment }) => {
      if (guard === undefined) return { passed: false, found: unsaid };
      return asked(experiment)
        ? { passed: false, found: `the experiment asks for it, and ${without}` }
        : { passed: true, found: `not asked: ${without}` };
    },
  };
}
