/**
 * Levers of one's own: a file or a probe that stops everything, beside `squall stop`.
 *
 * Owns how each is read. One that cannot be read is neither up nor down: whoever asks must not go on.
 */
import { stat } from 'node:fs/promises';
import { isCode } from '../journal/replace.ts';
import type { OpenProbe } from '../probes/registry.ts';

/** A lever that somebody else pulls. */
export interface Lever {
  /** What it is, in words. */
  readonly name: string;
  /** Rejects where it cannot be read. */
  pulled(signal: AbortSignal): Promise<boolean>;
}

/** Pulled while there is anything at `path`. */
export function fileLever(path: string): Lever {
  return {
    name: `the file ${path}`,
    pulled: () =>
      stat(path).then(
        () => true,
        (error: unknown) => {
          if (isCode(error, 'ENOENT')) return false;
          throw error;
        },
      ),
  };
}

/** Pulled while `probe` reads anything but 0. */
export function probeLever({ name, probe, timeoutMs }: OpenProbe): Lever {
  return {
    name: `the probe ${name}`,
    async pulled(signal) {
      const reading = await probe.read(AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]));
      if (!reading.ok) throw new Error(reading.why);
      return reading.value !== 0;
    },
  };
}
