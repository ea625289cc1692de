/**
 * `file/missing`: a file is not where it is looked for. It is moved aside, and moved back.
 *
 * An example to copy: a fault on something that has no compare-and-swap and cannot expire by itself. The ledger lends it
 * the first (`whileActive`), the sweep the second (`expiry: 'none'`).
 */
import { existsSync, renameSync } from 'node:fs';
import type { DriverFactory } from 'squall/driver';
import { faultOf, Ledger } from 'squall/ledger';
import { z } from 'zod';

const KIND = 'file/missing';

const params = z.strictObject({});

/** Where a file is while it is missing. */
const aside = (path: string): string => `${path}.missing`;

export const driver: DriverFactory<z.infer<typeof params>> = ({ installation, stateDir }) => {
  const ledger = new Ledger(stateDir);
  return {
    kind: KIND,
    summary: 'A file is not where it is looked for.',
    params,
    reversal: 'reverted',
    expiry: 'none',
    permissions: [{ needs: 'to rename the files: write access to their folder' }],
    undo: 'the file is moved back',
    check: async () => [],
    async occupied(targets) {
      return ledger.occupied([...targets]);
    },
    async inject(faults, attempt) {
      return faults.map((fault) => {
        const { id, target } = fault;
        if (attempt.signal.aborted || attempt.remainingMs() <= 0)
          return { id, result: 'failed', detail: 'the attempt is over' };
        const [row] = ledger.rows([fault]);
        if (row === undefined && !existsSync(target)) return { id, result: 'gone' };
        // Undo before do: from here on anybody can undo it.
        const [claim] = ledger.claim(KIND, [{ fault, resource: target, undo: { from: aside(target) } }], '');
        if (claim !== 'claimed' && claim !== 'active') return { id, result: claim ?? 'failed' };
        const on = ledger.whileActive(fault, () => {
          if (existsSync(target)) renameSync(target, aside(target));
        });
        return { id, result: on ? 'injected' : 'fenced' };
      });
    },
    async revert(faults) {
      const before = ledger.rows(faults);
      ledger.fence(faults, KIND);
      return faults.map(({ id, target, installation: owner }, i) => {
        if (!before[i]?.claimed || before[i].undone) return { id, result: 'absent' };
        if (existsSync(aside(target))) {
          if (existsSync(target))
            return { id, result: 'failed', detail: `somebody made another; the original is ${aside(target)}` };
          renameSync(aside(target), target);
        }
        ledger.undone([{ installation: owner, id }]);
        return { id, result: 'reverted' };
      });
    },
    async verify(faults) {
      return ledger
        .rows(faults)
        .map((row) =>
          row?.claimed && (row.state === 'active' || existsSync(aside(row.target))) ? 'active' : 'absent',
        );
    },
    async *leftovers() {
      for (const { row, expired } of ledger.leftovers(installation, KIND))
        yield { fault: faultOf<z.infer<typeof params>>(row), expired };
    },
  };
};
