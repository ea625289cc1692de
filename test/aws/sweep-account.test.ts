/** Which account a sweep has looked at: with the credentials of another one it finds nothing, and says so of both. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { accountOf } from '../../activities/aws/account.ts';
import { eventsOf, squall } from '../cli/squall.ts';
import { Account } from './account.ts';
import { whyNoMoto } from './moto.ts';
import { refusal } from './shim.ts';

const SKIP = await whyNoMoto();
/** Moto's. */
const ID = '123456789012';

it('a site without an account has none', async () => {
  for (const section of [undefined, null, {}, { regions: [] }, 'eu-west-1'])
    assert.equal(await accountOf(section), undefined);
});

void describe('the account of a sweep', { skip: SKIP, concurrency: 1 }, () => {
  let account: Account;
  let folder: string;
  before(async () => {
    account = await Account.open({ requestTimeout: 5_000 });
    folder = await mkdtemp(join(tmpdir(), 'squall-account-'));
  });
  after(async () => {
    await account.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function sweep(...args: readonly string[]): Promise<{ code: number | null; out: string }> {
    const file = join(folder, 'squall.yaml');
    const aws = JSON.stringify({ ...account.settings, requestTimeout: '5s' });
    await writeFile(file, `state: state\nsites: { here: { noop: {} }, prod: { aws: ${aws} } }\n`);
    return squall([...args, 'sweep', '--config', file]);
  }

  it('is told, with its regions, to people and to programs', async () => {
    const { code, out } = await sweep();
    assert.equal(code, 0, out);
    assert.deepEqual(out.trimEnd().split('\n'), [
      'here: 0 faults found, 0 ended, 0 not confirmed',
      'prod: 0 faults found, 0 ended, 0 not confirmed',
      `  looked in account ${ID}: ${account.region}`,
    ]);
    const said = await sweep('--json');
    const [here, prod, ...more] = eventsOf(said.out);
    assert.deepEqual([said.code, more], [0, []]);
    assert.deepEqual([here?.['site'], here && 'aws' in here], ['here', false]);
    assert.deepEqual([prod?.['site'], prod?.['aws']], ['prod', { account: ID, regions: [account.region] }]);
  });

  it('is unknown where STS refuses, which keeps nobody from sweeping', async () => {
    const leave = account.shim.before('sts:GetCallerIdentity', (call) =>
      refusal(call, 'ExpiredToken', 'It is over', 403),
    );
    const { code, out } = await sweep();
    leave();
    assert.equal(code, 0, out);
    assert.match(
      out,
      /^prod: 0 faults found.*\n {2}looked in an account that nobody could tell \(ExpiredToken: It is over\): eu-west-1$/m,
    );
  });

  it('is unknown where STS does not answer in time', async () => {
    const leave = account.shim.before('sts:GetCallerIdentity', () => new Promise(() => undefined));
    const beganMs = performance.now();
    const found = await accountOf({ ...account.settings, requestTimeout: 500 });
    leave();
    assert.ok(performance.now() - beganMs < 9_000);
    assert.deepEqual([found?.account, found?.regions], [null, [account.region]]);
    assert.match(found?.why ?? '', /\S/);
  });
});
