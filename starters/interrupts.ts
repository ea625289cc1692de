/**
 * Interrupts: the signals that say that nobody wants this any more.
 *
 * Owns which they are: Ctrl-C, a job that is cancelled, a terminal that is closed; the last only where whoever started
 * this has not said that it does not count (`nohup`).
 */
import { readFileSync } from 'node:fs';

/** The signals to heed here. */
export function interrupts(): readonly NodeJS.Signals[] {
  return ignoresHangUp() ? ['SIGINT', 'SIGTERM'] : ['SIGINT', 'SIGTERM', 'SIGHUP'];
}

/** On Linux the first bit of the mask is SIGHUP's (proc(5)); elsewhere it cannot be told, and a hang-up counts. */
function ignoresHangUp(): boolean {
  try {
    const [, mask = '0'] = /^SigIgn:\s+([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
    return (BigInt(`0x${mask}`) & 1n) === 1n;
  } catch {
    return false;
  }
}
