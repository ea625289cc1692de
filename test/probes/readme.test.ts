import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { parse } from 'yaml';
import { z } from 'zod';
import { openProbes, probesSchema } from '../../activities/probes/registry.ts';

test('the probes in the README are valid', async () => {
  const text = await readFile(new URL('../../activities/probes/README.md', import.meta.url), 'utf8');
  const [, yaml = ''] = /```yaml\n(.*?)```/s.exec(text) ?? [];
  const probes = openProbes(probesSchema.parse((parse(yaml) as { probes: unknown }).probes));
  assert.deepEqual(
    [...probes.keys()],
    ['error-rate', 'latency-p99', 'orders', 'shop', 'ready', 'refused', 'queue-depth'],
  );
});

test('the section has a JSON Schema, for editors', () => {
  const schema = z.toJSONSchema(probesSchema, { io: 'input' });
  assert.match(JSON.stringify(schema), /per-minute/);
});
