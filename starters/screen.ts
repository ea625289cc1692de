/**
 * The screen: a run as it happens.
 *
 * Owns the choice of form: on a terminal, lines and below them a live block with readings, sparklines and timers; in a
 * pipe, plain lines; with `--json`, the events themselves.
 */
import { createLogUpdate } from 'log-update';
import sparkly from 'sparkly';
import type { LiveReadings } from './live.ts';
import type { JournalEvent } from '../domain/journal.ts';
import type { RunState } from '../domain/run.ts';
import { formatDuration, formatQuantity } from '../domain/units.ts';
import { shown } from './output.ts';
import type { Output } from './output.ts';
import { eventLine } from './story-line.ts';

/** Readings kept for a probe's sparkline. */
const SPARK_POINTS = 30;
/** In a pipe, readings are printed this often, in milliseconds. */
const PIPE_EVERY_MS = 5_000;

/** Shows one run. */
export class Screen {
  readonly #out: Output;
  readonly #run: string;
  readonly #live = process.stdout.isTTY ? createLogUpdate(process.stdout) : undefined;
  readonly #points = new Map<string, (number | null)[]>();
  readonly #timers = new Map<number, { endsAtMs: number; evidence: string }>();
  #hold: { stage: number; endsAtMs: number } | undefined;
  #holdMs = 0;
  #lastEvidence = '';
  #printedAtMs = performance.now();

  constructor(out: Output, run: string) {
    this.#out = out;
    this.#run = run;
  }

  /** Shows what happened. */
  event(event: JournalEvent): void {
    this.#follow(event);
    this.#out.event(event.type, { run: this.#run, ...eventFields(event) });
    const line = eventLine(event, this.#out);
    if (line === undefined || this.#out.json) return;
    this.#live?.clear();
    this.#out.line(line);
  }

  /** Shows how things are. */
  live(state: RunState, tick: LiveReadings | undefined): void {
    if (this.#out.json) return;
    const lines = [...(tick ? this.#readings(tick) : []), ...this.#countdowns()];
    if (this.#live) {
      this.#live([this.#out.style('dim', `· ${state.phase}`), ...lines].map(shown).join('\n'));
    } else if (lines.length > 0 && performance.now() - this.#printedAtMs > PIPE_EVERY_MS) {
      this.#printedAtMs = performance.now();
      this.#out.line(lines.map((line) => line.trim()).join('  '));
    }
  }

  close(): void {
    this.#live?.clear();
    this.#live?.done();
  }

  #follow(event: JournalEvent): void {
    if (event.type === 'started') this.#holdMs = event.experiment.blastRadius.holdMs;
    if (event.type === 'stage-held') this.#hold = { stage: event.stage, endsAtMs: event.atMs + this.#holdMs };
    if (event.type === 'phase' && event.phase !== 'holding') this.#hold = undefined;
    if (event.type === 'edge') this.#lastEvidence = event.evidence;
    if (event.type === 'timer' && event.timer === 'started') {
      this.#timers.set(event.condition, { endsAtMs: event.atMs + event.forMs, evidence: this.#lastEvidence });
    } else if (event.type === 'timer') {
      this.#timers.delete(event.condition);
    }
  }

  #readings(tick: LiveReadings): string[] {
    return Object.entries(tick.readings).map(([probe, { value, dimension }]) => {
      const points = this.#points.get(probe) ?? [];
      points.push(value);
      if (points.length > SPARK_POINTS) points.shift();
      this.#points.set(probe, points);
      const shown = value === null ? 'no data' : formatQuantity(value, dimension);
      const spark = this.#live
        ? sparkly(
            points.map((point) => point ?? ''),
            { minimum: 0 },
          )
        : '';
      return `  ${probe} ${shown.padEnd(this.#live ? 10 : 0)} ${spark}`.trimEnd();
    });
  }

  #countdowns(): string[] {
    const left = (endsAtMs: number): string =>
      formatDuration(Math.max(0, Math.ceil((endsAtMs - Date.now()) / 1000)) * 1000);
    const holds = this.#hold ? [`  stage ${this.#hold.stage + 1} holds for ${left(this.#hold.endsAtMs)}`] : [];
    const timers = [...this.#timers.values()].map(
      ({ endsAtMs, evidence }) => `  aborts in ${left(endsAtMs)}: ${evidence}`,
    );
    return [...holds, ...timers.map((timer) => this.#out.style('yellow', timer))];
  }
}

function eventFields(event: JournalEvent): Record<string, unknown> {
  const { type: _type, atMs, ...fields } = event;
  return { happenedAt: new Date(atMs).toISOString(), ...fields };
}
