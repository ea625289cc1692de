/**
 * A worker's memory after garbage collection, on request.
 *
 * Preloaded into a worker process (`node --expose-gc --import …`) that the bench started with an IPC channel. Collects in
 * every thread, since workflows live in threads of their own, and answers with what is left. Must never keep the process alive.
 */
import { isMainThread } from 'node:worker_threads';

/** Time for every thread to collect, in milliseconds. */
const COLLECT_MS = 500;

// The collection after which V8 gives the pages it does not use back to the system.
const collect = (): void => globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
const threads = new BroadcastChannel('squall-bench-collect');
threads.onmessage = collect;

(threads as unknown as { unref(): void }).unref();

if (isMainThread) {
  process.on('message', () => {
    threads.postMessage('collect');
    collect();
    setTimeout(() => process.send?.(process.memoryUsage()), COLLECT_MS);
  });
  process.channel?.unref();
}
