/**
 * What is heard: messages from outside, whoever sent them and in whatever form.
 *
 * Owns the reading of signals, and that whoever ends a run or remarks on it, which takes no proof, is written as nobody
 * proven. A person types them into a form of the Temporal UI, and what cannot be read must not wedge the workflow that hears
 * it: a wish to end is a wish to end without its reason too.
 */
import type { Ask, AskName, ServiceAsk } from '../domain/ask.ts';
import type { EmergencyStop } from '../domain/emergency-stop.ts';
import type { AbortMode } from '../domain/experiment.ts';
import { NAMELESS, unproven } from '../domain/identity.ts';
import { isLabel, LABELS_MAX } from '../domain/label.ts';
import type { AcknowledgeInput, LeaseNews, Note, Resume, RunInput, Telling, TickInput } from './messages.ts';

/** The longest that is taken of a text, in characters. */
const TEXT_MAX = 1_000;
/** Days of the week, as a calendar's time has them. */
const WEEKDAYS: readonly unknown[] = [0, 1, 2, 3, 4, 5, 6];
const MODES: readonly unknown[] = ['immediate', 'graceful', 'communicate'] satisfies AbortMode[];

/** A wish to end a run; without a mode that is known, at once. */
export function abortHeard(payload: unknown): { mode: AbortMode; reason: string; by: string; from?: string } {
  const { mode, reason, by, from } = fieldsOf(payload);
  return {
    mode: MODES.includes(mode) ? (mode as AbortMode) : 'immediate',
    reason: text(reason ?? payload, 'no reason was given'),
    by: unproven(text(by, NAMELESS)),
    ...placeHeard(from),
  };
}

/** An emergency stop; one that names no site is everybody's. */
export function stopHeard(payload: unknown): EmergencyStop {
  const { site, reason, by, from, proof } = fieldsOf(payload);
  return {
    ...(typeof site === 'string' ? { site } : {}),
    reason: text(reason ?? payload, 'no reason was given'),
    by: unproven(text(by, NAMELESS)),
    ...placeHeard(from),
    ...proofHeard(proof),
  };
}

/** That it was they who say so; what is no proof is none. */
function proofHeard(payload: unknown): Pick<EmergencyStop, 'proof'> {
  const { by, signature, signedAtMs } = fieldsOf(payload);
  if (typeof by !== 'string' || typeof signature !== 'string' || typeof signedAtMs !== 'number') return {};
  return { proof: { by: by.slice(0, TEXT_MAX), signature: signature.slice(0, TEXT_MAX), signedAtMs } };
}

/** A wish to release a stop. */
export function resumeHeard(payload: unknown): Resume {
  const { reason, by, from, signature } = fieldsOf(payload);
  return {
    reason: text(reason ?? payload, 'no reason was given'),
    by: text(by, NAMELESS),
    ...placeHeard(from),
    ...(typeof signature === 'string' ? { signature: signature.slice(0, TEXT_MAX) } : {}),
  };
}

/** What a budget is asked, one by one: undefined stands for what is nothing that can be granted. */
export function asksHeard(payload: unknown): readonly (Ask | undefined)[] {
  // Before 0.3 was out, and by hand, an ask comes alone.
  return (Array.isArray(payload) ? payload : [payload]).map(askHeard);
}

/** What a run asks a budget, and nothing else that came with it. */
export function askHeard(payload: unknown): Ask | undefined {
  const { run, execution, stage, services, limits, waits } = fieldsOf(payload);
  if (typeof run !== 'string' || typeof execution !== 'string' || typeof stage !== 'number') return undefined;
  if (typeof limits !== 'object' || limits === null || !Array.isArray(services)) return undefined;
  const asked = services.flatMap((one: unknown): ServiceAsk[] => {
    const { service, members, keys } = fieldsOf(one);
    const whole = typeof service === 'string' && typeof members === 'number' && isTexts(keys);
    return whole ? [{ service, members, keys }] : [];
  });
  if (asked.length < services.length) return undefined;
  const { runs, serviceShare, siteShare } = fieldsOf(limits);
  return {
    run,
    execution,
    stage,
    services: asked,
    limits: {
      ...(typeof runs === 'number' ? { runs } : {}),
      ...(typeof serviceShare === 'number' ? { serviceShare } : {}),
      ...(typeof siteShare === 'number' ? { siteShare } : {}),
    },
    waits: waits === true,
  };
}

/** Which ask is taken back; undefined where it names none. */
export function withdrawalHeard(payload: unknown): AskName | undefined {
  const { execution, stage } = fieldsOf(payload);
  return typeof execution === 'string' && typeof stage === 'number' ? { execution, stage } : undefined;
}

/** What is to be told, without what cannot be. */
export function tellingsHeard(payload: unknown): readonly Telling[] {
  if (!Array.isArray(payload)) return [];
  return payload.filter((telling: unknown): telling is Telling => {
    const { notice, to } = fieldsOf(telling);
    const { run, key, event, seq, atMs, startedAtMs, facts } = fieldsOf(notice);
    const texts = [run, key, event].every((text) => typeof text === 'string');
    const numbers = [seq, atMs, startedAtMs].every((number) => typeof number === 'number');
    return texts && numbers && isTexts(to) && isTexts(Object.values(fieldsOf(facts)));
  });
}

/** Who is told of a run's end; undefined where nobody can be told from it. */
export function endersHeard(payload: unknown): readonly string[] | undefined {
  return isTexts(payload) ? payload : undefined;
}

/** What a run is started with; undefined where no run can be made of it, not even one that is refused. */
export function runHeard(payload: unknown): RunInput | undefined {
  const { experiment } = fieldsOf(payload);
  const { name, hypothesis, fault, targets, blastRadius, stopConditions, steadyState } = fieldsOf(experiment);
  const { stages } = fieldsOf(blastRadius);
  const whole =
    isTexts([name, hypothesis, fault, fieldsOf(targets)['site']]) &&
    [stages, stopConditions, steadyState].every(
      (list) => Array.isArray(list) && list.every((one) => typeof one === 'object' && one !== null),
    );
  return whole ? (payload as RunInput) : undefined;
}

/** What a tick is started with; undefined where none can be made of it. Each run is heard by itself. */
export function tickHeard(payload: unknown): TickInput | undefined {
  const { program, cadence, appliedBy } = fieldsOf(payload);
  const { name, everyMs, at, radius, waitUpToMs = 0, pool, dryRun } = fieldsOf(cadence);
  const whole =
    isTexts([program, appliedBy, name]) &&
    typeof everyMs === 'number' &&
    typeof waitUpToMs === 'number' &&
    (at === undefined || isCalendarTime(at)) &&
    (radius === undefined || isRadius(radius)) &&
    typeof dryRun === 'boolean' &&
    Array.isArray(pool) &&
    pool.every((one: unknown) => {
      const { experiment, documentHash, draw } = fieldsOf(one);
      const bounds = Object.values(fieldsOf(draw));
      return (
        runHeard({ experiment }) !== undefined &&
        typeof documentHash === 'string' &&
        bounds.every(
          (pair) => Array.isArray(pair) && pair.length === 2 && pair.every((bound) => typeof bound === 'number'),
        )
      );
    });
  return whole ? (payload as TickInput) : undefined;
}

function isCalendarTime(value: unknown): boolean {
  const { weekday = 0, hour, minute, timeZone } = fieldsOf(value);
  return isTexts([timeZone]) && [hour, minute].every(Number.isInteger) && WEEKDAYS.includes(weekday);
}

/** What is no more than nothing has no steps. */
function isRadius(value: unknown): boolean {
  const { from, to } = fieldsOf(value);
  const sizes = [fieldsOf(from), fieldsOf(to)];
  const amounts = sizes.map(({ kind, share, count }) =>
    kind === 'share' ? share : kind === 'count' ? count : undefined,
  );
  return (
    isTexts(sizes.map(({ text: written }) => written)) &&
    amounts.every((amount) => typeof amount === 'number' && amount > 0) &&
    sizes[0]?.['kind'] === sizes[1]?.['kind']
  );
}

/** Which finding is acknowledged, and by whom; undefined where that is not said. */
export function acknowledgementHeard(payload: unknown): AcknowledgeInput | undefined {
  const { run, by, from, reason } = fieldsOf(payload);
  if (typeof run !== 'string' || typeof by !== 'string') return undefined;
  return { run, by: text(by, 'nobody'), ...placeHeard(from), reason: text(reason, 'no reason was given') };
}

/** What a lease says; undefined where it is nothing that a lease says. */
export function newsHeard(payload: unknown): LeaseNews | undefined {
  const { news, lease, injected, problems, how = [], why, result } = fieldsOf(payload);
  if (typeof lease !== 'string') return undefined;
  if (news === 'held')
    return typeof injected === 'number' && Array.isArray(problems) && isTexts(how) ? (payload as LeaseNews) : undefined;
  if (news === 'stuck') return typeof why === 'string' ? (payload as LeaseNews) : undefined;
  const { endedBy, why: reason, tookMs } = fieldsOf(result);
  const whole = typeof endedBy === 'string' && typeof reason === 'string' && typeof tookMs === 'number';
  return news === 'ended' && whole ? (payload as LeaseNews) : undefined;
}

/** A remark. */
export function noteHeard({ by, from, text: words }: Note): { by: string; from?: string; text: string } {
  return { by: unproven(by), ...placeHeard(from), text: words };
}

/** Who wrote it, and from where. */
export function signedBy({ by, from }: EmergencyStop): { by: string; from?: string } {
  return { by, ...placeHeard(from) };
}

/** From where, where that is said. */
export function placeHeard(from: unknown): { readonly from?: string } {
  return typeof from === 'string' && from !== '' ? { from: from.slice(0, TEXT_MAX) } : {};
}

/** A text of bounded length. */
export function text(value: unknown, otherwise: string): string {
  return typeof value === 'string' && value !== '' ? value.slice(0, TEXT_MAX) : otherwise;
}

/** Whether it is a list of texts. */
/** The labels of a run; what is none is left out. */
export function labelsHeard(payload: unknown): { readonly labels?: readonly string[] } {
  if (!Array.isArray(payload)) return {};
  const labels = payload.filter((one): one is string => typeof one === 'string' && isLabel(one)).slice(0, LABELS_MAX);
  return labels.length === 0 ? {} : { labels };
}

export function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

/** Its fields; none where it is no object. */
export function fieldsOf(payload: unknown): Readonly<Record<string, unknown>> {
  return typeof payload === 'object' && payload !== null ? (payload as Record<string, unknown>) : {};
}
