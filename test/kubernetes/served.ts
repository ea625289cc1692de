/**
 * The client of a cluster that is no cluster: a server of the test's own, which answers as no good one would.
 *
 * Owns the server's life and the kubeconfig that leads to it.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import type { Http2SecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Attempt } from '../../activities/faults/driver.ts';
import { kubernetesApi } from '../../activities/kubernetes/api.ts';
import type { KubernetesApi } from '../../activities/kubernetes/api.ts';
import { kubernetesSettings } from '../../activities/targets/kubernetes-settings.ts';

/** Runs `work` with the API of `server`. */
export async function served(
  server: Server | Http2SecureServer,
  work: (api: KubernetesApi) => Promise<void>,
): Promise<void> {
  await using undo = new AsyncDisposableStack();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  undo.defer(async () => {
    if ('closeAllConnections' in server) server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const folder = await mkdtemp(join(tmpdir(), 'squall-api-'));
  undo.defer(() => rm(folder, { recursive: true }));
  const kubeconfig = join(folder, 'config');
  const { port } = server.address() as AddressInfo;
  await writeFile(
    kubeconfig,
    JSON.stringify({
      'current-context': 'lab',
      clusters: [
        {
          name: 'lab',
          cluster: {
            server: `${'closeAllConnections' in server ? 'http' : 'https'}://127.0.0.1:${port}`,
            'insecure-skip-tls-verify': true,
          },
        },
      ],
      contexts: [{ name: 'lab', context: { cluster: 'lab', user: 'lab' } }],
      users: [{ name: 'lab', user: { token: 'secret' } }],
    }),
  );
  await work(kubernetesApi(kubernetesSettings.parse({ kubeconfig })));
}

/** An attempt that is over after `ms`. */
export function within(ms: number): Attempt {
  const endsAtMs = performance.now() + ms;
  return { signal: AbortSignal.timeout(ms), remainingMs: () => endsAtMs - performance.now() };
}
