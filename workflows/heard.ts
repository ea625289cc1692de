/**
 * What is heard: messages from outside, whoever sent them and in whatever form.
 *
 * Owns the reading of signals. A person types them into a form of the Temporal UI, and what cannot be read must not wedge
 * the workflow that hears it: a wish to end is a wish to end without its reason too.
 */
import type { Ask } from '../domain/blast-radius.ts';
import type { EmergencyStop } from '../domain/emergency-stop.ts';
import type { AbortMode } from '../domain/experiment.ts';
import type { LeaseNews, Resume } from './messages.ts';

/** The longest that is taken of a text, in characters. */
const TEXT_MAX = 1_000;
const MODES: readonly unknown[] = ['immediate', 'graceful', 'communicate'] satisfies AbortMode[];

/** A wish to end a run; without a mode that is known, at once. */
export function abortHeard(payload: unknown): { mode: AbortMode; reason: string; by: string } {
  const { mode, reason, by } = fieldsOf(payload);
  return {
    mode: MODES.includes(mode) ? (mode as AbortMode) : 'immediate',
    reason: text(reason ?? payload, 'no reason was given'),
    by: text(by, 'somebody who gave no name'),
  };
}

/** An emergency stop; one that names no site is everybody's. */
export function stopHeard(payload: unknown): EmergencyStop {
  const { site, reason, by } = fieldsOf(payload);
  return {
    ...(typeof site === 'string' ? { site } : {}),
    reason: text(reason ?? payload, 'no reason was given'),
    by: text(by, 'somebody who gave no name'),
  };
}

/** A wish to release a stop. */
export function resumeHeard(payload: unknown): Resume {
  const { reason, by, signature } = fieldsOf(payload);
  return {
    reason: text(reason ?? payload, 'no reason was given'),
    by: text(by, 'somebody who gave no name'),
    ...(typeof signature === 'string' ? { signature: signature.slice(0, TEXT_MAX) } : {}),
  };
}

/** What a run asks a budget; undefined where it is nothing that can be granted. */
export function askHeard(payload: unknown): Ask | undefined {
  const { run, execution, stage, services, limits } = fieldsOf(payload);
  const whole =
    [run, execution].every((name) => typeof name === 'string') &&
    typeof stage === 'number' &&
    typeof limits === 'object' &&
    limits !== null &&
    Array.isArray(services) &&
    services.every((service: unknown) => {
      const { service: name, members, keys } = fieldsOf(service);
      const texts = Array.isArray(keys) && keys.every((key) => typeof key === 'string');
      return typeof name === 'string' && typeof members === 'number' && texts;
    });
  return whole ? (payload as Ask) : undefined;
}

/** What a lease says; undefined where it is nothing that a lease says. */
export function newsHeard(payload: unknown): LeaseNews | undefined {
  const { news, lease, injected, problems, why, result } = fieldsOf(payload);
  if (typeof lease !== 'string') return undefined;
  if (news === 'held')
    return typeof injected === 'number' && Array.isArray(problems) ? (payload as LeaseNews) : undefined;
  if (news === 'stuck') return typeof why === 'string' ? (payload as LeaseNews) : undefined;
  const { endedBy, why: reason, tookMs } = fieldsOf(result);
  const whole = typeof endedBy === 'string' && typeof reason === 'string' && typeof tookMs === 'number';
  return news === 'ended' && whole ? (payload as LeaseNews) : undefined;
}

/** A text of bounded length. */
export function text(value: unknown, otherwise: string): string {
  return typeof value === 'string' && value !== '' ? value.slice(0, TEXT_MAX) : otherwise;
}

function fieldsOf(payload: unknown): Readonly<Record<string, unknown>> {
  return typeof payload === 'object' && payload !== null ? (payload as Record<string, unknown>) : {};
}
