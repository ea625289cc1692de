/**
 * `file/missing`: a file is not where it is looked for. It is moved aside, and moved back.
 *
 * An example to copy: a fault on something that has no compare-and-swap, cannot expire by itself, and outlives a reboot.
 * The ledger lends it the first (`whileActive`), the sweep the second (`expiry: 'none'`). A ledger ends with its boot, so
 * the mark of the third is on the target: the name under which the file is aside. So the workers of one installation that
 * see the same files must share one state folder on one host: what is in nobody's ledger is left over.
 */
import { existsSync, globSync, renameSync } from 'node:fs';
import { isOver } from 'squall/driver';
import type { DriverFactory } from 'squall/driver';
import { faultOf, Ledger } from 'squall/ledger';
import { z } from 'zod';
import { settings } from './files.ts';

const KIND = 'file/missing';

const params = z.strictObject({});

/** What nobody knows any more of a fault of an earlier boot, and reverting does not need. */
const EARLIER = { run: '', params: {}, ttlMs: 0, notAfterMs: 0 };

const self = (target: string): string => target;

export const driver: DriverFactory<z.infer<typeof params>> = ({ installation, stateDir, settings: { file } }) => {
  const ledger = new Ledger(stateDir);
  /** The name of a missing file, which is our mark on it. */
  const aside = (path: string): string => `${path}.missing-${installation}`;
  /** Whether a file is aside, and no fault that has its time holds it there. */
  const isLeft = (path: string): boolean => existsSync(aside(path)) && ledger.occupied([path], self).size === 0;

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
      const left = targets.filter(isLeft).map((target): [string, string] => [target, aside(target)]);
      return new Map([...ledger.occupied(targets, self), ...left]);
    },
    async inject(faults, attempt) {
      return faults.map((fault) => {
        const { id, target } = fault;
        if (isOver(attempt)) return { id, result: 'failed', detail: 'the attempt is over' };
        const [row] = ledger.rows([fault]);
        if (row === undefined && isLeft(target)) return { id, result: 'occupied', detail: `there is ${aside(target)}` };
        if (row === undefined && !existsSync(target)) return { id, result: 'gone' };
        // Undo before do: from here on anybody can undo it.
        const [claim] = ledger.claim(KIND, [{ fault, resource: target, undo: { from: aside(target) } }]);
        if (claim !== 'claimed' && claim !== 'active') return { id, result: claim ?? 'failed' };
        const on = ledger.whileActive(fault, () => {
          // What is aside is the original, whatever has been put in its place.
          if (existsSync(target) && !existsSync(aside(target))) renameSync(target, aside(target));
        });
        return { id, result: on ? 'injected' : 'fenced' };
      });
    },
    async renew(faults) {
      const renewed = ledger.renew(faults);
      // It may be back by other hands.
      return faults.map(({ id, target }, i) => ({
        id,
        result: renewed[i] && existsSync(aside(target)) ? 'renewed' : 'lapsed',
      }));
    },
    async revert(faults) {
      ledger.fence(faults, KIND);
      return faults.map(({ id, target, installation: owner }) => {
        const left = isLeft(target);
        if (left && existsSync(target))
          return { id, result: 'failed', detail: `somebody made another; the original is ${aside(target)}` };
        if (left) renameSync(aside(target), target);
        ledger.undone([{ installation: owner, id }]);
        return { id, result: left ? 'reverted' : 'absent' };
      });
    },
    async verify(faults) {
      const rows = ledger.rows(faults);
      return faults.map(({ target }, i) => (rows[i]?.state === 'active' || isLeft(target) ? 'active' : 'absent'));
    },
    async *leftovers() {
      const written = ledger.leftovers(installation, KIND);
      for (const { row, expired } of written) yield { fault: faultOf<z.infer<typeof params>>(row), expired };
      const known = new Set(written.map(({ row }) => row.target));
      // What an earlier boot has left.
      const suffix = aside('');
      const { pattern } = settings.safeParse(file).data ?? {};
      for (const found of pattern === undefined ? [] : globSync(pattern + suffix)) {
        const target = found.slice(0, -suffix.length);
        if (known.has(target) || !isLeft(target)) continue;
        yield { fault: { ...EARLIER, id: `earlier-boot/${target}`, installation, target }, expired: true };
      }
    },
  };
};
