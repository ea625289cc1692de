/**
 * Evidence of maturity, gathered: from the journal, the configuration, and Temporal where it can be asked.
 *
 * Owns the reading, a few journals at a time, and what is said of what could not be read. Judges nothing.
 */
import { isGrpcServiceError } from '@temporalio/client';
import { JournalError } from '../activities/journal/store.ts';
import type { JournalHead, JournalStore } from '../activities/journal/store.ts';
import { usableGroups } from '../activities/targets/host-settings.ts';
import { FRESH_MS } from '../domain/maturity-coverage.ts';
import { evidenceOf } from '../domain/maturity-evidence.ts';
import type { Evidence, ProvesNothing, Receiver, RunEvidence, Schedules } from '../domain/maturity-evidence.ts';
import type { Config } from '../workers/config.ts';
import { connectClient, InvalidConnection, Unreachable } from '../workers/connect.ts';
import { openJournal } from '../workers/journal.ts';
import { policyOf } from '../workers/policy-settings.ts';
import { scheduledCadences } from '../workers/schedules.ts';
import type { Scheduled } from '../workers/schedules.ts';

/** Journals that are read at once: one may be large. */
const READ_WIDTH = 4;

/** The evidence, and what is not in it. */
export interface Gathered {
  readonly evidence: Evidence;
  /** How many runs prove nothing, by why. */
  readonly nothing: ReadonlyMap<ProvesNothing, number>;
  /** Journals that cannot be read. */
  readonly unread: readonly { readonly run: string; readonly problem: string }[];
}

/** Gathers all there is. Throws where the journal as a whole cannot be read. */
export async function gather(config: Config): Promise<Gathered> {
  const policy = policyOf(config.policy);
  await using store = openJournal(config);
  const journals = await readJournals(store, policy.budget.label);
  const environments = Object.entries(policy.environments).filter(([name]) => /^production(?:-|$)/.test(name));
  const evidence: Evidence = {
    nowMs: Date.now(),
    runs: journals.runs,
    schedules: await schedulesNow(),
    receivers: receiversOf(config),
    productionSites: [...new Set(environments.flatMap(([, { sites }]) => sites))],
    services: Object.values(config.sites).flatMap(({ host }) => Object.keys(usableGroups(host))),
  };
  return { evidence, nothing: journals.nothing, unread: journals.unread };
}

type Journals = Pick<Gathered, 'unread' | 'nothing'> & { readonly runs: readonly RunEvidence[] };

async function readJournals(store: JournalStore, label: string | undefined): Promise<Journals> {
  const runs: RunEvidence[] = [];
  const unread: { run: string; problem: string }[] = [];
  const nothing = new Map<ProvesNothing, number>();
  const proofOf = async (head: JournalHead): Promise<RunEvidence | ProvesNothing | undefined> => {
    // What the head says already needs no reading.
    if (head.problem !== undefined) throw new JournalError(head.problem);
    if (head.status === null) return 'open';
    if (head.deviated === null) return 'verdict';
    const journal = await store.read(head.run);
    const proof = journal && evidenceOf(journal, label);
    const day = dayOf.get(head.run);
    return typeof proof === 'object' && day !== undefined ? { ...proof, day } : proof;
  };
  const dayOf = await daysByRun(store);
  const next = (await store.list()).values();
  const work = async (): Promise<void> => {
    for (const head of next) {
      try {
        const proof = await proofOf(head);
        if (typeof proof === 'object') runs.push(proof);
        else if (proof !== undefined) nothing.set(proof, (nothing.get(proof) ?? 0) + 1);
      } catch (error) {
        if (!(error instanceof JournalError)) throw error;
        unread.push({ run: head.run, problem: error.message });
      }
    }
  };
  await Promise.all(Array.from({ length: READ_WIDTH }, work));
  // They come as they are read.
  runs.sort((a, b) => a.endedAtMs - b.endedAtMs || (a.run < b.run ? -1 : 1));
  unread.sort((a, b) => (a.run < b.run ? -1 : 1));
  return { runs, nothing, unread };
}

/** The game day that each run was of, of those days that were held. One that cannot be read proves nothing. */
async function daysByRun(store: JournalStore): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const { day, ending, endedAtMs } of await store.days.list()) {
    if (ending !== 'completed' || endedAtMs === null || Date.now() - endedAtMs > FRESH_MS) continue;
    const record = await store.days.read(day).catch((error: unknown) => {
      if (error instanceof JournalError) return undefined;
      throw error;
    });
    for (const event of record?.events ?? []) if (event.type === 'run') found.set(event.run, day);
  }
  return found;
}

async function schedulesNow(): Promise<Schedules> {
  try {
    const client = await connectClient();
    try {
      const found = await scheduledCadences(client);
      return {
        found: found.map((one) => {
          const idle = idleness(one);
          return { program: one.program, cadence: one.cadence, ...(idle === undefined ? {} : { idle }) };
        }),
      };
    } finally {
      await client.connection.close();
    }
  } catch (error) {
    if (error instanceof Unreachable || error instanceof InvalidConnection) return { unasked: error.message };
    const cause = error instanceof Error && isGrpcServiceError(error.cause) ? error.cause : error;
    if (isGrpcServiceError(cause)) return { unasked: cause.message };
    throw error;
  }
}

/** Why a cadence begins nothing that harms; undefined where it does. */
function idleness({ paused, note, dryRun, everyMs, nextAt }: Scheduled): string | undefined {
  if (paused) return note === '' ? 'is paused' : `is paused: ${note}`;
  if (dryRun) return 'is a dry run';
  if (everyMs === 0) return 'is not as Squall made it';
  return nextAt.length === 0 ? 'has no next time' : undefined;
}

/** Only an Alertmanager has routes to whoever is on call; a channel or a dashboard wakes nobody. */
function receiversOf({ notify }: Config): readonly Receiver[] {
  return Object.entries(notify?.to ?? {}).map(([name, settings]) => ({
    name,
    type: settings.type,
    pages: settings.type === 'alertmanager' && settings.on.includes('aborted') && settings.on.includes('stuck'),
  }));
}
