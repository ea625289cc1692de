/**
 * The rules of maturity: what proves each level, what is missing, and what to do about it.
 *
 * Owns the thresholds. A rule looks at its own level only, of the whole or of one service. Pure; must never raise a level by what
 * could not be asked.
 */
import { COUNTED_CLASSES, FAULT_CLASSES } from './fault-class.ts';
import { FRESH_MS, latest, servicesIn, testedClasses } from './maturity-coverage.ts';
import type { Evidence, Receiver, RunEvidence } from './maturity-evidence.ts';

const DAY_MS = 86_400_000;
const WEEK_MS = 7 * DAY_MS;
const FRESH_DAYS = FRESH_MS / DAY_MS;

/** What runs are labelled that CI has started. */
const CI = 'ci';
/** Runs that level 1 takes, and on how many days: one run is a try, and several on one day are an afternoon's. */
const DEVELOPMENT_RUNS = 3;
const DEVELOPMENT_DAYS = 2;
/** On how many days level 3 takes runs of programs: with fewer nobody can tell that they come again. */
const REGULAR_DAYS = 3;
/** How many days ago the last of them may be: the longest cadence is 30, and a tick may be late or refused. */
const REGULAR_LAST_DAYS = 35;
/** For how many weeks, up to now, level 4 takes runs: within a month a release comes out, and somebody is on leave. */
const CONTINUOUS_WEEKS = 4;
/** On how many days of each: what is daily on working days, with some days that a guard refuses. */
const CONTINUOUS_DAYS = 3;
/** The same of one service: a program chooses among services, so that each has its turn less often. */
const CONTINUOUS_SERVICE_DAYS = 1;
/** Classes of faults that level 5 takes of a service: more than half of those that count. Not every service has a database or a zone. */
const WIDE_CLASSES = 4;
/** The share of all services that must be so wide (ratio): a new one must not lower the level of all. */
const WIDE_SERVICES_SHARE = 0.8;
/** Services that are named as what to do next. */
const NAMED_MAX = 5;

/** What one rule found, in words. It is proved where nothing is missing. */
export interface Found {
  readonly proof: readonly string[];
  readonly missing: readonly string[];
  readonly next: readonly string[];
  /** The runs that prove it. */
  readonly runs: readonly RunEvidence[];
  /** What it takes could not be asked for. */
  readonly unknown?: true;
}

/** Judges one level by these runs, which are those of `service`; null: of the whole. */
type Rule = (evidence: Evidence, runs: readonly RunEvidence[], service: string | null) => Found;

const inDevelopment: Rule = (evidence, runs) => {
  const recent = within(runs, evidence.nowMs, FRESH_MS).filter(({ labels }) => labels.includes(CI));
  const [many, days] = [recent.length, daysOf(recent).size];
  const missing = [
    ...(many < DEVELOPMENT_RUNS
      ? [`${counted(many, 'run')} labelled ${CI} with a verdict in ${FRESH_DAYS} days, expected ${DEVELOPMENT_RUNS}`]
      : []),
    ...(days < DEVELOPMENT_DAYS ? [`runs on ${counted(days, 'day')}, expected ${DEVELOPMENT_DAYS}`] : []),
  ];
  const proof =
    many === 0
      ? []
      : [`${counted(many, 'run')} labelled ${CI} with a verdict on ${counted(days, 'day')} of the last ${FRESH_DAYS}`];
  const next = [
    `Let CI call \`squall run FILE --label ${CI}\` against a test environment: its exit code fails the build`,
  ];
  return { proof, missing, next, runs: recent };
};

const adHocProduction: Rule = (evidence, runs) => {
  const ofDays = within(inProduction(evidence, runs), evidence.nowMs, FRESH_MS).filter(({ day }) => day !== undefined);
  if (evidence.productionSites.length === 0)
    return {
      proof: [],
      missing: ['nothing is known to be production: the policy has no environment `production`'],
      next: [
        'Say in `squall.yaml` which sites are production: `policy: { environments: { production: { sites: […] } } }`',
      ],
      runs: [],
    };
  const days = daysOf(ofDays).size;
  return {
    proof:
      days === 0
        ? []
        : [
            `${counted(ofDays.length, 'run')} of game days in production, on ${counted(days, 'day')} of the last ${FRESH_DAYS}`,
          ],
    missing: days > 0 ? [] : [`no run of a game day in production in ${FRESH_DAYS} days`],
    next: [
      'Hold a game day in production, with those who own the service: `squall gameday start experiments/game-days/database-primary-failure.yaml`',
    ],
    runs: ofDays,
  };
};

const automatedRegular: Rule = (evidence, runs) => {
  const { schedules, nowMs } = evidence;
  if (schedules.found === undefined) return UNASKED;
  const active = schedules.found.filter(({ idle }) => idle === undefined);
  const idle = schedules.found.filter((one) => one.idle !== undefined);
  const ticks = programmed(evidence, runs, FRESH_MS);
  const last = latest(ticks);
  const isOld = last !== undefined && nowMs - last.endedAtMs > REGULAR_LAST_DAYS * DAY_MS;
  const why = idle.map((one) => `${one.program}/${one.cadence} ${one.idle ?? ''}`).join(', ');
  const days = daysOf(ticks).size;
  const many = `runs of active programs in production on ${counted(days, 'day')} of the last ${FRESH_DAYS}`;
  return {
    proof: [
      ...(active.length > 0
        ? [`active: ${active.map(({ program, cadence }) => `${program}/${cadence}`).join(', ')}`]
        : []),
      ...(days > 0 ? [many] : []),
    ],
    missing: [
      ...(active.length === 0 ? [`no schedule is active${why === '' ? '' : `: ${why}`}`] : []),
      ...(days < REGULAR_DAYS ? [`${many}, expected ${REGULAR_DAYS}`] : []),
      ...(isOld ? [`the last of them is more than ${REGULAR_LAST_DAYS} days old`] : []),
    ],
    next: [
      active.length > 0
        ? 'Have a program run this in production, and see with `squall schedule list` what its ticks did last'
        : idle.length > 0
          ? 'Let a program go on: `squall schedule resume PROGRAM`, with `dryRun: false`'
          : 'Schedule a program: `squall schedule apply experiments/programs/monkey.yaml`',
    ],
    runs: ticks,
  };
};

const continuousMinimal: Rule = (evidence, runs, service) => {
  if (evidence.schedules.found === undefined) return UNASKED;
  const ticks = programmed(evidence, runs, CONTINUOUS_WEEKS * WEEK_MS);
  const wanted = service === null ? CONTINUOUS_DAYS : CONTINUOUS_SERVICE_DAYS;
  const days = Array.from({ length: CONTINUOUS_WEEKS }, (_, week) => {
    const of = ticks.filter(({ endedAtMs }) => Math.floor(ageMs(evidence.nowMs, endedAtMs) / WEEK_MS) === week);
    return daysOf(of).size;
  });
  const words = `runs of active programs in production on ${days.join(', ')} days of the last ${CONTINUOUS_WEEKS} weeks, latest first`;
  return {
    proof: ticks.length === 0 ? [] : [words],
    missing: days.every((many) => many >= wanted) ? [] : [`${words}; expected at least ${wanted} of each`],
    next: [
      'Give a program a cadence of a day or less, and see with `squall history` which of its runs are refused, and why',
    ],
    runs: ticks,
  };
};

const continuousScaled: Rule = (evidence, runs, service) => {
  const pagers = evidence.receivers.filter(({ pages }) => pages);
  const heard = pagers.filter((pager) => !isDeaf(pager, evidence.runs));
  const wide = service === null ? wholeIsWide(evidence) : serviceIsWide(evidence, runs);
  const pages =
    pagers.length === 0
      ? ['no destination of `notify:` pages who is on call: an Alertmanager that is told of `aborted` and `stuck`']
      : [`${pagers.map(({ name }) => name).join(', ')} did not take what it was last told of`];
  return {
    proof: [...heard.map(({ name, type }) => `${name} (${type}) is told of what fails, and pages`), ...wide.proof],
    missing: [...(heard.length === 0 ? pages : []), ...wide.missing],
    next: [
      ...(heard.length === 0 ? ['Configure `notify:` with an Alertmanager whose routes page who is on call'] : []),
      ...wide.next,
    ],
    runs: within(inProduction(evidence, runs), evidence.nowMs, FRESH_MS),
  };
};

type Width = Pick<Found, 'proof' | 'missing' | 'next'>;

function serviceIsWide(evidence: Evidence, runs: readonly RunEvidence[]): Width {
  const tested = testedClasses(runs, evidence);
  const words = `${counted(tested.length, 'class', 'classes')} of faults tested in production in ${FRESH_DAYS} days${tested.length === 0 ? '' : ` (${tested.join(', ')})`}`;
  if (tested.length >= WIDE_CLASSES) return { proof: [words], missing: [], next: [] };
  const left = COUNTED_CLASSES.filter((one) => !tested.includes(one)).map((one) => `${FAULT_CLASSES[one]} (${one})`);
  return {
    proof: tested.length === 0 ? [] : [words],
    missing: [`${words}, expected ${WIDE_CLASSES} of ${COUNTED_CLASSES.length}`],
    next: [`Test where ${left.join('; ')}`],
  };
}

function wholeIsWide(evidence: Evidence): Width {
  const services = servicesIn(evidence);
  const narrow = services.filter((service) => {
    const runs = evidence.runs.filter((run) => run.services.includes(service));
    return testedClasses(runs, evidence).length < WIDE_CLASSES;
  });
  const wide = services.length - narrow.length;
  const words = `${wide} of ${counted(services.length, 'service')} tested in production with at least ${WIDE_CLASSES} classes of faults in ${FRESH_DAYS} days`;
  if (services.length > 0 && wide >= WIDE_SERVICES_SHARE * services.length)
    return { proof: [words], missing: [], next: [] };
  return {
    proof: wide === 0 ? [] : [words],
    missing: [`${words}, expected ${WIDE_SERVICES_SHARE * 100}% of them`],
    next: narrow.length === 0 ? [] : [`Test more classes of faults with ${narrow.slice(0, NAMED_MAX).join(', ')}`],
  };
}

/** Whether the last that this receiver was told of an abort was not taken. One that was never told may hear. */
function isDeaf({ name }: Receiver, runs: readonly RunEvidence[]): boolean {
  const told = runs.flatMap((run) => run.told).filter(({ to }) => to === name);
  return told.toSorted((a, b) => b.atMs - a.atMs)[0]?.delivered === false;
}

/** What a rule says that needs to know what is scheduled, and does not. */
const UNASKED: Found = {
  proof: [],
  missing: ['not known: Temporal could not be asked what is scheduled'],
  next: ['Ask again where Temporal answers: the `TEMPORAL_*` variables say where it is'],
  runs: [],
  unknown: true,
};

/** Runs of the last `forMs` in production that an active program started. */
function programmed(evidence: Evidence, runs: readonly RunEvidence[], forMs: number): readonly RunEvidence[] {
  const active = new Set(
    (evidence.schedules.found ?? []).filter(({ idle }) => idle === undefined).map(({ program }) => program),
  );
  return within(inProduction(evidence, runs), evidence.nowMs, forMs).filter(
    ({ program }) => program !== undefined && active.has(program),
  );
}

function inProduction({ productionSites }: Evidence, runs: readonly RunEvidence[]): readonly RunEvidence[] {
  return runs.filter(({ site }) => productionSites.includes(site));
}

function within(runs: readonly RunEvidence[], nowMs: number, forMs: number): readonly RunEvidence[] {
  return runs.filter(({ endedAtMs }) => ageMs(nowMs, endedAtMs) <= forMs);
}

/** What another clock says is a little ahead is now. */
function ageMs(nowMs: number, atMs: number): number {
  return Math.max(0, nowMs - atMs);
}

/** Days in UTC, as numbers. */
function daysOf(runs: readonly RunEvidence[]): ReadonlySet<number> {
  return new Set(runs.map(({ endedAtMs }) => Math.floor(endedAtMs / DAY_MS)));
}

function counted(many: number, one: string, more = `${one}s`): string {
  return `${many} ${many === 1 ? one : more}`;
}

/** One of each level, from the first. */
export const RULES: readonly Rule[] = [
  inDevelopment,
  adHocProduction,
  automatedRegular,
  continuousMinimal,
  continuousScaled,
];
