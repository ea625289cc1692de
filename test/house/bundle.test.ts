/** What workflows run from is evaluated anew for each of them, so it must stay small. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { workflowBundle } from '../../workers/bundle.ts';

test('the workflow bundle holds the workflows, the rules and the SDK, and nothing else', async () => {
  const code = await readFile(await workflowBundle(), 'utf8');
  const packages = new Set(
    [...code.matchAll(/^\/\*\*\*\/ "\.\/node_modules\/((?:@[^/"]+\/)?[^/"]+)/gm)].map(([, name]) => name),
  );
  const others = [...packages].filter((name) => !name?.startsWith('@temporalio/')).toSorted();
  // What the SDK itself brings into a workflow.
  assert.deepEqual(others, ['long', 'ms', 'nexus-rpc']);
});
