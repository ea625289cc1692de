/**
 * `noop/noop`: a fault that does nothing, and does it by every rule. The example to copy.
 *
 * Owns nothing but its slots in the ledger: there is no target to touch, so the slot is the fault.
 */
import { z } from 'zod';
import type { TargetId } from '../../../domain/fault.ts';
import { monotonicMs } from '../clock.ts';
import { isOver } from '../driver.ts';
import type { DriverFactory } from '../driver.ts';
import { faultOf, Ledger } from '../ledger.ts';

const KIND = 'noop/noop';

const slotOf = (target: TargetId): string => `noop/${target}`;

export const driver: DriverFactory<Record<string, never>> = ({ installation, stateDir }) => {
  const ledger = new Ledger(stateDir);
  return {
    kind: KIND,
    summary: 'Does nothing, by every rule: for trying Squall out, and the example of how a fault is written.',
    params: z.strictObject({}),
    reversal: 'reverted',
    expiry: 'renewed',
    permissions: [],
    undo: 'the slot in the ledger is replaced by a tombstone',
    check: async () => [],
    async occupied(targets) {
      return ledger.occupied(targets, slotOf);
    },
    async inject(faults, attempt) {
      if (isOver(attempt)) return faults.map(({ id }) => ({ id, result: 'failed', detail: 'the attempt is over' }));
      const claimed = ledger.claim(
        KIND,
        faults.map((fault) => ({ fault, resource: slotOf(fault.target), undo: {} })),
      );
      return faults.map(({ id }, i) => {
        const claim = claimed[i];
        return { id, result: claim === 'claimed' || claim === 'active' ? 'injected' : (claim ?? 'failed') };
      });
    },
    async renew(faults) {
      const renewed = ledger.renew(faults);
      return faults.map(({ id }, i) => ({ id, result: renewed[i] ? 'renewed' : 'lapsed' }));
    },
    async revert(faults) {
      const rows = ledger.rows(faults);
      ledger.fence(faults, KIND);
      ledger.undone(faults);
      return faults.map(({ id }, i) => ({ id, result: rows[i]?.state === 'active' ? 'reverted' : 'absent' }));
    },
    async verify(faults) {
      return ledger
        .rows(faults)
        .map((row) => (row?.state === 'active' && row.deadline > monotonicMs() ? 'active' : 'absent'));
    },
    async *leftovers() {
      for (const { row, expired } of ledger.leftovers(installation, KIND)) {
        yield { fault: { ...faultOf(row), params: {} }, expired };
      }
    },
  };
};
