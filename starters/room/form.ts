/**
 * What the forms of the room send.
 *
 * Owns the reading of it: bounded, each field checked, as `report/room/forms.ts` writes it. Whether it may be done is the day's to say.
 */
import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { ACT_TEXT_MAX } from '../../domain/game-day-acts.ts';
import type { DayAct } from '../../domain/game-day-acts.ts';
import type { DayState } from '../../domain/game-day-state.ts';
import { parseDuration } from '../../domain/units.ts';

/** The largest form, in bytes: two texts at their longest, as a browser writes them. */
const FORM_BYTES_MAX = 32 * 1024;

/** Something that is no form of this room; `status` is what HTTP says of it. */
export class NoForm extends Error {
  override readonly name = 'NoForm';
  readonly status: number;

  constructor(status: number, words: string) {
    super(words);
    this.status = status;
  }
}

/** What somebody wants done, and to which execution. */
export interface Wish {
  readonly execution: string;
  readonly act: DayAct;
}

const index = z
  .string()
  .regex(/^\d{1,3}$/, 'expected a number')
  .transform(Number);
const words = z.string().max(ACT_TEXT_MAX, `expected at most ${ACT_TEXT_MAX} characters`);
const why = words
  .transform((text) => (text.trim() === '' ? 'no reason was given' : text))
  .default('no reason was given');
const byMs = z.string().transform((text, context) => {
  const ms = parseDuration(text.trim());
  if (ms !== undefined && ms > 0) return ms;
  context.addIssue(`found ${text.slice(0, 40) || 'nothing'}, expected a duration such as 30m`);
  return z.NEVER;
});
const execution = z.string().max(100);

const FORM = z.discriminatedUnion('act', [
  z.object({ execution, act: z.enum(['begin', 'resume']) }),
  z.object({ execution, act: z.enum(['pause', 'abort']), why }),
  z.object({ execution, act: z.literal('approve'), scenario: index }),
  z.object({ execution, act: z.literal('skip'), scenario: index, why }),
  z.object({ execution, act: z.literal('extend'), by: byMs, scenario: index.optional() }),
  z.object({ execution, act: z.literal('note'), text: words }),
  z.object({ execution, act: z.literal('finding'), text: words, scenario: index.optional() }),
  z.object({ execution, act: z.literal('action'), text: words, owner: words, scenario: index.optional() }),
  z.object({
    execution,
    act: z.literal('judge'),
    scenario: index,
    criterion: index,
    met: z.enum(['yes', 'no']),
    why: words,
  }),
  /** By its place: a browser writes a step's words in its own way. */
  z.object({ execution, act: z.literal('done'), scenario: index, step: index }),
]);

/** Reads a form. Rejects with {@link NoForm} where it is none. */
export async function formOf(request: IncomingMessage, state: DayState): Promise<Wish> {
  const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/x-www-form-urlencoded')
    throw new NoForm(415, `found ${type?.slice(0, 60) ?? 'nothing'}, expected a form of this page`);
  const fields = Object.fromEntries(new URLSearchParams(await bodyOf(request)));
  const parsed = FORM.safeParse(fields);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new NoForm(
      400,
      `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'no form of this page'}`.replace(/^: /, ''),
    );
  }
  return { execution: parsed.data.execution, act: actOf(parsed.data, state) };
}

function actOf(said: z.infer<typeof FORM>, state: DayState): DayAct {
  switch (said.act) {
    case 'done': {
      const { scenario } = said;
      const step = state.scenarios[scenario]?.steps[said.step]?.step;
      if (step === undefined) throw new NoForm(400, 'there is no such step; look at it again');
      return { act: 'done', scenario, step };
    }
    case 'judge': {
      const { act, scenario, criterion, met, why: because } = said;
      return { act, scenario, criterion, met: met === 'yes', why: because };
    }
    case 'extend': {
      const { act, by, scenario } = said;
      return { act, byMs: by, ...(scenario === undefined ? {} : { scenario }) };
    }
    case 'finding':
    case 'action': {
      const { scenario, execution: _, ...rest } = said;
      return { ...rest, ...(scenario === undefined ? {} : { scenario }) };
    }
    default: {
      const { execution: _, ...rest } = said;
      return rest;
    }
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > FORM_BYTES_MAX) throw new NoForm(413, `found more than ${FORM_BYTES_MAX} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}
