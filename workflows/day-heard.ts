/**
 * What a game day hears, whoever sent it and in whatever form.
 *
 * Owns the reading of what a day is started with, and of what people do in it, as `heard.ts` does of all other messages.
 */
import type { DayAct } from '../domain/game-day-acts.ts';
import type { Claim } from '../domain/identity.ts';
import { fieldsOf, isTexts, placeHeard, runHeard } from './heard.ts';
import type { DayActInput, GameDayInput } from './messages.ts';

/** The longest name, or proof of it, in characters. */
const CLAIM_MAX = 1_000;

/** What a day is started with; undefined where none can be made of it. Each run is heard by itself. */
export function dayHeard(payload: unknown): GameDayInput | undefined {
  const { gameDay, documentHash, calledBy } = fieldsOf(payload);
  const { name, purpose, site, briefing, durationMs, sampleEveryMs, roles, scenarios, abortOn, watched } =
    fieldsOf(gameDay);
  const { commander, observers } = fieldsOf(roles);
  const whole =
    isTexts([documentHash, calledBy, name, purpose, site, briefing, commander]) &&
    isTexts(observers) &&
    [durationMs, sampleEveryMs].every((ms) => typeof ms === 'number' && ms > 0) &&
    areProbes(abortOn) &&
    areProbes(watched) &&
    Array.isArray(scenarios) &&
    scenarios.every(isScenario);
  return whole ? (payload as GameDayInput) : undefined;
}

/** What somebody does; undefined where it is nothing that can be done. */
export function actHeard(payload: unknown): DayActInput | undefined {
  const { claim, execution, act } = fieldsOf(payload);
  const { by, signature, signedAtMs, from } = fieldsOf(claim);
  const texts: unknown = [by, execution, signature ?? '', from ?? ''];
  if (!isTexts(texts) || texts.some(({ length }) => length > CLAIM_MAX) || by === '') return undefined;
  const heard = oneAct(fieldsOf(act));
  if (heard === undefined) return undefined;
  const said: Claim = {
    by: by as string,
    ...(typeof signature === 'string' ? { signature } : {}),
    ...(typeof signedAtMs === 'number' ? { signedAtMs } : {}),
    ...placeHeard(from),
  };
  return { claim: said, execution: execution as string, act: heard };
}

/** Nothing else that came with it is taken: it would be signed for. */
function oneAct({ act, why, text, owner, scenario, criterion, step, met, byMs }: Fields): DayAct | undefined {
  const words = typeof text === 'string';
  const reason = typeof why === 'string' ? why : 'no reason was given';
  const where = isIndex(scenario) ? { scenario } : {};
  switch (act) {
    case 'begin':
    case 'resume':
      return { act };
    case 'pause':
    case 'abort':
      return { act, why: reason };
    case 'approve':
      return isIndex(scenario) ? { act, scenario } : undefined;
    case 'skip':
      return isIndex(scenario) ? { act, scenario, why: reason } : undefined;
    case 'extend':
      return typeof byMs === 'number' ? { act, byMs, ...where } : undefined;
    case 'note':
      return words ? { act, text } : undefined;
    case 'finding':
      return words ? { act, text, ...where } : undefined;
    case 'action':
      return words && typeof owner === 'string' ? { act, text, owner, ...where } : undefined;
    case 'judge': {
      if (!isIndex(scenario) || !isIndex(criterion) || typeof met !== 'boolean') return undefined;
      return { act, scenario, criterion, met, why: typeof why === 'string' ? why : '' };
    }
    case 'done':
      return isIndex(scenario) && typeof step === 'string' ? { act, scenario, step } : undefined;
    default:
      return undefined;
  }
}

type Fields = Readonly<Record<string, unknown>>;

function isIndex(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0;
}

function areProbes(value: unknown): boolean {
  return Array.isArray(value) && value.every((one: unknown) => typeof fieldsOf(one)['probe'] === 'string');
}

function isScenario(value: unknown): boolean {
  const { name, offsetMs, work, expected, criteria, timeoutMs, approve } = fieldsOf(value);
  return (
    isTexts([name, expected, approve]) &&
    typeof offsetMs === 'number' &&
    typeof timeoutMs === 'number' &&
    isWork(work) &&
    Array.isArray(criteria) &&
    criteria.every((one: unknown) => isTexts([fieldsOf(one)['name'], fieldsOf(one)['kind']]))
  );
}

function isWork(value: unknown): boolean {
  const { kind, of, step, documentHash, experiment } = fieldsOf(value);
  if (kind === 'by-hand') return typeof step === 'string';
  if (kind === 'experiment') return typeof documentHash === 'string' && runHeard({ experiment }) !== undefined;
  return (kind === 'sequence' || kind === 'parallel') && Array.isArray(of) && of.every(isWork);
}
