/** `squall maturity`: what real journals prove, what cannot be read or asked, and the page. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openFileStore } from '../../activities/journal/file.ts';
import { freePort } from '../../workers/temporal-server.ts';
import { heldRun, refusedRun, stuckRun } from '../report/journals.ts';
import { Day } from '../report/game-day-story.ts';
import { PRACTICE, runOf } from '../report/maturity-story.ts';
import { eventsOf, squall } from './squall.ts';
import type { Ended } from './squall.ts';

const CONFIG = `journal: journals
policy: { version: '1', environments: { production: { sites: [prod-eu], open: true } } }
sites: { shop: { host: { groups: { carts: { command: carts } } } } }
`;

describe('squall maturity', { concurrency: 2 }, () => {
  let folder: string;
  let env: Record<string, string>;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'squall-cli-maturity-'));
    env = { TEMPORAL_ADDRESS: `127.0.0.1:${await freePort()}`, SQUALL_CONFIG: join(folder, 'squall.yaml') };
    await writeFile(join(folder, 'squall.yaml'), CONFIG);
    const store = openFileStore(join(folder, 'journals'));
    const practice = PRACTICE.map((told) => runOf(Date.now(), told));
    for (const { run, events } of [...practice, refusedRun(), stuckRun()]) await store.append(run, events);
    const held = practice.filter((_, i) => PRACTICE[i]?.day !== undefined);
    const day = new Day('november')
      .begin()
      .at(60, { type: 'day-ended', ending: 'completed', why: 'it is over' })
      .record();
    const began = held.map(
      ({ run }, i) => ({ seq: 90 + i, atMs: Date.now(), type: 'run', scenario: 0, run, experiment: 'any' }) as const,
    );
    await store.days.append('november', [...day.events.map((event) => ({ ...event, atMs: Date.now() })), ...began]);
    await writeFile(join(folder, 'journals', 'half.json'), '{"schema"');
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const maturity = (...args: string[]): Promise<Ended> => squall(['maturity', ...args], env);

  it('says the level, its proof, what is missing, and what it could not read or ask', async () => {
    const { code, out, err } = await maturity();
    assert.equal(code, 0, err);
    assert.match(out, /^Level 2 of 5: Ad Hoc Production$/m);
    assert.match(
      out,
      /1 In Development +✓ proved\n +proof: 6 runs labelled ci with a verdict on 6 days of the last 90\n +runs: payments-pod-latency-staging-4, /,
    );
    assert.match(out, /proof: 2 runs of game days in production, on 2 days of the last 90/);
    assert.match(out, /3 Automated Regular +\? unknown\n +missing: not known: Temporal could not be asked/);
    assert.match(out, /^runs that prove nothing: 1 not over, 1 without a verdict$/m);
    assert.match(out, /^not read: .*half\.json is not a journal, or it is damaged$/m);
    assert.match(out, /^not asked: what is scheduled: Temporal does not answer at 127\.0\.0\.1:/m);
    assert.match(out, /^payments: level 2 of 5, Ad Hoc Production$/m);
    assert.match(out, /^carts: level 0 of 5, Not Begun$/m);
    assert.match(out, /^payments +passed +passed +stale +passed +never +never +never$/m);
    assert.match(out, /^orders +passed +never +failed +never/m);
    assert.match(out, /^search +never +never +never +stale/m);
    assert.match(out, /^carts +never +never/m);
  });

  it('says the same to programs, an object a line', async () => {
    const { code, out } = await maturity('--json');
    assert.equal(code, 0);
    const events = eventsOf(out);
    const levels = events.filter(({ event }) => event === 'maturity');
    assert.deepEqual(
      levels.map(({ service, level }) => [service, level]),
      [
        [null, 2],
        ['carts', 0],
        ['orders', 2],
        ['payments', 2],
        ['search', 0],
      ],
    );
    const [unread] = events.filter(({ event }) => event === 'unread');
    assert.equal(unread?.['run'], 'half');
    const [evidence] = events.filter(({ event }) => event === 'evidence');
    assert.deepEqual([evidence?.['runs'], evidence?.['productionSites']], [PRACTICE.length, ['prod-eu']]);
    assert.deepEqual(evidence?.['nothing'], { open: 1, verdict: 1 });
    assert.ok(events.some(({ event, what }) => event === 'unasked' && what === 'schedules'));
    assert.equal(events.filter(({ event }) => event === 'coverage').length, 4);
  });

  it('writes the page, and names a file that it cannot write', async () => {
    const page = join(folder, 'page.html');
    const { code, out, err } = await maturity('--html', page);
    assert.equal(code, 0, err);
    assert.equal(out.trimEnd().split('\n').at(-1), page);
    assert.match(await readFile(page, 'utf8'), /Level 2 of 5: Ad Hoc Production[^]*<\/html>/);
    const wrong = await maturity('--html', '/nonexistent/page.html');
    assert.equal(wrong.code, 2);
    assert.match(wrong.err, /^squall: cannot write \/nonexistent\/page\.html/);
  });

  it('of nothing is level 0, and no production that nobody named', async () => {
    const config = join(folder, 'nothing.yaml');
    await writeFile(config, 'journal: nothing\n');
    const { code, out } = await maturity('--config', config);
    assert.equal(code, 0);
    assert.match(out, /^Level 0 of 5: Not Begun$/m);
    assert.match(out, /missing: 0 runs labelled ci with a verdict in 90 days, expected 3/);
    assert.match(out, /missing: nothing is known to be production: the policy has no environment `production`/);
    assert.match(out, /^no run in .*nothing proves anything$/m);
    assert.match(out, /^next: Let CI call `squall run FILE --label ci`/m);
    const store = openFileStore(join(folder, 'nothing'));
    await store.append(heldRun().run, heldRun().events);
    assert.match((await maturity('--config', config)).out, /^Level 0 of 5/m, 'one run is a try');
  });
});
