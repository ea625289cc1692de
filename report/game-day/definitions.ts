/**
 * How a game day's figures are counted, in a sentence each.
 *
 * Owns what the report says of itself; `docs/game-days.md` says the same at greater length.
 */

/** Each figure, and what it is. */
export const DEFINITIONS: readonly (readonly [figure: string, definition: string])[] = [
  [
    'Time to detect (MTTD)',
    'From a fault’s beginning (the journal opens its first stage) to the first alert that begins to fire while its run goes on, or, where none does, to the first breach or loss of data that was seen. The mean is over the faults that were told of; how many were not is beside it. An alert that fired already tells nothing new, and with several faults at once an alert counts for each.',
  ],
  [
    'Time to restore (MTTR)',
    'From a fault’s beginning to the steady state (“time to restoration” of IEC 60050-192), over the faults under which the steady state was left; and from a fault’s verified end to the steady state, over all. The first contains the time for which the fault was held on purpose; the second is what the system needed of its own.',
  ],
  [
    'Availability',
    'The mean over time of a probe that stands for availability: a share (1 is all that was asked for), or a number that is 1 while it is up. Between two readings the value goes straight from one to the other. “At least” takes all time that was not measured for down.',
  ],
  [
    'Lost',
    'For a probe that stands for business and is a rate: the integral of baseline minus reading, where the reading is below, by trapezoids. What is regained later is not set off. A steady system loses a little by chance: what was lost between scenarios shows how much.',
  ],
  [
    'Not measured',
    'Time without a reading at both ends, or with a pause of more than three of the usual between them. Nothing is assumed of it: it is not up, not down, and nothing is lost in it.',
  ],
  ['Criteria', 'What nobody answered is unknown, and unknown is not met.'],
  [
    'Gaps',
    'Monitoring: a breach in a scenario in which no alert began to fire (any alert counts), or an alert that was asked for and did not come. Runbooks: a scenario that ran out of time or of which nothing came true, a judgement or a step that people did not get to, and what people wrote of runbooks. Automation: every step by hand, and its time.',
  ],
];
