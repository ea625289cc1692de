/**
 * Notices: what people are told of a run.
 *
 * Owns which events of a journal are worth telling, and what is known of each by the names that templates use. Pure; must
 * never say who is told, nor in which words. Everything in it is bounded: it comes from probes, targets and people.
 */
import { eventKey } from './journal.ts';
import type { JournalEvent } from './journal.ts';
import type { EventOf } from './run-summary.ts';
import { formatDuration, formatQuantity } from './units.ts';

/** What can be told of a run. */
export const NOTICE_EVENTS = ['started', 'stage', 'aborted', 'stuck', 'recovered', 'refused', 'closed'] as const;

/** One thing that can be told of a run. */
export type NoticeEvent = (typeof NOTICE_EVENTS)[number];

/** What is known of a notice; which of them depends on its event. */
export const FACTS = [
  'run',
  'experiment',
  'hypothesis',
  'fault',
  'site',
  'event',
  'evidence',
  'by',
  'stage',
  'stages',
  'size',
  'targets',
  'radius',
  'cause',
  'mode',
  'check',
  'status',
  'verdict',
] as const;

/** The name of a fact. */
export type Fact = (typeof FACTS)[number];

/** Facts by name; what is not known is not there. */
export type Facts = Readonly<Partial<Record<Fact, string>>>;

/** One thing that people are told. Times are milliseconds since the Unix epoch. */
export interface Notice {
  readonly run: string;
  /** Known by this: told twice, it is the same. */
  readonly key: string;
  /** Of the journal's event that it tells. */
  readonly seq: number;
  readonly atMs: number;
  /** When the run began; when this happened, where that is not known. */
  readonly startedAtMs: number;
  readonly event: NoticeEvent;
  readonly facts: Facts;
  /** Its delivery, or that it failed, is written into the journal. */
  readonly confirm?: true;
}

/** The longest fact, in characters. */
const FACT_MAX = 600;

/** What there is to tell of `events`; `journal` is all that is known of their run by now. */
export function noticesOf(
  run: string,
  events: readonly JournalEvent[],
  journal: readonly JournalEvent[],
): readonly Notice[] {
  const started = journal.find((event) => event.type === 'started');
  return events.flatMap((event) => {
    const what = noticeEventOf(event);
    if (what === undefined) return [];
    const notice = {
      run,
      key: eventKey(event),
      seq: event.seq,
      atMs: event.atMs,
      startedAtMs: started?.atMs ?? event.atMs,
      event: what,
      facts: bounded({ run, ...aboutOf(started), event: what, ...factsOf(event, journal) }),
    };
    return event.type === 'abort' && event.mode === 'communicate' ? [{ ...notice, confirm: true as const }] : [notice];
  });
}

/** What is told of an event, whatever else is known; undefined where nothing is. */
export function noticeEventOf({ type }: Pick<JournalEvent, 'type'>): NoticeEvent | undefined {
  return TOLD[type];
}

/**
 * The end of a run that wrote none: its workflow was ended from outside, or its last words never reached the journal.
 * `last` is what was told last.
 */
export function lostNotice(last: Notice, atMs: number): Notice {
  const { run, startedAtMs, seq } = last;
  const { experiment, hypothesis, fault, site } = last.facts;
  const facts = {
    ...Object.fromEntries(Object.entries({ run, experiment, hypothesis, fault, site }).filter(([, fact]) => fact)),
    event: 'closed',
    status: 'lost',
    verdict: 'no verdict',
    evidence: 'the run was ended from outside, or could not say its end; its leases revert what is on',
  };
  return { run, key: `${seq} ${atMs} lost`, seq, atMs, startedAtMs, event: 'closed', facts };
}

/** A stage is told once its fault is on; what it was opened with is in the journal. */
const TOLD: Readonly<Partial<Record<JournalEvent['type'], NoticeEvent>>> = {
  started: 'started',
  'stage-held': 'stage',
  abort: 'aborted',
  stuck: 'stuck',
  recovered: 'recovered',
  refused: 'refused',
  closed: 'closed',
};

/** What is known of one event beside its run. */
function factsOf(event: JournalEvent, journal: readonly JournalEvent[]): Facts {
  switch (event.type) {
    case 'started':
      return { by: event.startedBy };
    case 'stage-held':
      return stageFacts(event, journal);
    case 'abort': {
      const { cause, mode, evidence, by, stage } = event;
      const where = stage === undefined ? {} : { stage: `${stage + 1}` };
      // An emergency stop says by whom in its own words.
      const said = cause === 'person' && by !== undefined ? `${evidence}, by ${by}` : evidence;
      return { cause, mode, evidence: said, ...(by === undefined ? {} : { by }), ...where };
    }
    case 'stuck':
      return { evidence: event.why, stage: `${event.stage + 1}` };
    case 'recovered': {
      const took = formatDuration(event.tookMs);
      return { evidence: `the steady state is ${event.recovered ? 'back after' : 'NOT back within'} ${took}` };
    }
    case 'refused':
      return { check: event.check, evidence: event.found };
    case 'closed': {
      const verdict = event.deviated === null ? 'no verdict' : event.deviated ? 'deviated' : 'held';
      return { status: event.status, verdict, evidence: event.reason };
    }
    default:
      return {};
  }
}

function stageFacts({ stage, injected }: EventOf<'stage-held'>, journal: readonly JournalEvent[]): Facts {
  const opened = journal.findLast((event) => event.type === 'stage-opened' && event.stage === stage);
  const started = journal.find((event) => event.type === 'started');
  const known = opened?.type === 'stage-opened' ? opened : undefined;
  return {
    stage: `${stage + 1}`,
    ...(started ? { stages: `${started.experiment.blastRadius.stages.length}` } : {}),
    ...(known ? { size: known.size, radius: formatQuantity(known.radius, 'ratio') } : {}),
    targets: `${known?.reached ?? injected}`,
  };
}

function aboutOf(started: EventOf<'started'> | undefined): Facts {
  if (started === undefined) return {};
  const { name, hypothesis, fault, targets } = started.experiment;
  return { experiment: name, hypothesis, fault, site: targets.site };
}

function bounded(facts: Facts): Facts {
  const line = (text: string): string => {
    const folded = text.replaceAll(/\s+/g, ' ').trim();
    return folded.length > FACT_MAX ? `${folded.slice(0, FACT_MAX - 1)}…` : folded;
  };
  return Object.fromEntries(Object.entries(facts).map(([name, fact]) => [name, line(fact)]));
}
