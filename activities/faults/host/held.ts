/**
 * Host faults that a holder keeps up: pause and stutter.
 *
 * Owns the driver's side of the ledger and of the holder. The order of a revert is the proof in `holder.ts`: tombstone,
 * wait for the holder or kill it, continue the target, and only then take note that it is undone.
 */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { z } from 'zod';
import type { Fault, InjectResult, Outcome, Verification } from '../../../domain/fault.ts';
import { monotonicMs } from '../clock.ts';
import { isOver } from '../driver.ts';
import type { Attempt, DriverFactory, FaultDriver, Site } from '../driver.ts';
import { faultOf, Ledger } from '../ledger.ts';
import type { LedgerRow } from '../ledger.ts';
import { find, processTable, signal } from './process-table.ts';
import type { ProcessInfo, ProcessTable } from './process-table.ts';
import { parseTarget, resourceOf } from './target.ts';

/** How long a holder may take to let go before it is killed, in milliseconds: twenty of its turns. */
const PATIENCE_MS = 2_000;
const POLL_MS = 20;
const HOLDER = join(import.meta.dirname, 'holder.ts');

const SOMEBODY_ELSE = { result: 'failed', detail: 'somebody else has stopped the process' } as const;

/** What differs between held faults. */
export interface HeldKind<Params> {
  readonly kind: `host/${string}`;
  readonly summary: string;
  readonly params: z.ZodType<Params>;
  /** Whether the target stands still all the time, so that one that runs shows a lapsed fault. */
  readonly alwaysStopped: boolean;
}

/** Builds the driver of a held fault. */
export function heldDriver<Params>(what: HeldKind<Params>): DriverFactory<Params> {
  return (site) => new HeldDriver(what, site);
}

class HeldDriver<Params> implements FaultDriver<Params> {
  readonly kind;
  readonly summary;
  readonly params;
  readonly reversal = 'reverted';
  readonly expiry = 'renewed';
  readonly permissions = [{ needs: 'to signal the target processes: the same user, or root' }];
  readonly undo =
    'a holder process continues the target (SIGCONT) when it is told to, when renewal stops, or the sweep does';
  readonly #what: HeldKind<Params>;
  readonly #site: Site;
  readonly #ledger: Ledger;
  readonly #table: ProcessTable = processTable();

  constructor(what: HeldKind<Params>, site: Site) {
    this.kind = what.kind;
    this.summary = what.summary;
    this.params = what.params;
    this.#what = what;
    this.#site = site;
    this.#ledger = new Ledger(site.stateDir);
  }

  async check(): Promise<readonly string[]> {
    const known = process.platform === 'linux' || process.platform === 'darwin';
    return known ? [] : [`${this.kind} works on Linux and macOS; this is ${process.platform}`];
  }

  async occupied(targets: readonly string[]): Promise<Map<string, string>> {
    return this.#ledger.occupied(targets, resourceOf);
  }

  async inject(faults: readonly Fault<Params>[], attempt: Attempt): Promise<Outcome<InjectResult>[]> {
    const refusals = await Promise.all(faults.map((fault) => this.#refusal(fault)));
    if (isOver(attempt)) return faults.map(({ id }) => ({ id, result: 'failed', detail: 'the attempt is over' }));
    const batch = randomUUID();
    const wanted = faults.filter((_, i) => refusals[i] === undefined);
    const claims = this.#ledger.claim(
      this.kind,
      wanted.map((fault) => ({ fault, resource: resourceOf(fault.target), undo: { signal: 'SIGCONT' } })),
      batch,
    );
    // An earlier attempt may have died between its claim and its holder.
    this.#ledger.rebatch(
      wanted.filter((_, i) => claims[i] === 'active'),
      batch,
    );
    const mine = wanted.filter((_, i) => claims[i] === 'claimed' || claims[i] === 'active');
    const holder = mine.length > 0 && !isOver(attempt) ? this.#startHolder(batch) : {};
    await this.#untilApplied(mine, attempt, holder);
    const rows = new Map(mine.map((fault, i) => [fault.id, { fault, i }]));
    const settled = this.#ledger.rows(mine);
    return Promise.all(
      faults.map(async (fault, i): Promise<Outcome<InjectResult>> => {
        const refusal = refusals[i];
        if (refusal) return { id: fault.id, ...refusal };
        const at = rows.get(fault.id)?.i;
        if (at !== undefined) return { id: fault.id, ...(await this.#judge(settled[at], holder)) };
        const claim = claims[wanted.indexOf(fault)];
        return { id: fault.id, result: claim === 'fenced' || claim === 'lapsed' ? claim : 'occupied' };
      }),
    );
  }

  async renew(faults: readonly Fault<Params>[]): Promise<Outcome<'renewed' | 'lapsed' | 'gone'>[]> {
    const lapses = await Promise.all(
      this.#ledger.rows(faults).map((row, i) => this.#lapse(row, faults[i]?.target ?? '')),
    );
    const renewed = this.#ledger.renew(faults.filter((_, i) => lapses[i] === undefined));
    let next = 0;
    return faults.map(({ id }, i) => {
      const lapse = lapses[i];
      if (lapse !== undefined) return { id, ...lapse };
      return renewed[next++] ? { id, result: 'renewed' } : { id, result: 'lapsed', detail: 'its time was over' };
    });
  }

  async revert(
    faults: readonly Fault<Params>[],
    attempt: Attempt,
  ): Promise<Outcome<'reverted' | 'absent' | 'failed'>[]> {
    const before = this.#ledger.rows(faults);
    // Only what a fault claimed is ours to continue; somebody else may have stopped the process.
    const ours = before.filter((row) => row !== undefined && row.claimed && !row.undone) as LedgerRow[];
    try {
      this.#ledger.fence(faults, this.kind);
    } catch (error) {
      // A ledger that takes no writes (a full disk) must not keep a process stopped. It takes no late inject either.
      await this.#killHolders(ours);
      await Promise.allSettled(ours.map(({ target }) => signal(this.#table, parseTarget(target), 'SIGCONT')));
      throw error;
    }
    await this.#untilLetGo(faults, attempt);
    return Promise.all(
      faults.map(async ({ id, target, installation }) => {
        if (!ours.some((row) => row.id === id))
          return { id, result: 'absent' as const, detail: `no record of it in ${this.#site.stateDir}` };
        try {
          await signal(this.#table, parseTarget(target), 'SIGCONT');
        } catch (error) {
          return { id, result: 'failed' as const, detail: error instanceof Error ? error.message : String(error) };
        }
        this.#ledger.undone([{ installation, id }]);
        return { id, result: 'reverted' as const };
      }),
    );
  }

  async verify(faults: readonly Fault<Params>[]): Promise<Verification[]> {
    const rows = this.#ledger.rows(faults);
    return Promise.all(
      faults.map(async ({ target: id }, i): Promise<Verification> => {
        const row = rows[i];
        try {
          const target = await find(this.#table, parseTarget(id));
          if (target === undefined) return 'absent';
          if (row !== undefined && (row.state === 'active' || !row.undone)) return 'active';
          if (target.state !== 'stopped' || this.#heldByAnother(id) || row?.refused === true) return 'absent';
          // It stands still: for this fault, or, where this ledger knows nothing of it, perhaps for what another one holds.
          return row?.claimed === true ? 'active' : 'unknown';
        } catch {
          return 'unknown';
        }
      }),
    );
  }

  async *leftovers(): AsyncGenerator<{ fault: Fault<Params>; expired: boolean }> {
    for (const { row, expired } of this.#ledger.leftovers(this.#site.installation, this.kind)) {
      // Its parameters are as they were written, perhaps by another version: undoing does not need them.
      yield { fault: faultOf<Params>(row), expired };
    }
  }

  /** A process that stands still for another fault says nothing of this one. */
  #heldByAnother(target: string): boolean {
    return this.#ledger.occupied([target], resourceOf).size > 0;
  }

  async #refusal(fault: Fault<Params>): Promise<{ result: InjectResult; detail?: string } | undefined> {
    const [row] = this.#ledger.rows([fault]);
    if (row?.refused === true) return SOMEBODY_ELSE;
    if (row !== undefined) return undefined;
    const target = await find(this.#table, parseTarget(fault.target));
    if (target === undefined) return { result: 'gone' };
    if (target.state !== 'stopped' || this.#heldByAnother(fault.target)) return undefined;
    // Written down, so that a later look does not take it for a fault of ours.
    this.#ledger.refuse(fault, this.kind);
    return SOMEBODY_ELSE;
  }

  /** Returns why the holder could not be started, once that is known. */
  #startHolder(batch: string): { readonly failure?: string } {
    const args = [
      '--disable-warning=ExperimentalWarning',
      '--max-old-space-size=32',
      '--max-semi-space-size=1',
      HOLDER,
      this.#site.stateDir,
      batch,
    ];
    const started: { failure?: string } = {};
    // Detached and without our pipes: it must outlive this worker.
    const holder = spawn(process.execPath, args, {
      detached: true,
      stdio: 'ignore',
      cwd: '/',
      // Compiled once for all holders: each starts in a quarter of the time, in two thirds of the memory.
      env: { NODE_COMPILE_CACHE: join(this.#site.stateDir, 'compiled'), ...process.env },
    });
    holder.on('error', ({ message }) => (started.failure = `its holder did not start: ${message}`));
    holder.on('exit', () => (started.failure ??= 'its holder has ended'));
    holder.unref();
    return started;
  }

  async #untilApplied(
    faults: readonly Fault<Params>[],
    attempt: Attempt,
    holder: { readonly failure?: string },
  ): Promise<void> {
    while (!isOver(attempt) && holder.failure === undefined) {
      const rows = this.#ledger.rows(faults);
      const waiting = await Promise.all(
        rows.map(
          async (row) =>
            row?.state === 'active' &&
            !(await this.#holderIsDead(row)) &&
            (!row.applied || (await this.#stillRuns(row))),
        ),
      );
      if (!waiting.includes(true)) return;
      await sleep(POLL_MS);
    }
  }

  async #judge(
    row: LedgerRow | undefined,
    holder: { readonly failure?: string },
  ): Promise<{ result: InjectResult; detail?: string }> {
    if (row?.state !== 'active')
      return row?.applied ? { result: 'lapsed', detail: 'it ended by itself' } : { result: 'fenced' };
    if (await this.#holderIsDead(row)) return { result: 'lapsed', detail: 'its holder is gone' };
    if (!row.applied) return { result: 'failed', detail: holder.failure ?? 'its holder did not start in time' };
    if (await this.#stillRuns(row)) return { result: 'failed', detail: 'it was signalled, and does not stand still' };
    return { result: 'injected' };
  }

  /** A signal that was sent is not yet obeyed: a busy machine takes a while to, and the kernel may keep a process from it. */
  async #stillRuns({ target: id }: LedgerRow): Promise<boolean> {
    return this.#what.alwaysStopped && (await find(this.#table, parseTarget(id)))?.state === 'running';
  }

  async #lapse(
    row: LedgerRow | undefined,
    id: string,
  ): Promise<{ result: 'lapsed' | 'gone'; detail?: string } | undefined> {
    const target = await find(this.#table, parseTarget(id));
    if (target === undefined) return { result: 'gone' };
    if (row?.state !== 'active' || row.deadline <= monotonicMs())
      return { result: 'lapsed', detail: 'its time was over' };
    const holder = await this.#holderOf(row);
    if (holder === undefined) return { result: 'lapsed', detail: 'its holder is gone' };
    // It would end nothing once renewal stops.
    if (holder.state === 'stopped') return { result: 'lapsed', detail: 'its holder stands still' };
    const continued = await this.#stillRuns(row);
    return continued ? { result: 'lapsed', detail: 'somebody has continued the process' } : undefined;
  }

  async #holderIsDead(row: LedgerRow): Promise<boolean> {
    return row.holder_pid !== null && (await this.#holderOf(row)) === undefined;
  }

  async #holderOf({ holder_pid: pid, holder_start: start }: LedgerRow): Promise<ProcessInfo | undefined> {
    return pid === null || start === null ? undefined : find(this.#table, { pid, start });
  }

  /** Waits until the holders have let go of these fenced faults; a holder that does not is killed. */
  async #untilLetGo(faults: readonly Fault<Params>[], attempt: Attempt): Promise<void> {
    const until = monotonicMs() + PATIENCE_MS;
    for (;;) {
      if (attempt.remainingMs() <= 0) throw new Error('the attempt is over, and a holder has not let go');
      const rows = this.#ledger.rows(faults).filter((row) => row !== undefined);
      const keeping: LedgerRow[] = [];
      for (const row of rows)
        if (row.holder_pid !== null && !row.undone && !(await this.#holderIsDead(row))) keeping.push(row);
      if (keeping.length === 0) return;
      if (monotonicMs() > until) await this.#killHolders(keeping);
      await sleep(POLL_MS);
    }
  }

  async #killHolders(rows: readonly LedgerRow[]): Promise<void> {
    const holders = new Map(rows.map(({ holder_pid, holder_start }) => [holder_pid ?? 0, holder_start ?? '']));
    await Promise.allSettled([...holders].map(([pid, start]) => signal(this.#table, { pid, start }, 'SIGKILL')));
  }
}
