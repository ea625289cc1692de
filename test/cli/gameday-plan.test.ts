/** `squall gameday plan`, and what `squall validate` says of game days: no server, no site. */
import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import ical from 'node-ical';
import type { GameDay } from '../../domain/game-day.ts';
import { demoConfig } from '../../demo/config.ts';
import { freePort } from '../../workers/temporal-server.ts';
import { DAY } from '../documents/day.ts';
import { VALID } from '../documents/experiment.ts';
import { ROOT } from '../readme/blocks.ts';
import { eventsOf, open, squall } from './squall.ts';

const READY = globSync('experiments/game-days/*.yaml', { cwd: ROOT });
const SHOP = 'experiments/game-days/shop.yaml';

describe('squall gameday plan', { concurrency: 2 }, () => {
  let folder: string;
  let nowhere: Record<string, string>;
  let day: string;
  const file = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder, name), text);
    return join(folder, name);
  };
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'squall-day-'));
    nowhere = { TEMPORAL_ADDRESS: `127.0.0.1:${await freePort()}` };
    await mkdir(join(folder, 'days'));
    await mkdir(join(folder, 'other'));
    await file('other/gone.yaml', VALID.replace('slow-payments', 'gone'));
    day = await file('days/day.yaml', DAY);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('there are six ready-made days, and each is valid and planned without a server, from anywhere', async () => {
    assert.equal(READY.length, 6);
    for (const path of READY) {
      const { code, out, err } = await squall(['gameday', 'plan', path], nowhere);
      assert.equal(code, 0, err);
      assert.match(out, /^# Game day: /);
      for (const part of ['## Timeline', '**Met when:**', '## What ends the day early']) assert.ok(out.includes(part));
    }
    const { code, out } = await squall(['validate', ...READY]);
    assert.equal(code, 0, out);
    const named = out.match(/game day [\w-]+$/gm)?.map((words) => words.replace('game day ', ''));
    assert.deepEqual(named, READY.map((path) => path.replace(/^.*\/|\.yaml$/g, '')).toSorted());
    const elsewhere = await open('bash', ['-c', `cd / && ${join(ROOT, 'bin/squall')} gameday plan ${join(ROOT, SHOP)}`])
      .ended;
    assert.equal(elsewhere.code, 0, elsewhere.err);
  });

  it('each ready-made day has a page, and is in the list of experiments', async () => {
    const list = await readFile(join(ROOT, 'experiments/README.md'), 'utf8');
    for (const path of READY) {
      const name = path.replace(/^experiments\/|\.yaml$/g, '');
      const page = new RegExp(`\\(${name}\\.yaml\\) \\(\\[page\\]\\(\\.\\./(docs/experiments/\\S+\\.md)\\)\\)`).exec(
        list,
      )?.[1];
      assert.ok(page, `${name} has no page`);
      assert.ok((await readFile(join(ROOT, page), 'utf8')).includes(`experiments/${name}.yaml`), page);
    }
  });

  it('the shop has every probe that its day reads', async () => {
    const config = await file('shop.yaml', demoConfig('http://127.0.0.1:9', folder, folder));
    const { code, out } = await squall(['validate', '--config', config, SHOP]);
    assert.equal(code, 0, out);
    const wrong = await file(
      'wrong-probe.yaml',
      DAY.replaceAll('site: local', 'site: shop').replace('../other', './other'),
    );
    const refused = await squall(['validate', '--config', config, wrong]);
    assert.equal(refused.code, 2);
    assert.match(
      refused.out,
      /wrong-probe\.yaml:26:\d+: scenarios\[0\]\.criteria\[2\]\.probe: found "lost-orders", expected one of error-rate, /,
    );
  });

  it('--json is the day as everything else gets it', async () => {
    const { code, out } = await squall(['--json', 'gameday', 'plan', day], nowhere);
    assert.equal(code, 0);
    const [plan, ...more] = eventsOf(out);
    assert.deepEqual(more, []);
    assert.equal(plan?.event, 'plan');
    assert.match(String(plan['documentHash']), /^[0-9a-f]{64}$/);
    const { name, scenarios } = plan['gameDay'] as GameDay;
    assert.deepEqual([name, scenarios.length], ['the-day', 2]);
  });

  it('--ics writes a calendar beside the page, or - in its place', async () => {
    const ics = join(folder, 'day.ics');
    const both = await squall(['gameday', 'plan', day, '--ics', ics, '--mail-domain', 'example.com'], nowhere);
    assert.equal(both.code, 0, both.err);
    assert.match(both.out, /^# Game day: the-day\n/);
    const text = await readFile(ics, 'utf8');
    const read = Object.values(ical.sync.parseICS(text)).filter((part) => part?.type === 'VEVENT');
    assert.equal(read.length, 3);
    assert.ok(text.replaceAll('\r\n ', '').includes('MAILTO:alice@example.com'));
    const alone = await squall(['gameday', 'plan', day, '--ics', '-'], nowhere);
    assert.equal(alone.code, 0);
    assert.match(alone.out, /^BEGIN:VCALENDAR\r\n[^#]*END:VCALENDAR\r\n$/);
    const told = await squall(['--json', 'gameday', 'plan', day, '--ics', ics], nowhere);
    assert.equal(eventsOf(told.out)[0]?.['ics'], ics);
  });

  it('what cannot be is said in one line, without a stack', async () => {
    const cases: readonly [args: readonly string[], says: RegExp][] = [
      [[SHOP, '--ics', '-'], /^squall: shop has no date, so no calendar can have it; write when it is/],
      [['experiments/programs/monkey.yaml'], /has no game day; it needs a document that begins with `gameDay:`/],
      [[join(folder, 'none.yaml')], /cannot read .*none\.yaml/],
      [[folder], /cannot read .*: it is a folder, not a file/],
      [[day, '--ics', '/nonexistent/x.ics'], /cannot write \/nonexistent\/x\.ics/],
      [[day, '--ics', '-', '--mail-domain', 'a b'], /found --mail-domain a b, expected a domain such as example\.com/],
    ];
    for (const [args, says] of cases) {
      const { code, out, err } = await squall(['gameday', 'plan', ...args], nowhere);
      assert.equal(code, 2, args.join(' '));
      assert.equal(out, '');
      assert.match(err, says);
      assert.equal(err.trim().split('\n').length, 1, err);
    }
  });

  it('a file that is wrong is named with its place, and so is one that a day names', async () => {
    const wrong = await file('days/wrong.yaml', DAY.replace('timeout: 1h\n', 'timeuot: 1h\n'));
    const lost = await file('days/lost.yaml', DAY.replace('../other/gone.yaml', '../other/lost.yaml'));
    const into = await file('days/into.yaml', DAY.replace('../other/gone.yaml', '../days/into.yaml'));
    await file('other/wrong.yaml', VALID.replace('hold: 5m', 'hold: 5'));
    const there = await file(
      'days/there.yaml',
      DAY.replace('../other/gone.yaml, experiment: gone', '../other/wrong.yaml'),
    );
    const cases: readonly [path: string, says: RegExp][] = [
      [wrong, /days\/wrong\.yaml:33:5: scenarios\[0\]\.timeuot: found unknown key "timeuot"/],
      [lost, /days\/lost\.yaml:41:23: .*found "\.\.\/other\/lost\.yaml", expected a file that can be read: ENOENT/],
      // A day may name its own file; it has no such experiment.
      [into, /days\/into\.yaml:41:\d+: .*expected one of the experiments of \.\.\/days\/into\.yaml: slow-payments/],
      [there, /days\/there\.yaml:41:23: [^]*\n.*other\/wrong\.yaml:14:43: blastRadius\.hold: found 5/],
    ];
    for (const [path, says] of cases) {
      const validated = await squall(['validate', path]);
      assert.equal(validated.code, 2);
      assert.match(validated.out, says);
      const planned = await squall(['gameday', 'plan', path], nowhere);
      assert.equal(planned.code, 2);
      assert.match(planned.err, says);
      assert.equal(planned.out, '');
    }
  });

  it('neither a pipe nor a device is read in the place of a file that a day names', { timeout: 60_000 }, async () => {
    await open('mkfifo', [join(folder, 'other', 'pipe.yaml')]).ended;
    const piped = await file('days/pipe.yaml', DAY.replace('gone.yaml', 'pipe.yaml'));
    const { code, out } = await squall(['validate', piped]);
    assert.equal(code, 2);
    assert.match(out, /expected a file that can be read: it is a pipe, not a file/);
  });

  it('a day may come through a pipe, with the experiments of its own', { timeout: 60_000 }, async () => {
    const own = DAY.replace(/- \{ file: .* \}/, '- slow-payments');
    const path = await file('days/own.yaml', own);
    const { code, out, err } = await open('bash', ['-c', `exec bin/squall gameday plan <(cat ${path})`]).ended;
    assert.equal(code, 0, err);
    assert.match(out, /^# Game day: the-day/);
  });

  it('validate --policy looks at the experiments of other files too', async () => {
    const config = await file('policy.yaml', 'policy: { version: one, faults: [host/pause] }\n');
    const { code, out } = await squall(['validate', '--policy', '--config', config, day]);
    assert.equal(code, 3, out);
    assert.match(out, /^policy .*: slow-payments: /m);
    assert.match(out, /^policy .*: gone: /m);
  });
});
