/**
 * The fault program, built from deploy/fault, and why this machine cannot.
 *
 * Owns what is needed to build and to run it here. Builds into a folder of its own, so that test files side by side do not meet.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..', '..');
/** Where its source is. */
export const SOURCE = join(ROOT, 'deploy', 'fault');
/** Built already, where tests run on a machine without Go: see `kernel.test.ts`. */
const GIVEN = process.env['SQUALL_FAULT_PROGRAM'];
/** This kernel is known to have netem: see `kernel.test.ts`. */
export const WITH_NETEM = process.env['SQUALL_FAULT_NETEM'] === '1';
/** As the image is built. */
export const BUILD = ['build', '-mod=readonly', '-trimpath', '-ldflags=-s -w'];
const OLDEST_MINOR = 24;

const HOW = 'run .ci/run, or see deploy/fault/README.md';

/** Why Go cannot build it here; false where it can. */
export const WITHOUT_GO =
  GIVEN !== undefined || hasGo() ? false : `needs Go 1.${OLDEST_MINOR} or newer on PATH: ${HOW}`;

/** Why there are no network namespaces to put a fault on; false where there are. */
export const WITHOUT_NAMESPACES =
  WITHOUT_GO === false && process.getuid?.() === 0 && hasTools()
    ? false
    : `needs root on Linux, Go, iproute2, nftables and util-linux: ${HOW}`;

function hasGo(): boolean {
  const { status, stdout } = spawnSync('go', ['env', 'GOVERSION'], {
    encoding: 'utf8',
    env: { ...process.env, GOTOOLCHAIN: 'local' },
  });
  const minor = /^go1\.(\d+)/.exec(stdout ?? '')?.[1];
  return status === 0 && minor !== undefined && Number(minor) >= OLDEST_MINOR;
}

function hasTools(): boolean {
  return ['ip', 'tc', 'nft', 'nsenter', 'setpriv'].every((tool) => spawnSync(tool, ['--version']).error === undefined);
}

/** Runs Go where the source is. */
export function go(args: readonly string[], env: Readonly<Record<string, string>> = {}): string {
  const { status, stdout, stderr } = spawnSync('go', args, {
    cwd: SOURCE,
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  assert.equal(status, 0, `${stdout ?? ''}${stderr ?? ''}`);
  return stdout;
}

/** The program, and how to be rid of it. */
export interface Built {
  readonly path: string;
  readonly remove: () => Promise<void>;
}

/** Builds it. */
export function build(): Built {
  if (GIVEN !== undefined) return { path: GIVEN, remove: async () => undefined };
  const folder = mkdtempSync(join(tmpdir(), 'squall-fault-'));
  const path = join(folder, 'fault');
  go([...BUILD, '-o', path, '.'], { CGO_ENABLED: '0' });
  return { path, remove: async () => await rm(folder, { recursive: true }) };
}
