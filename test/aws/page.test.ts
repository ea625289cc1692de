/** What people read about the faults of an account: each is there, with all of its parameters, and with how it ends. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { openDrivers } from '../../activities/faults/registry.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const [page, readme] = ['docs/aws.md', 'README.md'].map((file) => readFileSync(join(ROOT, file), 'utf8'));

/** The cells of the row that begins with a fault, of a page's table. */
function rowOf(text: string | undefined, kind: string): string[] {
  const line = text?.split('\n').find((one) => one.startsWith(`| \`${kind}\` |`));
  return line?.split(' | ').map((cell) => cell.replaceAll(/^\| | \|$/g, '')) ?? [];
}

describe('the pages about faults of an account', async () => {
  const site = { name: 'aws', installation: 'squall', stateDir: '/nowhere', settings: {} };
  const drivers = [...(await openDrivers(site)).values()].filter(({ kind }) => kind.startsWith('aws/'));
  for (const { kind, params, reversal, expiry } of drivers)
    it(`${kind} is there, with its parameters, and with how it ends`, () => {
      const [, named = '', , , ends = ''] = rowOf(page, kind);
      const { properties = {} } = z.toJSONSchema(params, { io: 'input', unrepresentable: 'any' });
      assert.deepEqual(
        Object.keys(properties).filter((name) => !named.includes(`\`${name}\``)),
        [],
        'parameters that docs/aws.md does not name',
      );
      const [, how, , itself = ''] = rowOf(readme, kind);
      assert.equal(how, reversal);
      const endsItself = expiry === 'renewed';
      assert.equal(/time-to-live after the last renewal|the same/.test(ends), endsItself, `docs/aws.md: ${ends}`);
      assert.equal(itself.startsWith('one time-to-live after its last renewal'), endsItself, `README.md: ${itself}`);
    });
});
