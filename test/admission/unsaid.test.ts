/** A control worker that does not say what is required of every run admits none, and says so when it starts. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { eventsOf, squall } from '../cli/squall.ts';
import { documentOf, Installation } from '../cli/installation.ts';

describe('a squall.yaml without admission', () => {
  let installation: Installation<'none'>;
  before(async () => {
    installation = await Installation.open(['none'], { unsaid: true });
  });
  after(() => installation.close());

  it('refuses every run, and nothing is touched', async () => {
    const { env, folder } = installation;
    await installation.about('none', '1s', async (file, victims) => {
      const { code, out } = await squall(['--json', 'run', file], env);
      assert.equal(code, 3, out);
      const reason = String(eventsOf(out).at(-1)?.['reason']);
      assert.match(
        reason,
        /^no-incidents: the control worker's squall\.yaml does not say what is asked; expected admission:/,
      );
      assert.equal(victims.firstStoppedMs, undefined);
    });
    assert.match(
      await readFile(join(folder, 'control.log'), 'utf8'),
      /admission: is not in squall\.yaml: every run is refused/,
    );
  });

  it('and so says its plan', async () => {
    const file = join(installation.folder, 'planned.yaml');
    await writeFile(file, documentOf('none', '1s'));
    const { code, out } = await squall(['plan', file], installation.env);
    assert.notEqual(code, 0, out);
    assert.match(out, /no-incidents.*does not say what is asked/);
  });
});
