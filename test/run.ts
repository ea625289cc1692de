/**
 * `npm test`: static checks, then every test file, with one line for each test that this machine cannot run.
 *
 * Owns the rule about skips: each says why and how to run it, and with SQUALL_NO_SKIP=1 each is a failure.
 * Three files run side by side; one at a time those that need the machine's time: demos on real faults, and many runs at once.
 * `npm test -- domain watch` runs only files whose path contains one of the words, without the static checks.
 */
import { spawnSync } from 'node:child_process';
import { glob } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

const ROOT = join(import.meta.dirname, '..');
/** No test hangs for longer than this, in milliseconds. */
const HANG_MS = process.env['SQUALL_WHOLE_MATRIX'] === '1' ? 3_600_000 : 900_000;
/** How many of the slowest files are named at the end. */
const SLOWEST_SHOWN = 20;

// Compiled code is kept, for the hundreds of processes that tests start.
process.env['NODE_COMPILE_CACHE'] ??= join(ROOT, '.cache', 'compiled');

const words = process.argv.slice(2);
const strict = process.env['SQUALL_NO_SKIP'] === '1';
const files = (await Array.fromAsync(glob('test/**/*.test.ts', { cwd: ROOT })))
  .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
  .toSorted()
  .map((file) => join(ROOT, file));

if (words.length === 0) {
  for (const check of ['typecheck', 'lint']) {
    const { status } = spawnSync('npm', ['run', '--silent', check], {
      cwd: ROOT,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    if (status !== 0) {
      process.stderr.write(`npm run ${check} failed\n`);
      process.exit(1);
    }
  }
}

const skips: string[] = [];
const notes: string[] = [];
/** Files and how long each took, in milliseconds. */
const took: { readonly file: string; readonly ms: number }[] = [];
const ALONE = ['/readme/', '/step-matrix', '/engine/flat-history', '/conformance/aws'];
const alone = (file: string): boolean => ALONE.some((part) => file.includes(part));

/** Those that keep a cluster or an account busy. The others wait for most of their time. */
const HEAVY = /^test\/(?:aws|conformance|fault|kubernetes)\//;
const SIDE_BY_SIDE = 3;
/** A fault that is left is left, whatever comes of it the next time. */
const ONCE = /^test\/(?:conformance|engine)\//;
/** More files than these do not fail for want of the machine's time. */
const AGAIN_MAX = 3;

/** The heavy ones evenly between the others. */
function spread(some: readonly string[]): string[] {
  const [heavy = [], light = []] = [true, false].map((which) =>
    some.filter((file) => HEAVY.test(relative(ROOT, file)) === which),
  );
  return [heavy, light]
    .flatMap((files) => files.map((file, i) => ({ file, at: (i + 0.5) / files.length })))
    .toSorted((a, b) => a.at - b.at)
    .map(({ file }) => file);
}

/** Runs them; returns those that did not pass. */
async function runAll(some: readonly string[], concurrency: number): Promise<readonly string[]> {
  if (some.length === 0) return [];
  const passed = new Set<string>();
  const results = run({
    files: some,
    concurrency,
    timeout: HANG_MS,
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  results.on('test:pass', ({ name, skip }) => {
    if (skip === undefined || skip === false) return;
    skips.push(name);
    process.stdout.write(`skipped: ${name}: ${typeof skip === 'string' ? skip : 'no reason given'}\n`);
  });
  results.on('test:summary', ({ file, duration_ms: ms, success }) => {
    if (file === undefined) return;
    took.push({ file: relative(ROOT, file), ms });
    if (success) passed.add(file);
  });
  await pipeline(results, new spec(), process.stdout, { end: false });
  return some.filter((file) => !passed.has(file));
}

/** A few that failed beside others are run once more, alone; not those that test whether a fault is left. See docs/decisions/019. */
async function afterAlone(failed: readonly string[]): Promise<readonly string[]> {
  const again = failed.filter((file) => !ONCE.test(relative(ROOT, file)));
  if (words.length > 0 || again.length > AGAIN_MAX) return failed;
  const still = await runAll(again, 1);
  for (const file of again)
    notes.push(
      `${relative(ROOT, file)} failed beside others, and ${still.includes(file) ? 'fails' : 'passes'} alone\n`,
    );
  return failed.filter((file) => !again.includes(file) || still.includes(file));
}

const failed = [
  ...(await afterAlone(await runAll(spread(files.filter((file) => !alone(file))), SIDE_BY_SIDE))),
  ...(await runAll(files.filter(alone), 1)),
];
const slowest = took.toSorted((a, b) => b.ms - a.ms).slice(0, SLOWEST_SHOWN);
process.stdout.write(`the slowest of ${took.length} files:\n`);
for (const { file, ms } of slowest) process.stdout.write(`${`${Math.round(ms / 1_000)} s`.padStart(7)}  ${file}\n`);
for (const note of notes) process.stdout.write(note);
if (failed.length > 0 || (strict && skips.length > 0)) process.exitCode = 1;
if (strict && skips.length > 0)
  process.stderr.write(`${skips.length} tests were skipped, and SQUALL_NO_SKIP=1 forbids it\n`);
