/**
 * The host's monotonic clock, as all of its processes read it.
 *
 * Owns the two facts that a deadline on this host needs: the time since boot, and of which world that time is.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';

/** Milliseconds on the monotonic clock: the same for every process of one boot, and never set back. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}

/**
 * Names the world in which this process's clock and pids mean something: this boot of this host and, on Linux, this pid
 * namespace. Two hosts, or two containers of one host, never have the same.
 */
export function worldId(): string {
  return (world ??= readWorld());
}

let world: string | undefined;

function readWorld(): string {
  if (process.platform !== 'linux')
    return execFileSync('sysctl', ['-n', 'kern.bootsessionuuid'], { encoding: 'utf8', timeout: 5_000 }).trim();
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return `${boot} ${readlinkSync('/proc/self/ns/pid')}`;
}
