/** An experiment that is right, for tests that make it wrong; and the catalogue it is right for. */
import { fileURLToPath } from 'node:url';
import { parseFile } from '../../documents/file.ts';
import type { Catalogue } from '../../documents/experiment.ts';
import { formatProblem } from '../../documents/problem.ts';
import { catalogueOf } from '../../workers/catalogue.ts';
import { defaultConfig } from '../../workers/config.ts';

/** What this repository's drivers accept. */
export const catalogue: Catalogue = await catalogueOf({ ...defaultConfig(), state: fileURLToPath(import.meta.url) });

/** Uses every key there is. */
export const VALID = `experiment: slow-payments
hypothesis: Checkout stays under 800 ms while payments stutters
steadyState:
  business:
    - { probe: orders, within: 10% of baseline }
  system:
    - { probe: error-rate, max: 1% }
    - { probe: latency-p99, min: 1ms, max: 500ms }
  dependencies:
    - { probe: connections, between: [10, 100] }
fault: host/stutter
with: { stop: 100ms, run: 50ms, jitter: 20ms }
targets: { site: local, group: payments, names: [one, two] }
blastRadius: { stages: [1%, 5%, 3], hold: 5m, max: 20, seed: monday }
stopConditions:
  - { probe: error-rate, above: 5%, for: 1m, abort: immediate }
  - { probe: latency-p99, outside: [1ms, 2s], for: 2m, abort: graceful }
  - { probe: complaints, count: 10, within: 10m, abort: communicate }
  - { probe: orders, dropsBy: 10% }
recoverWithin: 2m
sampleEvery: 500ms
timeToLive: 30s
`;

/** What is wrong with a document, one line each, without the frame; empty when nothing is. */
export function complaints(text: string | Uint8Array): string[] {
  const parsed = parseFile(text, 'it.yaml', catalogue);
  if (parsed.ok) return [];
  return parsed.problems.map((problem) => formatProblem(problem).split('\n')[0]?.replace('it.yaml:', '') ?? '');
}
