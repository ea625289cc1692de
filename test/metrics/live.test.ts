/** What dashboards see of a run while it holds, from real workers: also after a worker's restart, and nothing after its end. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { Lane } from '../../bench/torture/lane.ts';
import { Victims } from '../../bench/torture/victims.ts';
import { squall, start } from '../cli/squall.ts';
import { until } from '../until.ts';

const DOCUMENT = `experiment: seen
hypothesis: The error rate stays low
steadyState:
  - { probe: error-rate, max: 50% }
fault: host/pause
targets: { site: torture, group: seen }
blastRadius: { stages: [1], hold: 60s }
stopConditions:
  - { probe: error-rate, above: 90%, for: 5s, abort: immediate }
recoverWithin: 5s
sampleEvery: 200ms
`;

it('gauges of a run that holds, from the workers that know', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'squall-metrics-'));
  const lane = new Lane(folder, 'metrics', { groups: ['seen'] });
  const victims = await Victims.start(join(folder, 'victims'), 'seen', 2);
  try {
    await lane.up();
    const env = { TEMPORAL_ADDRESS: lane.address, SQUALL_CONFIG: lane.config };
    const file = join(folder, 'seen.yaml');
    await writeFile(file, DOCUMENT);
    const run = start(['run', file], env);
    const leases = (value: string) => async (): Promise<boolean> =>
      (await lane.metrics('control')).includes(`chaos_leases_held{experiment_type="host/pause"} ${value}`);
    const errors = (value: string) => async (): Promise<boolean> =>
      (await lane.metrics('site')).includes(`chaos_impact_error_rate{experiment_type="host/pause"} ${value}`);
    await until(leases('1'));
    await until(errors('0'));
    lane.level = 0.25;
    await until(errors('0.25'));
    await lane.kill('control');
    await lane.start('control');
    await until(leases('1'));
    lane.level = 0;
    const name = /^(\S+):/.exec(run.out())?.[1] ?? assert.fail(run.out());
    await squall(['abort', name], env);
    await run.ended;
    for (const part of ['control', 'site'] as const)
      assert.doesNotMatch(
        await lane.metrics(part),
        /^chaos_(leases_held|blast_radius|impact_error|impact_avail)\w*\{/m,
      );
  } finally {
    await lane.down();
    await victims.end();
    await rm(folder, { recursive: true, force: true });
  }
});
