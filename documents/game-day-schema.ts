/**
 * The schema of a game-day document.
 *
 * Owns its keys, defaults and bounds. Which experiments there are, and what in the day contradicts itself, is not known here.
 */
import { z } from 'zod';
import type { Bounds } from '../domain/experiment-bounds.ts';
import { GAME_DAY_COUNTS, GAME_DAY_MS, NESTING_MAX } from '../domain/game-day-bounds.ts';
import { parseDuration } from '../domain/units.ts';
import { criterion } from './criterion-schema.ts';
import { stopCondition } from './experiment-schema.ts';
import { plannedDate } from './game-day-date.ts';
import { duration, line, name } from './written.ts';

const SENTENCE = GAME_DAY_COUNTS.sentence;
const listOf = <T extends z.ZodType>(item: T, [min, max]: Bounds): z.ZodArray<T> => z.array(item).min(min).max(max);

const OFFSET = 'expected an offset from the beginning, such as T+0, T+1h or T+1h30m';
const offset = z
  .string(OFFSET)
  .transform((written, context): number => {
    const [, after = ''] = /^T\+(.+)$/.exec(written) ?? [];
    const ms = after === '0' ? 0 : parseDuration(after);
    if (ms !== undefined && ms <= GAME_DAY_MS.offset[1]) return ms;
    context.addIssue({ code: 'custom', message: ms === undefined ? OFFSET : 'expected at most T+48h' });
    return z.NEVER;
  })
  .describe('When it begins, at the earliest: T+0, T+1h, T+1h30m.');

const PERSON = 'expected the name of a person, as SQUALL_AS and the policy say it';
const person = line(GAME_DAY_COUNTS.person, PERSON).regex(/^[^"<>]*$/, PERSON);

const FILE = 'expected a file beside this one, such as ../dependency/slow.yaml';
const file = z
  .string(FILE)
  .max(200)
  .regex(/^(?![/\\])[^:\p{Cc}]+\.ya?ml$/u, FILE)
  .describe('A file with experiments, relative to this one.');

/** What is done in a scenario, as it is written. */
export type WrittenWork =
  | { readonly kind: 'named'; readonly experiment: string }
  | { readonly kind: 'file'; readonly file: string; readonly experiment?: string }
  | { readonly kind: 'sequence' | 'parallel'; readonly of: readonly WrittenWork[] }
  | { readonly kind: 'by-hand'; readonly step: string };

const RUN = 'expected one of: file (perhaps with experiment), sequence, parallel, byHand';

/** What may be done with `levels` of groups in it. Spelled out level by level, so that its JSON Schema refers to nothing. */
function work(levels: number): z.ZodType<WrittenWork> {
  const inner =
    levels === 0
      ? z.array(z.unknown()).refine((): boolean => false, `expected at most ${NESTING_MAX} levels of groups`)
      : listOf(work(levels - 1), GAME_DAY_COUNTS.works);
  const group = z
    .strictObject({
      file: file.optional(),
      experiment: name('the name of an experiment of that file').optional(),
      sequence: inner.optional().describe('One after the other.'),
      parallel: inner.optional().describe('Side by side.'),
      byHand: line(SENTENCE, 'expected what is to be done, in words')
        .optional()
        .describe('A step that people take: no driver does it.'),
    })
    .transform((written, context): WrittenWork => {
      const found = workOf(written);
      if (found) return found;
      context.addIssue({ code: 'custom', message: RUN });
      return z.NEVER;
    });
  const named = name('an experiment of this file').transform((experiment): WrittenWork => ({
    kind: 'named',
    experiment,
  }));
  return z.union([named, group]);
}

interface WrittenGroup {
  readonly file?: string | undefined;
  readonly experiment?: string | undefined;
  readonly sequence?: readonly unknown[] | undefined;
  readonly parallel?: readonly unknown[] | undefined;
  readonly byHand?: string | undefined;
}

function workOf({ file: path, experiment, sequence, parallel, byHand }: WrittenGroup): WrittenWork | undefined {
  const ways: WrittenWork[] = [];
  if (path !== undefined) ways.push({ kind: 'file', file: path, ...(experiment === undefined ? {} : { experiment }) });
  if (sequence) ways.push({ kind: 'sequence', of: sequence as readonly WrittenWork[] });
  if (parallel) ways.push({ kind: 'parallel', of: parallel as readonly WrittenWork[] });
  if (byHand !== undefined) ways.push({ kind: 'by-hand', step: byHand });
  return ways.length === 1 && (experiment === undefined || path !== undefined) ? ways[0] : undefined;
}

const scenario = z.strictObject({
  scenario: name('a name').describe('The name of the scenario, unique in its day.'),
  at: offset,
  run: work(NESTING_MAX).describe(
    'What is done: an experiment of this file by its name, one of another file, a sequence, several side by side, or a step by hand.',
  ),
  expect: line(SENTENCE, 'expected a sentence').describe('One sentence: what should happen.'),
  criteria: listOf(criterion, GAME_DAY_COUNTS.criteria).describe('What is to be found true.'),
  timeout: duration(GAME_DAY_MS.timeout).describe('Then what runs is aborted, and what is not met is missed.'),
  approve: z.enum(['commander', 'auto']).default('commander').describe('Who lets it begin.'),
});

const roles = z.strictObject({
  commander: person.describe('Starts, approves, pauses, skips, extends, aborts.'),
  scribe: person.optional().describe('Writes down what happens.'),
  communications: person.optional().describe('Tells those outside.'),
  observers: listOf(person, GAME_DAY_COUNTS.observers)
    .refine((people) => new Set(people).size === people.length, 'expected each observer once')
    .default([])
    .describe('Judge what no probe can.'),
});

/** One day. */
export const gameDaySchema = z.strictObject({
  gameDay: name('a name').describe('The name of the game day.'),
  purpose: line(SENTENCE, 'expected a sentence').describe('One sentence: what the team wants to learn.'),
  date: plannedDate,
  duration: duration(GAME_DAY_MS.duration).describe('How long it may take. What is still open then is skipped.'),
  site: name('a site').describe("Where the day's own probes are read."),
  roles: roles.describe('Who does what.'),
  briefing: z
    .string()
    .max(GAME_DAY_COUNTS.briefing[1])
    .default('')
    .transform((text) => text.trim())
    .describe('What everybody is told before it begins.'),
  abortOn: listOf(stopCondition, GAME_DAY_COUNTS.abortOn).default([]).describe('What ends the whole day.'),
  watch: listOf(
    z.strictObject({
      probe: name('a probe'),
      stands: z
        .enum(['business', 'availability', 'system'])
        .default('system')
        .describe('For what: of business, what was lost is summed up against the baseline.'),
    }),
    GAME_DAY_COUNTS.watch,
  )
    .default([])
    .describe('Probes that are drawn, besides those of criteria and rules.'),
  sampleEvery: duration(GAME_DAY_MS.sampleEvery)
    .default(5_000)
    .describe("How often the day's probes are read. Default: 5s."),
  scenarios: listOf(scenario, GAME_DAY_COUNTS.scenarios).describe('In the order in which they begin.'),
});

/** A game day as its document says it, units parsed. */
export type WrittenGameDay = z.output<typeof gameDaySchema>;
