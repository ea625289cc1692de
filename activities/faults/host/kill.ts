/**
 * `host/kill`: a process is killed, and its supervisor is to start it again.
 *
 * Heals by itself, and is verified healed: the member's pid file names another live process, or, where the group is
 * matched by command line, it has as many processes as before. Nothing is held, so nothing expires.
 */
import { z } from 'zod';
import type { Fault, InjectResult, Outcome, Verification } from '../../../domain/fault.ts';
import { usableGroups } from '../../targets/host-settings.ts';
import type { HostGroup } from '../../targets/host-settings.ts';
import { membersOf } from '../../targets/host.ts';
import { monotonicMs } from '../clock.ts';
import { isOver } from '../driver.ts';
import type { DriverFactory } from '../driver.ts';
import { faultOf, Ledger } from '../ledger.ts';
import type { LedgerRow } from '../ledger.ts';
import { find, processTable, send } from './process-table.ts';
import type { ProcessTable } from './process-table.ts';
import { parseTarget, resourceOf } from './target.ts';

const KIND = 'host/kill';
const OVER = { result: 'failed', detail: 'the attempt is over' } as const;
/** How old a look at a process may be when it is signalled, in milliseconds: its pid must not have been used again. */
const LOOK_MS = 100;
const LATE = new Error('the look at the process is too old');
/** How long a process may take to end after a SIGTERM that nobody took note of, in milliseconds. */
const ENDING_MS = 10_000;

const params = z.strictObject({
  signal: z.enum(['SIGKILL', 'SIGTERM']).default('SIGKILL').describe('SIGTERM lets the process end in its own way.'),
});

type Groups = Readonly<Record<string, HostGroup>>;

const undoSchema = z.object({ groupSize: z.number().int().min(0) });

export const driver: DriverFactory<z.infer<typeof params>> = (site) => {
  const ledger = new Ledger(site.stateDir);
  const table = processTable();
  // A section that is wrong has no targets, which its provider sees to; it keeps no sweep from verifying what it can.
  const groups = usableGroups(site.settings['host']);

  return {
    kind: KIND,
    summary: 'A process is killed; its supervisor is to start it again, which is verified.',
    params,
    reversal: 'heals',
    expiry: 'none',
    permissions: [{ needs: 'to signal the target processes: the same user, or root' }],
    undo: 'nothing is undone: the supervisor starts the process again, and Squall verifies that it did',
    check: async () => [],
    async occupied(targets) {
      return ledger.occupied(targets, resourceOf);
    },
    async inject(faults, attempt) {
      const sizes = await groupSizes(faults, groups, table);
      return Promise.all(
        faults.map(async (fault): Promise<Outcome<InjectResult>> => {
          const { id } = fault;
          const target = parseTarget(fault.target);
          const [row] = ledger.rows([fault]);
          if (row === undefined && (await find(table, target)) === undefined) return { id, result: 'gone' };
          if (isOver(attempt)) return { id, ...OVER };
          const undo = { groupSize: sizes.get(target.group) ?? 1 };
          const [claim] = ledger.claim(KIND, [{ fault, resource: resourceOf(fault.target), undo }]);
          if (claim !== 'claimed' && claim !== 'active') return { id, result: claim ?? 'failed' };
          for (;;) {
            // The identity holds the start time: what the supervisor starts is never killed for the same fault.
            const found = await find(table, target);
            const foundAtMs = monotonicMs();
            if (isOver(attempt)) return { id, ...OVER };
            try {
              const on = ledger.whileActive(fault, () => {
                // The ledger was busy: this pid may be another process by now.
                if (monotonicMs() - foundAtMs > LOOK_MS) throw LATE;
                // One that has died counts as killed: its role is to be filled again all the same.
                if (found) send(found.pid, fault.params.signal);
              });
              return { id, result: on ? 'injected' : 'fenced' };
            } catch (error) {
              if (error === LATE) continue;
              return { id, result: 'failed', detail: error instanceof Error ? error.message : String(error) };
            }
          }
        }),
      );
    },
    async revert(faults) {
      const rows = ledger.rows(faults);
      ledger.fence(faults, KIND);
      ledger.undone(faults);
      return faults.map(({ id }, i) => ({ id, result: rows[i]?.state === 'active' ? 'reverted' : 'absent' }));
    },
    async verify(faults) {
      return Promise.all(
        ledger
          .rows(faults)
          .map(async (row) => (row?.claimed ? healed(row, groups, table).catch(() => 'unknown' as const) : 'absent')),
      );
    },
    async *leftovers() {
      for (const { row, expired } of ledger.leftovers(site.installation, KIND)) {
        yield { fault: faultOf<z.infer<typeof params>>(row), expired };
      }
    },
  };
};

/**
 * Whether the harm of a fault that was claimed is over. The signal and its note (`applied`) are one transaction, which a
 * fence precedes or follows; only an attempt that died in the middle of it has sent a signal that is not noted.
 *
 * | original | written             | answer                                                                              |
 * | -------- | ------------------- | ----------------------------------------------------------------------------------- |
 * | alive    | applied             | active: the signal is on its way, or ignored                                        |
 * | alive    | not applied, active | active: an attempt may still send it                                                |
 * | alive    | not applied, fenced | SIGKILL: absent, since it was not sent. SIGTERM: unknown for ten seconds, for it may be ending in its own way; then absent |
 * | gone     | anything            | absent once its role is filled again, active until then: whoever killed it          |
 */
async function healed(row: LedgerRow, groups: Groups, table: ProcessTable): Promise<Verification> {
  const target = parseTarget(row.target);
  if (await find(table, target)) {
    if (row.applied || row.state === 'active') return 'active';
    const endsAtMs = Math.min(row.deadline, row.deadline - row.ttl_ms + ENDING_MS);
    const mayBeEnding = params.safeParse(row.params).data?.signal !== 'SIGKILL' && endsAtMs > monotonicMs();
    return mayBeEnding ? 'unknown' : 'absent';
  }
  const how = groups[target.group];
  if (how === undefined) return 'unknown';
  const { members } = await membersOf(how, table);
  if ('command' in how) return members.length >= undoSchema.parse(row.undo).groupSize ? 'absent' : 'active';
  return members.some(({ member }) => member === target.member) ? 'absent' : 'active';
}

async function groupSizes(
  faults: readonly Fault<unknown>[],
  groups: Groups,
  table: ProcessTable,
): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  for (const group of new Set(faults.map(({ target }) => parseTarget(target).group))) {
    const how = groups[group];
    if (how) sizes.set(group, (await membersOf(how, table)).members.length);
  }
  return sizes;
}
