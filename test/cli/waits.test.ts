/** A run that may wait, while another's fault is on the very processes that it is about. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { until } from '../until.ts';
import { Installation, nameOf, underway } from './installation.ts';
import { eventsOf, squall, start } from './squall.ts';

describe('a run that may wait', () => {
  let installation: Installation<'both'>;
  before(async () => {
    installation = await Installation.open(['both']);
  });
  after(() => installation.close());

  it('says what for, touches nothing meanwhile, and goes on once the other is over', () =>
    installation.about('both', '10m', async (file, victims) => {
      const { env } = installation;
      const first = start(['run', file], env);
      await underway(victims);
      const waits = join(installation.folder, 'waits.yaml');
      await writeFile(waits, (await readFile(file, 'utf8')).replace('hold: 10m', 'hold: 6s, wait: 10m'));
      const second = start(['run', waits], env);
      await until(() => / pre-flight|: The level/.test(second.out()));
      const run = nameOf(second);
      const expected = `1 of 3 candidates are under another fault`;
      let out = '';
      await until(async () => {
        ({ out } = await squall(['status', run], env));
        return out.includes(expected);
      });
      assert.match(out, new RegExp(`^waits: ${expected}: \\S+ by ${nameOf(first)}/`, 'm'));
      const [status] = eventsOf((await squall(['status', run, '--json'], env)).out);
      assert.ok(String(status?.['waits']).startsWith(expected), JSON.stringify(status));
      assert.equal(victims.stopped().length, 1);
      assert.equal((await squall(['abort', nameOf(first), '--reason', 'enough'], env)).code, 0);
      const { code, out: told } = await second.ended;
      assert.equal(code, 0, told);
      const over = (await squall(['status', run, '--json'], env)).out;
      assert.equal(eventsOf(over)[0]?.['waits'], null);
    }));
});
