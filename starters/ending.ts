/**
 * The end of a process.
 *
 * Owns how a command ends once it has said everything: by itself where it can, since `process.exit` may wait for ever for
 * a thread of V8's that waits for a collection on this one; and soon, whatever is still being tried on a closed connection.
 */
import { EXIT } from './exit.ts';

/** How long a process may take to end by itself, in milliseconds. */
const LINGER_MS = 1_000;

/** Lets this process end, with the exit code that is set. */
export function endProcess(): void {
  process.on('uncaughtException', (error) => {
    // The client's own retry, on the channel that was closed. Anything else was foreseen by nobody.
    if (error.message === 'Channel has been shut down') return;
    process.stderr.write(`${error.stack ?? error.message}\n`);
    process.exit(EXIT.unforeseen);
  });
  setTimeout(() => process.exit(), LINGER_MS).unref();
}
