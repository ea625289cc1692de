/**
 * The host's monotonic clock, as all of its processes read it.
 *
 * Owns the two facts that a deadline on this host needs: the time since boot, and which boot it was.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Milliseconds on the monotonic clock: the same for every process of one boot, and never set back. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}

/** Names this boot of this host. */
export function bootId(): string {
  if (process.platform === 'linux') return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return execFileSync('sysctl', ['-n', 'kern.boottime'], { encoding: 'utf8', timeout: 5_000 }).trim();
}
