/** Programs: what one says, and what is wrong with one. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, test } from 'node:test';
import { parseFile } from '../../documents/file.ts';
import { describeTimes } from '../../domain/program-changes.ts';
import { describeRadius, stepsOf } from '../../domain/radius.ts';
import { ROOT } from '../readme/blocks.ts';
import { catalogue, complaints, VALID } from './experiment.ts';

const program = (cadence: string): string => `program: monkey
cadences:
  - cadence: often
${cadence.replaceAll(/^/gm, '    ')}
---
${VALID}`;

test('a program is its cadences, with the experiments of its file and what is drawn for them', () => {
  const text = program('every: 10m\npool: [slow-payments, { experiment: slow-payments, draw: { stop: [50ms, 500ms] } }]');
  const parsed = parseFile(text, 'it.yaml', catalogue);
  assert.ok(parsed.ok, complaints(text).join('\n'));
  assert.deepEqual(parsed.experiments.map(({ experiment }) => experiment.name), ['slow-payments']);
  const [cadence] = parsed.program?.cadences ?? [];
  assert.equal(cadence?.everyMs, 600_000);
  assert.equal(cadence?.dryRun, false);
  assert.deepEqual(cadence?.pool.map(({ draw }) => draw), [{}, { stop: [50, 500] }]);
  assert.equal(cadence?.pool[1]?.documentHash, parsed.experiments[0]?.documentHash);
});

test('a cadence comes by the calendar', () => {
  const text = program('at: last friday of month 14:00 America/Los_Angeles\nwaitUpTo: 0s\npool: [slow-payments]');
  const parsed = parseFile(text, 'it.yaml', catalogue);
  assert.ok(parsed.ok, complaints(text).join('\n'));
  const [cadence] = parsed.program?.cadences ?? [];
  assert.deepEqual(cadence?.at, { weekday: 5, last: true, hour: 14, minute: 0, timeZone: 'America/Los_Angeles' });
  assert.equal(cadence?.everyMs, 28 * 86_400_000);
  assert.equal(cadence?.waitUpToMs, 0);
});

test('a radius is one, or two of one kind', () => {
  const radius = (written: string) => {
    const parsed = parseFile(program(`every: 1d\nradius: ${written}\npool: [slow-payments]`), 'it.yaml', catalogue);
    assert.ok(parsed.ok, written);
    return parsed.program?.cadences[0]?.radius;
  };
  const [one, five] = [{ kind: 'share', share: 0.01, text: '1%' }, { kind: 'share', share: 0.05, text: '5%' }];
  assert.deepEqual(radius('[1%, 5%]'), { from: one, to: five });
  assert.deepEqual(radius('5%'), { from: five, to: five });
  assert.deepEqual(radius('[1, 3]'), { from: { kind: 'count', count: 1, text: '1' }, to: { kind: 'count', count: 3, text: '3' } });
});

test('Chaos Monkey draws what it is known for', async () => {
  const file = join(ROOT, 'experiments', 'programs', 'monkey.yaml');
  const parsed = parseFile(await readFile(file), file, catalogue);
  assert.ok(parsed.ok);
  const [cadence] = parsed.program?.cadences ?? [];
  assert.equal(cadence?.everyMs, 600_000);
  assert.deepEqual(
    cadence?.pool.map(({ experiment }) => experiment.fault),
    ['kubernetes/pod-kill', 'kubernetes/pod-latency', 'kubernetes/pod-cpu', 'kubernetes/pod-disk-fill'],
  );
  assert.deepEqual(cadence?.pool[1]?.draw, { delay: [50, 500], jitter: [10, 50] });
  for (const { experiment } of cadence?.pool ?? []) {
    assert.deepEqual(experiment.blastRadius.stages, [{ kind: 'count', count: 1, text: '1' }]);
    assert.ok(experiment.blastRadius.holdMs <= 300_000);
  }
});

test('kube-monkey goes by its labels, and its day is as long as the window', async () => {
  const file = join(ROOT, 'experiments', 'programs', 'kube-monkey.yaml');
  const parsed = parseFile(await readFile(file), file, catalogue);
  assert.ok(parsed.ok);
  assert.deepEqual(parsed.program?.cadences[0]?.groups, { by: 'kube-monkey', dayMs: 8 * 3_600_000 });
});

test('the standard program goes a little often, and far seldom', async () => {
  const file = join(ROOT, 'experiments', 'programs', 'standard.yaml');
  const parsed = parseFile(await readFile(file), file, catalogue);
  assert.ok(parsed.ok);
  assert.deepEqual(
    parsed.program?.cadences.map(({ name, radius, ...times }) => [name, describeTimes(times), radius && describeRadius(radius)]),
    [
      ['half-hourly', 'every 30m', '1% to 5%'],
      ['daily', 'daily 10:00 America/Los_Angeles', '10%'],
      ['weekly', 'Thursday 14:00 America/Los_Angeles', '25%'],
      ['monthly', 'last Friday of month 14:00 America/Los_Angeles', undefined],
    ],
  );
  assert.equal(parsed.program?.cadences.at(-1)?.gameDay?.gameDay.name, 'standard-day');
  for (const { radius, pool } of parsed.program?.cadences ?? [])
    for (const { experiment } of pool) {
      assert.ok(radius);
      const steps = stepsOf(radius, experiment.blastRadius);
      assert.deepEqual([steps[0]?.text, steps.at(-1)?.text], [radius.from.text, radius.to.text], experiment.name);
    }
});

describe('refused', () => {
  const POOL = 'pool: [slow-payments]';
  const wrong: readonly (readonly [name: string, text: string, complaint: RegExp])[] = [
    ['a cadence by a time that there is not', program(`at: Freitag 14:00 UTC\n${POOL}`), /^4:9: cadences\[0\]\.at: found "Freitag 14:00 UTC", expected daily, a day such as Thursday, or `last Friday of month`, with time and time zone/],
    ['a time zone that there is not', program(`at: daily 14:00 Europe/Atlantis\n${POOL}`), /^4:9: cadences\[0\]\.at: found .*, expected daily/],
    ['a time that is a number', program(`at: 14\n${POOL}`), /at: found 14, expected daily/],
    ['a cadence that comes every so often and by the calendar', program(`every: 1m\nat: daily 14:00 UTC\n${POOL}`), /^5:9: cadences\[0\]\.at: found "daily 14:00 UTC", expected either `every` or `at`/],
    ['a cadence without a time', program(POOL), /^3:5: cadences\[0\]: found no every, expected/],
    ['one that is too often', program(`every: 1s\n${POOL}`), /^4:12: cadences\[0\]\.every: found "1s", expected a duration from 10s to 30d/],
    ['an experiment that the file does not have', program('every: 1m\npool: [slow]'), /^5:12: cadences\[0\]\.pool\[0\]: found "slow", expected an experiment of this file: slow-payments/],
    ['a cadence of nothing', program('every: 1m'), /^3:5: cadences\[0\]: found no pool, expected a pool, or a `gameDay`/],
    ['a cadence of both', program(`every: 1m\n${POOL}\ngameDay: a-day`), /gameDay: found "a-day", expected either `pool` or `gameDay`/],
    ['a game day that the file does not have', program('every: 1m\ngameDay: a-day'), /gameDay: found "a-day", expected the game day of this file: it has none/],
    ['groups of what has none', program(`every: 1m\ngroups: { by: kube-monkey }\n${POOL}`), /pool\[0\]: found "slow-payments", expected an experiment on pods beside `groups`/],
    ['groups that nobody knows', program(`every: 1m\ngroups: { by: somebody }\n${POOL}`), /groups\.by: found "somebody", expected kube-monkey/],
    ['a pool of nobody', program('every: 1m\npool: []'), /pool: found a list of 0, expected at least 1 in the list/],
    ['a picker that there is not', program(`every: 1m\npick: best\n${POOL}`), /pick: found "best", expected one of evidence, random, round-robin/],
    ['a misspelt key', program(`evrey: 1m\n${POOL}`), /unknown key "evrey".*Did you mean every/],
    ['bounds that the fault does not take', program('every: 1m\npool: [{ experiment: slow-payments, draw: { stop: [50ms, 50h] } }]'), /draw: .*expected what host\/stutter takes: stop/],
    ['a parameter that the fault does not have', program('every: 1m\npool: [{ experiment: slow-payments, draw: { stpo: [50ms, 60ms] } }]'), /draw: .*expected what host\/stutter takes/],
    ['bounds that are one', program('every: 1m\npool: [{ experiment: slow-payments, draw: { stop: [50ms, 50ms] } }]'), /two different bounds of stop/],
    ['bounds that are the wrong way round', program('every: 1m\npool: [{ experiment: slow-payments, draw: { stop: [60ms, 50ms] } }]'), /two different bounds of stop, the lower first/],
    ['bounds without a unit', program('every: 1m\npool: [{ experiment: slow-payments, draw: { stop: [50, 60] } }]'), /draw: .*a duration such as 100ms/],
    ['a time that is no whole second', program(`every: 10500ms\n${POOL}`), /every: .*whole seconds/],
    ['a radius of two kinds', program(`every: 1d\nradius: [1, 5%]\n${POOL}`), /^5:13: cadences\[0\]\.radius: found a list of 2, expected one such as 5%, or \[low, high\] of one kind, the lower first/],
    ['a radius that is the wrong way round', program(`every: 1d\nradius: [5%, 1%]\n${POOL}`), /radius: found a list of 2, expected one such as 5%/],
    ['a radius of everybody and more', program(`every: 1d\nradius: 101%\n${POOL}`), /radius: found "101%", expected a share from 0% to 100%/],
    ['a radius of nobody', program(`every: 1d\nradius: 0\n${POOL}`), /radius: found 0, expected a share/],
    ['a radius that the experiment never goes to', program(`every: 1d\nradius: [60%, 70%]\n${POOL}`), /^6:12: cadences\[0\]\.pool\[0\]: found "slow-payments", expected an experiment that goes as far as the radius, 60%/],
    ['a wait that is longer than the clock may be changed by', program(`every: 1d\nwaitUpTo: 13h\n${POOL}`), /^5:15: cadences\[0\]\.waitUpTo: found "13h", expected a duration up to 12h/],
    ['a wait without a unit', program(`every: 1d\nwaitUpTo: 30\n${POOL}`), /waitUpTo: found 30, expected a duration such as/],
    ['the same cadence twice', program(`every: 1m\n${POOL}`).replace('---', `  - cadence: often\n    every: 2m\n    ${POOL}\n---`), /each cadence by another name/],
    ['two programs', `program: other\ncadences: []\n---\n${program(`every: 1m\n${POOL}`)}`, /a second program, expected one program in a file/],
    ['experiments that are wrong in themselves', program(`every: 1m\n${POOL}`).replace('hold: 5m', 'hold: 5'), /blastRadius\.hold: found 5/],
  ];
  for (const [name, text, complaint] of wrong)
    it(name, () => {
      const [first = 'nothing', ...more] = complaints(text);
      assert.match([first, ...more].join('\n'), complaint);
    });
});
