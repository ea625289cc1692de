/**
 * Program documents: from YAML to the {@link Program} that schedules are made of.
 *
 * Owns how a program is written: one document of a file, beside those of its experiments. What is drawn for a fault is tried with the
 * fault's own schema at every combination of its bounds.
 */
import { calendarPeriodMs } from '../domain/calendar-time.ts';
import type { Experiment } from '../domain/experiment.ts';
import type { Bounds } from '../domain/experiment-bounds.ts';
import { check } from '../domain/known-keys.ts';
import { isBeyond } from '../domain/radius.ts';
import type { Cadence, Pooled, Program } from '../domain/program.ts';
import { issuesToProblems, parseSource, toJs } from './document.ts';
import { bareDurations } from './experiment.ts';
import type { Catalogue, ParsedExperiment } from './experiment.ts';
import type { ParsedGameDay } from './game-day.ts';
import type { Problem } from './problem.ts';
import { programSchema } from './program-schema.ts';
import type { WrittenDraw } from './program-schema.ts';
import type { Locate, Source } from './source.ts';

/** Whether a document is a program's. */
export function isProgram(source: Source): boolean {
  const value = toJs(source);
  return typeof value === 'object' && value !== null && 'program' in value;
}

/** Parses a program, whose experiments are `experiments`. */
export function parseProgram(
  source: Source,
  locate: Locate,
  experiments: readonly ParsedExperiment[],
  catalogue: Catalogue,
  day?: ParsedGameDay,
): { readonly ok: true; readonly program: Program } | { readonly ok: false; readonly problems: readonly Problem[] } {
  const written = parseSource(source, locate, programSchema);
  if (!written.ok) return written;
  const issues: Issue[] = [];
  const wrong = (path: PropertyKey[], message: string): undefined =>
    void issues.push({ code: 'custom', path: ['cadences', ...path], message, input: undefined });
  const cadences = written.value.cadences.map(
    ({ cadence, every, at, pick, radius, waitUpTo, dryRun, pool = [], gameDay: called, groups }, i): Cadence => {
      if (called !== undefined && day?.gameDay.name !== called)
        wrong([i, 'gameDay'], `expected the game day of this file: ${day?.gameDay.name ?? 'it has none'}`);
      else if (called !== undefined && day?.gameDay.planned !== undefined)
        wrong([i, 'gameDay'], 'expected a day with `date: now`, since the cadence says when');
      const known = pool.map(({ experiment: name, draw }, j): Pooled | undefined => {
        const found = experiments.find(({ experiment }) => experiment.name === name);
        if (found === undefined) {
          const names = experiments.map(({ experiment }) => experiment.name).join(', ');
          return wrong([i, 'pool', j], `expected an experiment of this file: ${names || 'it has none'}`);
        }
        if (radius && isBeyond(radius.from, found.experiment.blastRadius))
          return wrong([i, 'pool', j], `expected an experiment that goes as far as the radius, ${radius.from.text}`);
        if (groups && !hasGroups(found.experiment))
          return wrong([i, 'pool', j], 'expected an experiment on pods beside `groups`: nothing else has any');
        const bounds = boundsOf(draw, found, catalogue);
        if (typeof bounds === 'string') return wrong([i, 'pool', j, 'draw'], bounds);
        return { experiment: found.experiment, documentHash: found.documentHash, draw: bounds };
      });
      return {
        name: cadence,
        ...(at === undefined ? { everyMs: every ?? 0 } : { everyMs: calendarPeriodMs(at), at }),
        pick,
        ...(radius === undefined ? {} : { radius }),
        ...(waitUpTo === undefined ? {} : { waitUpToMs: waitUpTo }),
        ...(groups === undefined ? {} : { groups }),
        dryRun,
        pool: known.filter((one) => one !== undefined),
        ...(called === undefined || day === undefined
          ? {}
          : { gameDay: { gameDay: day.gameDay, documentHash: day.documentHash } }),
      };
    },
  );
  if (issues.length > 0) return { ok: false, problems: issuesToProblems(issues, toJs(source), source, locate) };
  return { ok: true, program: { name: written.value.program, cadences } };
}

/** Whether its targets are of a kind that falls into groups. */
function hasGroups({ fault, targets: { selector } }: Experiment): boolean {
  return fault.startsWith('kubernetes/') && (selector['kind'] ?? 'pod') === 'pod';
}

type Issue = Parameters<typeof issuesToProblems>[0][number];

/** The bounds as the fault's schema parses them, or what is wrong with them. */
function boundsOf(
  draw: WrittenDraw,
  { experiment }: ParsedExperiment,
  catalogue: Catalogue,
): Readonly<Record<string, Bounds>> | string {
  const kind = catalogue.kinds.get(experiment.fault);
  if (kind === undefined) return `expected a fault that there is: ${experiment.fault}`;
  const keys = Object.keys(draw);
  const bounds: Record<string, Bounds> = {};
  // Each combination of bounds is a number whose bits say which.
  for (let which = 0; which < 2 ** keys.length; which++) {
    const drawn = Object.fromEntries(keys.map((key, i) => [key, draw[key]?.[(which >> i) & 1]]));
    const given = { ...experiment.with, ...drawn };
    const tried = check(kind.params, given);
    // Those of the experiment are numbers, since they are parsed already.
    const bare = tried.success ? bareDurations(kind.params, given, tried.data) : [];
    const [first] = tried.error?.issues ?? bare.filter(({ path: [key] }) => keys.includes(String(key)));
    if (first) return `expected what ${experiment.fault} takes: ${first.path.join('.')} ${first.message}`.trim();
    for (const key of keys) {
      const value = (tried.data as Readonly<Record<string, unknown>>)[key];
      if (typeof value !== 'number') return `expected parameters that are numbers: ${key} is none`;
      // The first has all the lower bounds, the last all the upper ones.
      bounds[key] = [bounds[key]?.[0] ?? value, value];
    }
  }
  for (const [key, [low, high]] of Object.entries(bounds))
    if (low >= high) return `expected two different bounds of ${key}, the lower first`;
  return bounds;
}
