/**
 * Bounds of a game day, and what in one contradicts itself.
 *
 * Owns the numbers, which the documents' parser writes its complaints with, and the rules that need more than one part of the day. Pure.
 */
import type { Bounds } from './experiment-bounds.ts';
import type { Criterion, GameDay, Role, Scenario, Work } from './game-day.ts';
import { exactDuration, formatOffset } from './game-day-words.ts';

const DAY_MS = 86_400_000;

/** Durations of a game day, in milliseconds. */
export const GAME_DAY_MS = {
  duration: [10_000, 2 * DAY_MS],
  offset: [0, 2 * DAY_MS],
  timeout: [1_000, 2 * DAY_MS],
  sampleEvery: [500, 600_000],
} as const satisfies Record<string, Bounds>;

/** How many of each, and of texts how many characters. */
export const GAME_DAY_COUNTS = {
  sentence: [1, 500],
  briefing: [0, 10_000],
  person: [1, 200],
  observers: [0, 20],
  abortOn: [0, 20],
  watch: [0, 20],
  scenarios: [1, 30],
  criteria: [1, 20],
  criterion: [1, 200],
  alert: [1, 200],
  /** Of a sequence, or side by side. */
  works: [1, 50],
} as const satisfies Record<string, Bounds>;

/** How deep sequences and groups nest. */
export const NESTING_MAX = 4;
/** The most experiments and steps by hand of all scenarios together. */
const WORKS_MAX = 50;
/** The most probes that a day reads, and how often it reads each. */
const PROBES_MAX = 50;
const SAMPLES_MAX = 50_000;
/** The most samples of all its probes together: its record is one file, of 64 MiB at most. */
const ALL_SAMPLES_MAX = 300_000;

/** What cannot be as it is. `path` is as documents spell it; `message` begins with `expected`. */
export interface Contradiction {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** What in a day contradicts itself, in the order of its parts. */
export function contradictions(day: GameDay): readonly Contradiction[] {
  return [...ofTheDay(day), ...day.scenarios.flatMap((scenario, i) => ofOne(day, scenario, i))];
}

/** The roles that somebody has. */
function rolesHeld({ roles }: Pick<GameDay, 'roles'>): readonly Role[] {
  const { scribe, communications, observers } = roles;
  return [
    'commander',
    ...(scribe === undefined ? [] : (['scribe'] as const)),
    ...(communications === undefined ? [] : (['communications'] as const)),
    ...(observers.length === 0 ? [] : (['observer'] as const)),
  ];
}

/** Every experiment and step by hand, in the order of the document. */
export function leavesOf(work: Work): readonly Exclude<Work, { readonly of: unknown }>[] {
  return 'of' in work ? work.of.flatMap(leavesOf) : [work];
}

/** Where a probe of the day is named, as documents spell it. */
export function probesOf({ abortOn, watched, scenarios }: GameDay): { path: (string | number)[]; probe: string }[] {
  return [
    ...abortOn.map(({ probe }, i) => ({ path: ['abortOn', i, 'probe'], probe })),
    ...watched.map(({ probe }, i) => ({ path: ['watch', i, 'probe'], probe })),
    ...scenarios.flatMap(({ criteria }, i) =>
      criteria.flatMap((criterion, j) =>
        criterion.kind === 'measured'
          ? [{ path: ['scenarios', i, 'criteria', j, 'probe'], probe: criterion.probe }]
          : [],
      ),
    ),
  ];
}

function ofTheDay(day: GameDay): Contradiction[] {
  const { abortOn, durationMs, sampleEveryMs, scenarios, watched } = day;
  const leastMs = durationMs / SAMPLES_MAX;
  const probes = new Set(probesOf(day).map(({ probe }) => probe)).size;
  const allLeastMs = (durationMs * probes) / ALL_SAMPLES_MAX;
  const works = scenarios.flatMap(({ work }) => leavesOf(work)).length;
  return told([
    [
      sampleEveryMs < leastMs,
      ['sampleEvery'],
      `at least ${exactDuration(leastMs)}: of each probe ${SAMPLES_MAX} samples are kept`,
    ],
    [
      sampleEveryMs >= leastMs && sampleEveryMs < allLeastMs,
      ['sampleEvery'],
      `at least ${exactDuration(allLeastMs)}: of ${probes} probes together ${ALL_SAMPLES_MAX} samples are kept`,
    ],
    ...abortOn.map(({ forMs }, i): Rule => {
      const message = `0s, or longer than sampleEvery (${exactDuration(sampleEveryMs)}): one sample cannot show that a breach lasts`;
      return [forMs > 0 && forMs <= sampleEveryMs, ['abortOn', i, 'for'], message];
    }),
    ...watched.map(({ probe }, i): Rule => {
      const before = watched.findIndex((other) => other.probe === probe);
      return [before < i, ['watch', i, 'probe'], 'each probe once'];
    }),
    [probes > PROBES_MAX, ['scenarios'], `at most ${PROBES_MAX} probes in a day, and these are ${probes}`],
    [works > WORKS_MAX, ['scenarios'], `at most ${WORKS_MAX} experiments and steps in a day, and these are ${works}`],
  ]);
}

function ofOne(day: GameDay, scenario: Scenario, i: number): Contradiction[] {
  const { name, offsetMs, timeoutMs, work, criteria } = scenario;
  const before = day.scenarios[i - 1];
  const freeMs = before === undefined ? 0 : before.offsetMs + before.timeoutMs;
  const leftMs = day.durationMs - offsetMs;
  const least = leastMs(work);
  const path = ['scenarios', i];
  const steps = leavesOf(work).flatMap((leaf) => (leaf.kind === 'by-hand' ? [leaf.step] : []));
  const twice = day.scenarios.findIndex((other) => other.name === name) < i;
  const lasts = `the day lasts ${exactDuration(day.durationMs)}`;
  return [
    ...told([
      [twice, [...path, 'scenario'], 'each scenario by another name'],
      [offsetMs < freeMs, [...path, 'at'], `${formatOffset(freeMs)} or later: ${before?.name} may take until then`],
      [leftMs <= 0, [...path, 'at'], `a time before ${formatOffset(day.durationMs)}: ${lasts}`],
      [leftMs > 0 && timeoutMs > leftMs, [...path, 'timeout'], `at most ${exactDuration(leftMs)}: ${lasts}`],
      [
        timeoutMs <= least,
        [...path, 'timeout'],
        `more than ${exactDuration(least)}: so long its faults are held at least`,
      ],
      // A step is known by its words.
      [new Set(steps).size < steps.length, [...path, 'run'], 'each step by hand in words of its own'],
    ]),
    ...criteria.flatMap((criterion, j) => ofCriterion(day, scenario, criterion, j, [...path, 'criteria', j])),
  ];
}

function ofCriterion(
  day: GameDay,
  { criteria, timeoutMs, work }: Scenario,
  criterion: Criterion,
  j: number,
  path: (string | number)[],
): Contradiction[] {
  const withinMs = withinOf(criterion);
  const ofRuns = criterion.kind === 'recovery' || criterion.kind === 'hypothesis';
  const roles = rolesHeld(day);
  return told([
    [
      criteria.findIndex(({ name }) => name === criterion.name) < j,
      path,
      `each criterion once, or by another name: \`${criterion.name}\` is there already`,
    ],
    [
      withinMs !== undefined && withinMs > timeoutMs,
      path,
      `a time of at most ${exactDuration(timeoutMs)}: the scenario is over then`,
    ],
    [
      criterion.kind === 'measured' && withinMs !== undefined && withinMs < day.sampleEveryMs,
      path,
      `a time of at least sampleEvery (${exactDuration(day.sampleEveryMs)}): nobody looks more often`,
    ],
    [
      ofRuns && leavesOf(work).every(({ kind }) => kind === 'by-hand'),
      path,
      'an experiment among what is run: by hand, nothing knows of a recovery or a hypothesis',
    ],
    [
      criterion.kind === 'judged' && !roles.includes(criterion.by),
      [...path, 'by'],
      `a role that somebody has: ${roles.join(', ')}`,
    ],
  ]);
}

function withinOf(criterion: Criterion): number | undefined {
  if (criterion.kind === 'recovery' || criterion.kind === 'alert') return criterion.withinMs;
  return criterion.kind === 'measured' && typeof criterion.when === 'object' ? criterion.when.withinMs : undefined;
}

/** How long the work takes at least, in milliseconds: one stage of each experiment is held. */
function leastMs(work: Work): number {
  if (work.kind === 'by-hand') return 0;
  if (work.kind === 'experiment') return work.experiment.blastRadius.holdMs;
  const each = work.of.map(leastMs);
  return work.kind === 'sequence' ? each.reduce((sum, ms) => sum + ms, 0) : Math.max(0, ...each);
}

type Rule = readonly [broken: boolean, path: readonly (string | number)[], expected: string];

function told(rules: readonly Rule[]): Contradiction[] {
  return rules.flatMap(([broken, path, expected]) => (broken ? [{ path, message: `expected ${expected}` }] : []));
}
