/** The rings are rules, and the rules fire: each snippet is linted as if it stood in that folder. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { ESLint } from 'eslint';

const ROOT = join(import.meta.dirname, '..', '..');

/** Snippets, the existing file whose place they take, and what must be said of them; empty for nothing. */
const CASES: readonly (readonly [name: string, file: string, code: string, complaint: string])[] = [
  [
    'domain imports itself',
    'domain/ladder.ts',
    "import type { TargetId } from './fault.ts';\nexport type A = TargetId;\n",
    '',
  ],
  [
    'domain imports activities',
    'domain/ladder.ts',
    "export { sweep } from '../activities/sweep.ts';\n",
    'point inward only',
  ],
  [
    'domain imports a Node built-in',
    'domain/ladder.ts',
    "export { readFile } from 'node:fs/promises';\n",
    'no Node built-in',
  ],
  ['domain imports a library', 'domain/ladder.ts', "export { parse } from 'yaml';\n", 'may not use this package'],
  ['domain reads the clock', 'domain/ladder.ts', 'export const now = Date.now();\n', 'reads no clock'],
  ['domain draws a number', 'domain/ladder.ts', 'export const chance = Math.random();\n', 'by a seed'],
  [
    'workflows import an activity',
    'workflows/plan.ts',
    "export { sweep } from '../activities/sweep.ts';\n",
    'by their types only',
  ],
  [
    'workflows import an activity type',
    'workflows/plan.ts',
    "import type { SweepReport } from '../activities/interface.ts';\nexport type A = SweepReport;\n",
    '',
  ],
  [
    'workflows import a Node built-in',
    'workflows/plan.ts',
    "export { readFile } from 'node:fs/promises';\n",
    'no Node built-in',
  ],
  [
    'workflows read the environment',
    'workflows/plan.ts',
    "export const home = process.env['HOME'];\n",
    'knows no process',
  ],
  [
    'workflows import a worker',
    'workflows/plan.ts',
    "export { startWorker } from '../workers/worker.ts';\n",
    'point inward only',
  ],
  [
    'activities import a workflow',
    'activities/pause.ts',
    "export { lease } from '../workflows/lease.ts';\n",
    'point inward only',
  ],
  [
    'an activity is not awaited',
    'workflows/plan.ts',
    "import { admission } from './proxies.ts';\nexport function f(): void {\n  admission().admit({} as never);\n}\n",
    'Promises must be awaited',
  ],
  [
    'an activity is thrown away with void',
    'workflows/plan.ts',
    "import { admission } from './proxies.ts';\nexport function f(): void {\n  void admission().admit({} as never);\n}\n",
    'Promises must be awaited',
  ],
  [
    'a promise is left floating',
    'activities/pause.ts',
    'export function f(): void {\n  Promise.resolve(1);\n}\n',
    'Promises must be awaited',
  ],
];

test('each ring refuses what it must not import, and nothing else', async (t) => {
  const eslint = new ESLint({ cwd: ROOT });
  for (const [name, file, code, complaint] of CASES) {
    await t.test(name, async () => {
      const [result] = await eslint.lintText(code, { filePath: join(ROOT, file) });
      const messages = (result?.messages ?? []).map(({ message }) => message);
      if (complaint === '') assert.deepEqual(messages, []);
      else
        assert.ok(
          messages.some((message) => message.includes(complaint)),
          messages.join('\n') || 'nothing was said',
        );
    });
  }
});
