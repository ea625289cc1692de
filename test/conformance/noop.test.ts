import { DatabaseSync } from 'node:sqlite';
import { conformance } from '../../activities/faults/conformance.ts';
import { ledgerFile } from '../../activities/faults/ledger-file.ts';

conformance('noop/noop', async () => {
  let count = 0;
  return {
    driver: new URL('../../activities/faults/noop/noop.ts', import.meta.url),
    params: {},
    async target({ stateDir }) {
      const id = `n${++count}`;
      return {
        id,
        // The slot is the fault: looked at in the file itself, on the kernel's clock.
        async harmed() {
          const ledger = new DatabaseSync(ledgerFile(stateDir), { readOnly: true });
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
