/** The commands behind the published figures: a small sample of each, on this machine. Figures are not judged, leaks are. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { whyNoFaultImage } from '../kubernetes/fault-image.ts';
import { ROOT } from './blocks.ts';
import { open } from './terminal.ts';

test('npm run torture: no fault leaks', async (t) => {
  // Other blows each day: a small sample meets a few of them.
  const seed = new Date().toISOString().slice(0, 10);
  const torture = open(`npm run torture -- --trials 12 --ttl 5s --lanes 1 --seed ${seed}`, ROOT);
  t.diagnostic(`seed ${seed}`);
  assert.equal(await torture.code, 0, torture.output());
  assert.match(torture.output(), /^0 leaked faults in \d+ trials/m);
  assert.deepEqual(torture.left(), [], 'processes left behind');
});

test('npm run torture -- --on pods: no fault leaks', { skip: await whyNoFaultImage() }, async (t) => {
  const seed = new Date().toISOString().slice(0, 10);
  const torture = open(`npm run torture -- --on pods --trials 3 --ttl 6s --lanes 1 --seed ${seed}`, ROOT);
  t.diagnostic(`seed ${seed}`);
  assert.equal(await torture.code, 0, torture.output());
  assert.match(torture.output(), /^0 leaked faults in \d+ trials/m);
  assert.deepEqual(torture.left(), [], 'processes left behind');
});

test('npm run bench: every part has its figures', async () => {
  const bench = open('npm run bench -- --json --aborts 1 --runs 2 --at-once 3 --held 3 --stopped 3', ROOT);
  const code = await bench.code;
  const parts = bench
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { part: string; goals?: readonly { met: boolean }[] });
  assert.deepEqual(
    parts.map(({ part }) => part),
    ['machine', 'latency', 'cost', 'held', 'stop'],
    bench.output(),
  );
  const missed = parts.flatMap(({ goals = [] }) => goals).filter(({ met }) => !met);
  assert.equal(code, missed.length === 0 ? 0 : 1);
  assert.deepEqual(bench.left(), [], 'processes left behind');
});
