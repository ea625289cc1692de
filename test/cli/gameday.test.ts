/** `squall gameday`: a day from its file to its end, by the hands of several people. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { freePort } from '../../workers/temporal-server.ts';
import { Days } from '../game-days/days.ts';
import { until } from '../until.ts';
import { eventsOf, squall, start } from './squall.ts';
import type { Ended } from './squall.ts';

const document = (name: string, more = ''): string => `gameDay: ${name}
purpose: We learn whether anybody looks
date: now
duration: 10m
site: torture
roles: { commander: alice, scribe: bob, communications: carol, observers: [dan] }
briefing: Nobody is harmed.
watch: [{ probe: level }]
sampleEvery: 1s
scenarios:
  - scenario: nothing
    at: T+0
    run: { sequence: [nothing-happens, { byHand: Look at it }] }
    expect: It holds
    criteria:
      - { hypothesis: holds }
      - { judged: somebody has looked }
    timeout: 5m
${more}---
experiment: nothing-happens
hypothesis: It is alive
steadyState: [{ probe: alive, min: 1 }]
fault: noop/noop
targets: { site: torture, count: 2, name: ${name} }
blastRadius: { stages: [1], hold: 2s }
stopConditions: [{ probe: alive, below: 1, for: 10s }]
recoverWithin: 20s
sampleEvery: 500ms
`;

describe('squall gameday', () => {
  let days: Days;
  let folder: string;
  before(async () => {
    days = await Days.open();
    folder = await mkdtemp(join(tmpdir(), 'squall-gameday-'));
  });
  after(async () => {
    await days.close();
    await rm(folder, { recursive: true, force: true });
  });

  const file = async (name: string, more = ''): Promise<string> => {
    const path = join(folder, `${name}.yaml`);
    await writeFile(path, document(name, more));
    return path;
  };
  const does = (who: string, ...args: string[]): Promise<Ended> =>
    squall(['gameday', ...args], { ...days.env, SQUALL_AS: who });
  const done = async (who: string, ...args: string[]): Promise<string> => {
    const { code, out, err } = await does(who, ...args);
    assert.equal(code, 0, `${args.join(' ')}: ${out}${err}`);
    return out;
  };
  const shows = (day: string, what: RegExp): Promise<void> =>
    until(async () => what.test((await does('eve', 'status', day)).out), `${day} shows ${what}`);

  it('is held by several people, followed to its end, and listed', async () => {
    const following = start(['--json', 'gameday', 'start', await file('whole')], days.env);
    await until(() => /"event":"scenario-due"/.test(following.out()));
    const [called] = eventsOf(following.out().split('\n')[0] ?? '');
    const day = String(called?.['day']);
    assert.match(await done('eve', 'status', day), /waiting-for-approval.*\n▸ +1 nothing: due/);
    const refused = await does('bob', 'approve', day);
    assert.equal(refused.code, 3, refused.err);
    assert.match(refused.out, /refused: bob may not approve; the commander is alice/);
    assert.equal((await does('alice', 'approve', day, '--scenario', '7')).code, 3);
    assert.match(await done('alice', 'approve', day), /^approved: \S+, scenario 1 \(nothing\)$/m);
    await done('bob', 'note', day, 'it', 'has', 'begun');
    await shows(day, /by hand: Look at it/);
    assert.match(await done('carol', 'done', day), /^done: /);
    await shows(day, /✓ 1 /);
    const odd = await does('dan', 'judge', day, 'somebody', 'maybe');
    assert.equal(odd.code, 2);
    assert.match(odd.err, /found maybe, expected yes or no/);
    const wrong = await does('dan', 'judge', day, 'nobody', 'yes');
    assert.match(wrong.err, /expected one that people judge: 2 somebody has looked/);
    await done('dan', 'judge', day, 'somebody', 'yes', '--because', 'I have');
    const { code, out } = await following.ended;
    assert.equal(code, 0, out);
    const finished = eventsOf(out).at(-1);
    assert.deepEqual([finished?.event, finished?.['ending'], finished?.['met']], ['finished', 'completed', 2]);
    assert.match(await done('eve', 'status', day), /completed: 1 of 1 scenarios were done/);
    assert.match(await done('eve', 'list'), new RegExp(`^${day} +completed `, 'm'));
    const late = await does('alice', 'pause', day);
    assert.equal(late.code, 2);
    assert.match(late.err, /is over: completed/);
  });

  it('is called by anybody, begun by its commander, and aborted', async () => {
    const path = await file('called');
    const day = (await done('bob', 'start', path, '--detach')).trim();
    assert.match(await done('bob', 'status', day), /: called\n.*\n`squall gameday begin \S+`, by alice/);
    await done('alice', 'begin', day);
    await done('alice', 'extend', day, '30m');
    await done('bob', 'finding', day, 'nobody came');
    await done('bob', 'action', day, 'ask them', '--owner', 'dan');
    await done('alice', 'pause', day, '--reason', 'lunch');
    await done('alice', 'resume', day);
    await done('alice', 'abort', day, '--reason', 'it is late');
    const watched = await does('eve', 'watch', day);
    assert.equal(watched.code, 6, watched.err);
    assert.match(watched.out, /aborted +it is late, by alice \(not authenticated\)/);
    const events = (await days.store.days.read(day))?.events.map(({ type }) => type) ?? [];
    for (const type of ['extended', 'finding', 'action', 'paused', 'resumed'] as const)
      assert.ok(events.includes(type), type);
  });

  it('is shown from its record where nobody answers, and as lost where it was terminated', async () => {
    const day = (await done('alice', 'start', await file('lost'), '--detach')).trim();
    await shows(day, /waiting-for-approval/);
    await days.lane.kill('control');
    try {
      const { code, out } = await does('eve', 'status', day);
      assert.equal(code, 5, out);
      assert.match(out, /no control worker answers for .*; as its record says:\n[^]*waiting-for-approval/);
      const refused = await does('alice', 'approve', day);
      assert.equal(refused.code, 5);
      assert.match(refused.err, /no control worker answers for .*; nothing was done/);
    } finally {
      await days.lane.start('control');
    }
    await days.lane.client.workflow.getHandle(day).terminate('a test');
    assert.match((await does('eve', 'status', day)).out, /it was ended from outside \(terminated\)/);
    assert.equal((await does('eve', 'watch', day)).code, 6);
    assert.match(await done('eve', 'list'), new RegExp(`^${day} +terminated `, 'm'));
  });

  it('says what is wrong: no day, another workflow, no server, a bad document', async () => {
    for (const verb of [['status'], ['begin'], ['note', 'x']]) {
      const [first = '', ...rest] = verb;
      const { code, err } = await does('alice', first, 'nowhere', ...rest);
      assert.equal(code, 2, err);
      assert.match(err, /there is no game day nowhere; `squall gameday list`/);
    }
    await days.lane.client.workflow.start('emergencyStop', {
      workflowId: 'stop/site/elsewhere',
      taskQueue: 'nobody',
      args: [],
    });
    const other = await does('alice', 'status', 'stop/site/elsewhere');
    assert.match(other.err, /is no game day, but of type emergencyStop/);
    await days.lane.client.workflow.getHandle('stop/site/elsewhere').terminate();
    const away = await squall(['gameday', 'list'], { ...days.env, TEMPORAL_ADDRESS: `127.0.0.1:${await freePort()}` });
    assert.equal(away.code, 5, away.err);
    const bad = join(folder, 'bad.yaml');
    await writeFile(bad, document('bad').replace('commander: alice', 'captain: alice'));
    const invalid = await does('alice', 'start', bad);
    assert.equal(invalid.code, 2);
    assert.match(invalid.err, /bad\.yaml:\d+:\d+/);
    const none = join(folder, 'none.yaml');
    await writeFile(none, document('none').split('---\n')[1] ?? '');
    assert.match((await does('alice', 'start', none)).err, /has no game day/);
  });
});
