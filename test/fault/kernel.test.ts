/** The faults on a kernel that has netem, and nft's own queue expression: the same tests as here, in an emulated machine with Debian's kernel. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { inKernel, WITHOUT_KERNEL } from './kernel.ts';
import { build, WITHOUT_NAMESPACES } from './program.ts';

/** All that real traffic shows, and the end that is different with netem. */
const PATTERN = 'a fault on real traffic|comes for what is late';
const FILES = 'test/fault/harm.test.ts test/fault/expiry.test.ts';

describe('a kernel with netem', { skip: WITHOUT_NAMESPACES === false ? WITHOUT_KERNEL : WITHOUT_NAMESPACES }, () => {
  it('does the same to real traffic, and ends it the same', async () => {
    const program = build();
    const folder = await mkdtemp(join(tmpdir(), 'squall-kernel-'));
    const node = 'node --disable-warning=ExperimentalWarning --test --test-concurrency=1';
    const printed = inKernel(folder, program.path, `${node} --test-name-pattern='${PATTERN}' ${FILES}`);
    await rm(folder, { recursive: true });
    await program.remove();
    assert.match(printed, /^ended with 0\r?$/m, printed);
    assert.ok(Number(/^ℹ pass (\d+)/m.exec(printed)?.[1]) >= 14, printed);
    assert.match(printed, /^ℹ skipped 0\r?$/m, printed);
  });
});
