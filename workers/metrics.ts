/**
 * Metrics of runs, in Prometheus' format.
 *
 * Owns the names of what runs do; what they do to the system is `impact.ts`'s. Everything is derived from journal events that were new, so a replay or a
 * repeated attempt counts once. A run's gauges are removed when it ends: a zero availability would read as an outage.
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { OnEvents } from '../activities/control.ts';
import { eventKey } from '../domain/journal.ts';
import type { JournalEvent } from '../domain/journal.ts';
import type { Ticked } from '../domain/program.ts';

/** Buckets of a run's duration in seconds: ten seconds to a day. */
const DURATION_BUCKETS = [10, 30, 60, 300, 900, 1_800, 3_600, 14_400, 86_400];

/** What one open run has told so far. */
interface OpenRun {
  readonly type: string;
  readonly experiment: string;
  readonly startedAtMs: number;
  /** Events that were taken note of, by their keys. */
  readonly seen: Set<string>;
  phase: string;
  /** Leases whose revert is not verified, and the share of its candidates, 0 to 1, that each has under fault. */
  readonly leases: Map<string, number>;
  /** Those of them that are stuck. */
  readonly stuck: Set<string>;
  /** The share that all its stages have reached together. */
  reached: number;
}

function newRun({ experiment, atMs }: JournalEvent & { type: 'started' }): OpenRun {
  const { fault: type, name } = experiment;
  const seen = new Set<string>();
  const [leases, stuck] = [new Map<string, number>(), new Set<string>()];
  return { type, experiment: name, startedAtMs: atMs, seen, phase: 'pre-flight', leases, stuck, reached: 0 };
}

/** The share of a run's candidates that is under fault now. */
function radiusOf({ leases }: OpenRun): number {
  return leases.values().reduce((all, share) => all + share, 0);
}

/** Turns journal events into metrics. */
export class RunMetrics {
  readonly registry = new Registry();
  readonly #runs = new Map<string, OpenRun>();
  /** Runs that were not open at the last comparison, though nothing was heard of their end. */
  #missing: ReadonlySet<string> = new Set();
  readonly #experiments = this.#counter('chaos_experiments_total', 'Runs that ended', ['experiment_type', 'result']);
  readonly #aborts = this.#counter('chaos_safety_aborts_total', 'Runs ended early, by cause', ['abort_reason']);
  readonly #rollbacks = this.#counter('chaos_rollbacks_total', 'Verified reverts of one stage', ['rollback_type']);
  readonly #edges = this.#counter('chaos_edges_total', 'Changes seen by the watch', ['edge']);
  readonly #events = this.#counter('chaos_experiment_events', 'Journal events, one sample each', [
    'type',
    'experiment',
    'phase',
  ]);
  readonly #ticks = this.#counter('chaos_program_ticks_total', 'Ticks of programs that ended', [
    'program',
    'cadence',
    'ended',
  ]);
  readonly #radius = this.#gauge(
    'chaos_blast_radius_percentage',
    'Share of candidates under fault in the widest open run, 0 to 100',
  );
  readonly #leases = this.#gauge('chaos_leases_held', 'Leases whose revert is not yet verified');
  readonly #unconfirmed = this.#gauge('chaos_reverts_unconfirmed', 'Leases that are stuck: a person must look');
  readonly #duration = new Histogram({
    name: 'chaos_experiment_duration_seconds',
    help: 'From the start of a run to its end',
    labelNames: ['experiment_type'],
    buckets: DURATION_BUCKETS,
    registers: [this.registry],
  });

  /**
   * Counts events that were new to the journal. Of a run that this worker has not heard of, what another worker counted is
   * read from the journal, and not counted again.
   */
  readonly observe: OnEvents = async (run, added, journal) => {
    const [first] = added;
    if (first === undefined) return;
    const earlier = this.#runs.has(run) || first.type === 'started' ? [] : await journal();
    const seen = new Set(added.map(eventKey));
    for (const event of earlier) if (!seen.has(eventKey(event))) this.#follow(run, event);
    for (const event of added) {
      const open = this.#follow(run, event) ?? this.#runs.get(run);
      if (open) this.#count(open, event);
    }
  };

  /** Counts a tick. Where the worker dies as it answers it may be counted twice. */
  readonly ticked = (tick: Ticked): void => this.#ticks.inc({ ...tick });

  /**
   * Takes up open runs that this worker has not heard of, and forgets those that are closed without a word, once they were
   * missing twice: a list of open runs may be a little late.
   */
  async compare(
    openRuns: () => Promise<ReadonlySet<string>>,
    journal: (run: string) => Promise<readonly JournalEvent[]>,
  ): Promise<void> {
    const known = [...this.#runs.keys()];
    const open = await openRuns();
    const missing = known.filter((run) => !open.has(run));
    for (const run of missing) if (this.#missing.has(run)) this.#forget(run);
    this.#missing = new Set(missing);
    // Of known ones too: another control worker may have written what this one has not heard.
    for (const run of open) for (const event of await journal(run)) this.#follow(run, event);
  }

  #forget(run: string): void {
    const type = this.#runs.get(run)?.type;
    this.#runs.delete(run);
    if (type !== undefined) this.#sum(type);
  }

  /** Keeps up with a run, each event once; undefined where its start is in no journal, or the event is known. */
  #follow(run: string, event: JournalEvent): OpenRun | undefined {
    if (event.type === 'started' && !this.#runs.has(run)) this.#runs.set(run, newRun(event));
    const open = this.#runs.get(run);
    if (open === undefined || open.seen.has(eventKey(event))) return undefined;
    open.seen.add(eventKey(event));
    if (event.type === 'phase') open.phase = event.phase;
    if (event.type === 'stage-opened') {
      open.leases.set(event.lease, event.radius - open.reached);
      open.reached = event.radius;
    }
    if (event.type === 'stuck') open.stuck.add(event.lease);
    if (event.type === 'reverted') {
      open.leases.delete(event.lease);
      open.stuck.delete(event.lease);
    }
    if (event.type === 'closed') this.#runs.delete(run);
    this.#sum(open.type);
    return open;
  }

  #count(open: OpenRun, event: JournalEvent): void {
    const experiment_type = open.type;
    this.#events.inc({ type: event.type, experiment: open.experiment, phase: open.phase });
    if (event.type === 'abort') this.#aborts.inc({ abort_reason: event.cause });
    if (event.type === 'reverted') this.#rollbacks.inc({ rollback_type: event.by });
    if (event.type === 'edge') this.#edges.inc({ edge: event.edge });
    if (event.type !== 'closed') return;
    const result = event.deviated === true ? 'deviated' : event.deviated === false ? 'held' : event.status;
    this.#experiments.inc({ experiment_type, result });
    this.#duration.observe({ experiment_type }, (event.atMs - open.startedAtMs) / 1000);
  }

  /** Sets a type's gauges from its open runs, or removes them with the last one. */
  #sum(experiment_type: string): void {
    const open = [...this.#runs.values()].filter(({ type }) => type === experiment_type);
    if (open.length === 0) {
      for (const gauge of [this.#radius, this.#leases, this.#unconfirmed]) gauge.remove({ experiment_type });
      return;
    }
    const sum = (value: (run: OpenRun) => number): number => open.reduce((all, run) => all + value(run), 0);
    this.#leases.set(
      { experiment_type },
      sum(({ leases }) => leases.size),
    );
    this.#unconfirmed.set(
      { experiment_type },
      sum(({ stuck }) => stuck.size),
    );
    this.#radius.set({ experiment_type }, Math.max(...open.map(radiusOf)) * 100);
  }

  #counter(name: string, help: string, labelNames: string[]): Counter {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }

  #gauge(name: string, help: string): Gauge {
    return new Gauge({ name, help, labelNames: ['experiment_type'], registers: [this.registry] });
  }
}
