/**
 * A journal as text: JSON with one event a line, after a first line that says what a list of runs needs.
 *
 * Owns the spelling of the file. The first line's `about` is derived from the events and never read back into them; must
 * never write text that {@link parseHead} or a plain JSON parser cannot read.
 */
import { z } from 'zod';
import { JOURNAL_SCHEMA } from '../../domain/journal.ts';
import type { Phase, Status } from '../../domain/run.ts';
import type { LooseEvent } from './schema.ts';
import type { JournalHead } from './store.ts';

/** The first line is at most this long, in bytes; a longer experiment name is cut in it. */
export const HEAD_BYTES = 4_096;
const NAME_MAX = 200;
/** SHA-256 in hex is as long. */
const HASH_MAX = 64;
/** What a whole journal ends with is within this many bytes, with white space that an editor may have added. */
export const END_BYTES = 16;
const END = '\n]}';

/** The file's text: valid JSON, and readable with `less` and `grep`. */
export function journalText(run: string, events: readonly LooseEvent[]): string {
  const head = JSON.stringify({ schema: JOURNAL_SCHEMA, run, about: aboutOf(events) });
  const lines = events.map((event) => JSON.stringify(event)).join(',\n');
  return `${head.slice(0, -1)},"events":[\n${lines}${END}\n`;
}

/** What a list says of a run, beside its name. */
export const aboutSchema = z.object({
  experiment: z.string(),
  startedAtMs: z.number(),
  lastAtMs: z.number().optional(),
  touched: z.boolean().optional(),
  phase: z.string().transform((phase) => phase as Phase),
  status: z
    .string()
    .nullable()
    .transform((status) => status as Status | null),
  deviated: z.boolean().nullable(),
  documentHash: z.string().optional(),
  acknowledged: z.literal(true).optional(),
  askedShare: z.number().optional(),
  reached: z.number().optional(),
  afterDeployment: z.literal(true).optional(),
});

const headSchema = z.object({ schema: z.literal(JOURNAL_SCHEMA), run: z.string().min(1), about: aboutSchema });

/** What the first bytes of a journal say of its run. Throws where they, or the last ones, are not a whole journal's. */
export function parseHead(prefix: string, last: string): JournalHead {
  const end = prefix.indexOf(',"events":[\n');
  if (end < 0) throw new Error('it does not begin like a journal');
  if (!last.trimEnd().endsWith(END)) throw new Error('it does not end like a journal');
  const { run, about } = headSchema.parse(JSON.parse(`${prefix.slice(0, end)}}`));
  return { run, ...about };
}

const deployedChoice = z.object({
  choice: z.object({ ranking: z.tuple([z.object({ deployed: z.literal('since-tested') })]).rest(z.unknown()) }),
});

/** Whether it is a program's choice of what had been deployed since its last test. */
function isAfterDeployment(event: LooseEvent): boolean {
  return event.type === 'chosen' && deployedChoice.safeParse(event).success;
}

const ladder = z.object({ blastRadius: z.object({ stages: z.array(z.object({ share: z.number().optional() })) }) });

/** What a list says of a run whose journal has these events, in order. */
export function aboutOf(events: readonly LooseEvent[]): Omit<JournalHead, 'run' | 'problem'> {
  const started = events.find(({ type }) => type === 'started');
  const closed = events.findLast(({ type }) => type === 'closed');
  const phase = closed ? 'closed' : events.findLast(({ type }) => type === 'phase')?.['phase'];
  const hash = started?.['documentHash'];
  const experiment = (started?.['experiment'] as { name?: unknown } | undefined)?.name;
  return {
    experiment: typeof experiment === 'string' ? experiment.slice(0, NAME_MAX) : '',
    startedAtMs: (started ?? events[0])?.atMs ?? 0,
    // What is said of it later is not something that it does.
    lastAtMs: events.findLast(({ type }) => type !== 'acknowledged')?.atMs ?? 0,
    // Also where it was reset since: every phase that it ever had is here.
    touched: events.some(({ type, phase: had }) => type === 'phase' && had === 'injecting'),
    phase: (phase ?? 'pre-flight') as Phase,
    status: (closed?.['status'] ?? null) as Status | null,
    deviated: (closed?.['deviated'] ?? null) as boolean | null,
    ...(typeof hash === 'string' ? { documentHash: hash.slice(0, HASH_MAX) } : {}),
    ...(events.some(({ type }) => type === 'acknowledged') ? { acknowledged: true } : {}),
    ...reachOf(events, started?.['experiment']),
    ...(events.some(isAfterDeployment) ? { afterDeployment: true } : {}),
  };
}

/** How far it was to go, and went, as far as anybody can tell. */
function reachOf(events: readonly LooseEvent[], experiment: unknown): Pick<JournalHead, 'askedShare' | 'reached'> {
  const shares = ladder.safeParse(experiment).data?.blastRadius.stages.flatMap(({ share = 0 }) => share) ?? [];
  const askedShare = Math.max(0, ...shares);
  const opened = events.flatMap(({ type, reached }) =>
    type === 'stage-opened' && typeof reached === 'number' ? reached : [],
  );
  const reached = Math.max(0, ...opened);
  return { ...(askedShare > 0 ? { askedShare } : {}), ...(reached > 0 ? { reached } : {}) };
}
