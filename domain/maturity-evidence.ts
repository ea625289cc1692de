/**
 * Evidence: what a journal proves of how mature a practice is.
 *
 * Owns which runs prove something (a fault that harms was on somebody, and the run came to a verdict), and which services they
 * were about. Pure; must never take a claim, such as a name or a remark, for what was done.
 */
import type { Json, JsonObject } from './experiment.ts';
import { faultClassOf } from './fault-class.ts';
import type { FaultClass } from './fault-class.ts';
import type { Journal } from './journal.ts';
import { programOf } from './program.ts';

/** Whether a destination was told of an abort. */
export interface Told {
  readonly to: string;
  readonly delivered: boolean;
  readonly atMs: number;
}

/** A run that proves something. Times are milliseconds since the Unix epoch. */
export interface RunEvidence {
  readonly run: string;
  /** The experiment's name. */
  readonly experiment: string;
  readonly endedAtMs: number;
  readonly site: string;
  /** Empty where its targets are of no single service, as nodes and zones are. */
  readonly services: readonly string[];
  readonly faultClass: FaultClass;
  /** Whether the system held. */
  readonly held: boolean;
  /** Absent where a person, or whatever calls `squall run`, started it. */
  readonly program?: string;
  /** The game day that it was of, by that day's record. */
  readonly day?: string;
  readonly labels: readonly string[];
  readonly told: readonly Told[];
}

/** A cadence of a program, as Temporal has it. */
export interface ScheduleEvidence {
  readonly program: string;
  readonly cadence: string;
  /** Why it begins nothing: `it is paused`; absent where it does. */
  readonly idle?: string;
}

/** What was asked of Temporal, or why it could not be. */
export type Schedules =
  { readonly found: readonly ScheduleEvidence[] } | { readonly found?: never; readonly unasked: string };

/** A destination of `notify:`. */
export interface Receiver {
  readonly name: string;
  readonly type: string;
  /** Whether it is told of what somebody must get up for, and routes it to whoever is on call. */
  readonly pages: boolean;
}

/** All that a level is judged by. */
export interface Evidence {
  readonly nowMs: number;
  readonly runs: readonly RunEvidence[];
  readonly schedules: Schedules;
  readonly receivers: readonly Receiver[];
  /** Sites that the policy calls production. */
  readonly productionSites: readonly string[];
  /** Services that are known although no run may have been about them. */
  readonly services: readonly string[];
}

/** Why a run proves nothing. */
export const PROVES_NOTHING = {
  open: 'not over',
  verdict: 'without a verdict',
  harmless: 'with a fault that harms nobody',
  nobody: 'whose fault was on nobody',
  beginning: 'whose beginning is not in the journal',
} as const;

/** A reason of {@link PROVES_NOTHING}. */
export type ProvesNothing = keyof typeof PROVES_NOTHING;

/** What a run proves, or why it proves nothing. `label`: by which targets belong to a service, where the policy says so. */
export function evidenceOf({ run, events }: Journal, label?: string): RunEvidence | ProvesNothing {
  const started = events.find(({ type }) => type === 'started');
  const closed = events.findLast(({ type }) => type === 'closed');
  if (closed?.type !== 'closed') return 'open';
  if (started?.type !== 'started') return 'beginning';
  if (closed.deviated === null) return 'verdict';
  const { experiment, startedBy, labels = [] } = started;
  const faultClass = faultClassOf(experiment.fault);
  if (faultClass === undefined) return 'harmless';
  if (!events.some((event) => event.type === 'stage-held' && event.injected > 0)) return 'nobody';
  const program = programOf(startedBy);
  return {
    run,
    experiment: experiment.name,
    endedAtMs: closed.atMs,
    site: experiment.targets.site,
    services: servicesOf(experiment.targets.selector, label),
    faultClass,
    held: !closed.deviated,
    ...(program === undefined ? {} : { program }),
    labels,
    told: events.flatMap((event) =>
      event.type === 'told' && event.to !== undefined
        ? [{ to: event.to, delivered: event.delivered, atMs: event.atMs }]
        : [],
    ),
  };
}

/** Labels by which targets are commonly known to belong to a service. */
const SERVICE_LABELS = ['app.kubernetes.io/name', 'app', 'service'];
/** What is called as the service that it is, or is of. Nodes, subnets, instances and templates are not. */
const OWN_NAME: ReadonlySet<unknown> = new Set(['deployment', 'statefulset', 'database', 'cache', 'group']);

/** The services that a selector is about, by what it says itself; none where it says nothing of one. */
export function servicesOf(selector: JsonObject, label?: string): readonly string[] {
  const { kind, labels, tags, group, owner, names, ids } = selector;
  const labelled = [label, ...SERVICE_LABELS].flatMap((key) =>
    key === undefined ? [] : [valueAt(labels, key) ?? valueAt(tags, key)],
  );
  const found = labelled.find((value) => value !== undefined);
  if (found !== undefined && kind !== 'node') return [found];
  if (typeof group === 'string') return [group];
  if (typeof owner === 'string') return [owner.slice(owner.indexOf('/') + 1)];
  if (!OWN_NAME.has(kind)) return [];
  const own = [names, ids].flatMap((list) => (Array.isArray(list) ? (list as readonly Json[]) : []));
  const called = own.flatMap((name) => (typeof name === 'string' ? [name.slice(name.indexOf(':') + 1)] : []));
  return [...new Set(called)].filter((name) => name !== '');
}

function valueAt(labels: Json | undefined, key: string): string | undefined {
  if (typeof labels !== 'object' || labels === null || !Object.hasOwn(labels, key)) return undefined;
  const value = (labels as JsonObject)[key];
  return typeof value === 'string' && value !== '' ? value : undefined;
}
