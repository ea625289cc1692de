/**
 * What a game day asks for, in words.
 *
 * Owns the spelling of criteria and of offsets, for documents, the plan, the room and the report alike.
 */
import type { Tolerance } from './experiment.ts';
import type { Criterion, Role } from './game-day.ts';
import { describeTolerance } from './steady-state.ts';
import { formatDuration, percent } from './units.ts';

/** What a criterion asks, without its name. */
export type Asked = Criterion extends infer One ? (One extends Criterion ? Omit<One, 'name'> : never) : never;

const ROLES: Readonly<Record<Role, string>> = {
  commander: 'the commander',
  scribe: 'the scribe',
  communications: 'communications',
  observer: 'an observer',
};

/** `latency-p99 at most 500ms throughout`, `alert HighLatency within 2m`. */
export function describeCriterion(asked: Asked): string {
  switch (asked.kind) {
    case 'measured':
      return `${asked.probe} ${describeAccepted(asked.accept)} ${describeWhen(asked.when)}`;
    case 'recovery':
      return `recovery within ${formatDuration(asked.withinMs)}`;
    case 'hypothesis':
      return 'no experiment deviates';
    case 'alert':
      return `alert ${asked.alert} within ${formatDuration(asked.withinMs)}`;
    case 'judged':
      return `judged by ${ROLES[asked.by]}`;
  }
}

/** Its name, and what it asks where the name does not say that: `orders go on (orders at least 5/s throughout)`. */
export function nameAndAsked(criterion: Criterion): string {
  const asked = describeCriterion(criterion);
  return criterion.name === asked ? asked : `${criterion.name} (${asked})`;
}

/** An offset from the day's beginning: `T+0`, `T+1h30m`. */
export function formatOffset(ms: number): string {
  return ms === 0 ? 'T+0' : `T+${exactDuration(ms)}`;
}

/** A duration in every unit that it has, so that it can be written in a document: `1h30m15s`. */
export function exactDuration(ms: number): string {
  const units: readonly (readonly [string, number])[] = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1_000],
    ['ms', 1],
  ];
  let rest = Math.round(ms);
  const parts = units.flatMap(([unit, each]) => {
    const many = Math.floor(rest / each);
    rest -= many * each;
    return many === 0 ? [] : [`${many}${unit}`];
  });
  return parts.length === 0 ? '0s' : parts.join('');
}

/** Before anything was read, of a baseline nothing is known but its name. */
function describeAccepted(tolerance: Tolerance): string {
  return tolerance.kind === 'range'
    ? describeTolerance(tolerance)
    : `within ${percent(tolerance.share)} of its baseline`;
}

function describeWhen(when: 'throughout' | 'at-end' | { readonly withinMs: number }): string {
  if (when === 'throughout') return 'throughout';
  return when === 'at-end' ? 'at the end' : `within ${formatDuration(when.withinMs)}`;
}
