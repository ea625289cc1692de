/**
 * The ladder: every guard there is, in the order in which they are asked.
 *
 * Owns the order, and what a guard that is not configured says: nothing to a run that does not ask for it, no to one that
 * does.
 */
import type { Experiment, Preconditions } from '../../domain/experiment.ts';
import type { Guard } from './guard.ts';

/** The guards that a control worker was configured with. */
export interface Guards {
  readonly stop: Guard;
  readonly policy: Guard;
  readonly approval: Guard;
  readonly budget: Guard;
  readonly window: Guard;
  readonly incidents: Guard | undefined;
  readonly healthy: Guard | undefined;
  readonly capacity: Guard | undefined;
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
    incidents ?? unconfigured('no-incidents', ({ noIncidents }) => noIncidents === true),
    healthy ?? unconfigured('healthy', (asked) => asked.healthy === true),
    capacity ?? unconfigured('capacity', ({ capacityMin }) => capacityMin !== undefined),
    // Last: what is granted is not given back when a guard behind it refuses, before the run is over.
    budget,
  ];
}

function unconfigured(name: string, wants: (preconditions: Preconditions) => boolean): Guard {
  const asked = ({ preconditions }: Experiment): boolean => preconditions !== undefined && wants(preconditions);
  return {
    name,
    ask: async ({ experiment }) =>
      asked(experiment)
        ? { passed: false, found: 'the experiment asks for it, and this control worker is not configured for it' }
        : { passed: true, found: 'not configured' },
  };
}
