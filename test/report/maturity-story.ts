/**
 * A practice as it grows: made-up journals of several services, for looking at.
 *
 * Owns when, where, by whom and how each of its runs ended; the same every time but for the moment it is told at.
 */
import type { Journal } from '../../domain/journal.ts';
import { evidenceOf } from '../../domain/maturity-evidence.ts';
import type { Evidence } from '../../domain/maturity-evidence.ts';
import { startedByProgram } from '../../domain/program.ts';
import { HOSTILE } from './journals.ts';
import { EXPERIMENT, LADDER, START_MS, Story } from './story.ts';

const DAY_MS = 86_400_000;

/** What is told of one run. */
export interface Told {
  readonly service: string;
  readonly fault: string;
  readonly daysAgo: number;
  readonly site?: string;
  readonly held?: boolean;
  readonly program?: string;
  /** The game day that it was of. */
  readonly day?: string;
  readonly labels?: readonly string[];
}

/** The journal of one run that ended `daysAgo` before `nowMs`. */
export function runOf(nowMs: number, told: Told): Journal {
  const { service, fault, daysAgo, site = 'prod-eu', held = true, program, labels = [] } = told;
  const name = `${service}-${fault.split('/')[1] ?? ''}`;
  const targets = { site, selector: { kind: 'pod', labels: { app: service } } };
  const { run, schema, events } = new Story(`${name}-${site}-${daysAgo}`)
    .begin({ ...EXPERIMENT, name, fault, targets })
    .widen(1, LADDER.slice(0, 2), 2)
    .unwind(5, [1, 5], 0.3)
    .at(6, { type: 'closed', status: held ? 'completed' : 'aborted', deviated: !held, reason: 'it was so' })
    .journal();
  const endedMs = events.at(-1)?.atMs ?? START_MS;
  const moved = events.map((event) => ({ ...event, atMs: event.atMs - endedMs + nowMs - daysAgo * DAY_MS }));
  const by = program === undefined ? 'ada@desk' : startedByProgram(program, 'ada on desk');
  return {
    schema,
    run,
    events: moved.map((event) =>
      event.type === 'started' ? { ...event, startedBy: `${by} (not authenticated)`, labels } : event,
    ),
  };
}

/** What CI starts. */
const CI = { site: 'staging', labels: ['ci'] } as const;

/** Three services: one tested daily by a program, one by hand, one long ago. */
export const PRACTICE: readonly Told[] = [
  { service: 'payments', fault: 'kubernetes/pod-kill', daysAgo: 3, day: 'november' },
  ...[4, 5, 6].map((daysAgo) => ({ service: 'payments', fault: 'kubernetes/pod-latency', daysAgo, ...CI })),
  { service: 'payments', fault: 'kubernetes/pod-cpu', daysAgo: 120 },
  ...[0, 2, 4, 8, 10, 12, 15, 17, 19, 22, 24, 26].map((daysAgo) => ({
    service: 'payments',
    fault: daysAgo % 4 === 0 ? 'kubernetes/pod-loss' : 'kubernetes/pod-pause',
    daysAgo,
    program: 'chaos-monkey',
    held: daysAgo !== 8,
  })),
  { service: 'orders', fault: 'kubernetes/pod-memory', daysAgo: 6, held: false, day: 'november' },
  ...[7, 9, 11].map((daysAgo) => ({ service: 'orders', fault: 'kubernetes/pod-kill', daysAgo, ...CI })),
  { service: 'search', fault: 'kubernetes/pod-dns', daysAgo: 200, held: false },
];

/** When {@link practice} is looked at. */
const NOW_MS = Date.UTC(2026, 10, 30, 12);

/** The evidence of {@link PRACTICE}, at a fixed time. */
export function practice(): Evidence {
  return {
    nowMs: NOW_MS,
    runs: PRACTICE.flatMap((told) => {
      const proof = evidenceOf(runOf(NOW_MS, told));
      return typeof proof === 'object' ? [{ ...proof, ...(told.day === undefined ? {} : { day: told.day }) }] : [];
    }),
    schedules: { found: [{ program: 'chaos-monkey', cadence: 'every-ten-minutes' }] },
    receivers: [],
    productionSites: ['prod-eu'],
    services: [],
  };
}

/** Every text that comes from outside is hostile. */
export function hostilePractice(): Evidence {
  const evidence = practice();
  return {
    ...evidence,
    runs: evidence.runs.map((run) => ({ ...run, run: HOSTILE, services: [HOSTILE], program: HOSTILE })),
    schedules: { found: [{ program: HOSTILE, cadence: HOSTILE, idle: HOSTILE }] },
    productionSites: ['prod-eu', HOSTILE],
  };
}
