import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { conformance } from '../../activities/faults/conformance.ts';
import type { DriverFactory, Site } from '../../activities/faults/driver.ts';
import { ledgerFile } from '../../activities/faults/ledger.ts';
import { driver } from '../../activities/faults/noop/noop.ts';

conformance('noop/noop', async () => {
  let site: Site | undefined;
  let count = 0;
  const spied: DriverFactory<Record<string, never>> = (given) => driver((site = given));
  return {
    driver: spied,
    params: {},
    async target() {
      const id = `n${++count}`;
      return {
        id,
        // The slot is the fault: looked at in the file itself, on the kernel's clock.
        async harmed() {
          const file = ledgerFile(site?.stateDir ?? assert.fail('no site'));
          const ledger = new DatabaseSync(file, { readOnly: true });
          try {
            const rows = ledger
              .prepare("SELECT deadline FROM faults WHERE target = ? AND state = 'active'")
              .all(id) as { deadline: number }[];
            return rows.some(({ deadline }) => deadline > Number(process.hrtime.bigint() / 1_000_000n));
          } finally {
            ledger.close();
          }
        },
      };
    },
  };
});
