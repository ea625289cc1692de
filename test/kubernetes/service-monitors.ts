/**
 * What the Prometheus operator brings to a cluster: the definition of a ServiceMonitor, out of the operator's own Go module.
 *
 * Owns which version, and its hash.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { z } from 'zod';

const MODULE = 'github.com/prometheus-operator/prometheus-operator@v0.83.0';
const SUM = 'h1:qAKbm+45fqNGcn9sGTa1Ae2TM3KZuYA/uyoD2QKi9+o=';
const downloadedSchema = z.object({ Dir: z.string(), Sum: z.string() });

/** The file to be applied. Throws where the module cannot be had, or is another. */
export function serviceMonitors(): string {
  const said = execFileSync('go', ['mod', 'download', '-json', MODULE], { encoding: 'utf8', timeout: 120_000 });
  const { Dir, Sum } = downloadedSchema.parse(JSON.parse(said));
  assert.equal(Sum, SUM);
  return join(Dir, 'example', 'prometheus-operator-crd', 'monitoring.coreos.com_servicemonitors.yaml');
}
