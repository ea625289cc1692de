/**
 * Guards: what must be true before a run begins or widens.
 *
 * Owns the protocol and the climb: guard by guard, each with a time limit, until one refuses. A guard that cannot be read
 * refuses.
 */
import type { GuardAnswer } from '../../domain/admission.ts';
import { inTime } from '../attempt.ts';
import type { AdmitInput } from '../interface.ts';
import { reasonOf } from '../probes/reading.ts';

/** One question, asked of the world. */
export interface Guard {
  /** As it is named in the journal. */
  readonly name: string;
  /** Asked all the time too, not only before a stage: what it answers may change under a long hold. It is the same for all runs of a site. */
  readonly always?: true;
  /** How it is asked then, where that is another question than before a stage. */
  readonly askAlways?: Guard['ask'];
  /** How long it may take, in milliseconds, where that is longer than others may. */
  readonly withinMs?: number;
  /** Rejects where the answer cannot be had, which refuses. */
  readonly ask: (input: Asked, signal: AbortSignal) => Promise<Omit<GuardAnswer, 'guard'>>;
}

/** What a guard is asked about. `execution`: the one that really asks. */
export interface Asked extends AdmitInput {
  readonly execution: string;
  /** Whose child it is, as Temporal says; absent where nobody asked, or it is nobody's. */
  readonly parent?: { readonly workflowId: string; readonly runId: string };
}

/** The longest that a guard may take unless it says otherwise, in milliseconds. */
const GUARD_MS = 5_000;

/** Asks `guards` in their order, up to the first refusal that nobody may set aside. `signal` ends the asking early, by a rejection. */
export async function climb(guards: readonly Guard[], input: Asked, signal: AbortSignal): Promise<GuardAnswer[]> {
  const answers: GuardAnswer[] = [];
  for (const guard of guards) {
    const answer = await ask(guard, input, signal);
    signal.throwIfAborted();
    answers.push({ guard: guard.name, ...answer });
    if (!answer.passed && answer.overridable !== true) break;
  }
  return answers;
}

async function ask(guard: Guard, input: Asked, signal: AbortSignal): ReturnType<Guard['ask']> {
  const over = new AbortController();
  try {
    return await inTime(
      guard.withinMs ?? GUARD_MS,
      guard.ask(input, AbortSignal.any([signal, over.signal])),
      guard.name,
    );
  } catch (error) {
    return { passed: false, found: `cannot be read: ${reasonOf(error)}`, unreadable: true };
  } finally {
    over.abort();
  }
}
