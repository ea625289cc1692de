/** The command line with a server, workers and real processes: every ending by its exit code, and nothing left. */
import assert from 'node:assert/strict';
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setMood } from '../../bench/torture/blows.ts';
import type { Lane } from '../../bench/torture/lane.ts';
import { until } from '../until.ts';
import { documentOf, Installation, nameOf, underway } from './installation.ts';
import { eventsOf, squall, start } from './squall.ts';
import type { Started } from './squall.ts';

const GROUPS = ['held', 'deviated', 'aborted', 'killed', 'piped', 'stuck', 'free'] as const;
type Group = (typeof GROUPS)[number];

describe('squall with a server', () => {
  let folder: string;
  let lane: Lane;
  let env: Record<string, string>;
  let about: Installation<Group>['about'];
  let installation: Installation<Group>;
  before(async () => {
    installation = await Installation.open(GROUPS);
    ({ folder, lane, env, about } = installation);
  });
  after(() => installation.close());

  it('plan touches nothing and says what a run would', () =>
    about('held', '1s', async (file, victims) => {
      const { code, out } = await squall(['plan', file], env);
      assert.equal(code, 0, out);
      for (const words of [/stage 1.*\+1 = 1/, /stage 2.*\+1 = 2/, /undo:/, /expir/i, /permission|needs/i, /worst/i]) {
        assert.match(out, words);
      }
      assert.equal(victims.firstStoppedMs, undefined);
    }));

  it('0: the hypothesis held; --json tells it event by event', () =>
    about('held', '6s', async (file) => {
      const { code, out } = await squall(['--json', 'run', file], env);
      assert.equal(code, 0, out);
      const events = eventsOf(out);
      const last = events.at(-1);
      assert.deepEqual([last?.event, last?.['status'], last?.['deviated']], ['finished', 'completed', false]);
      assert.match(String(last?.['report']), /\.html$/);
      assert.equal(new Set(events.map((event) => event['run'])).size, 1, 'each names the run');
    }));

  it('1: deviated, by a stop condition', () =>
    about('deviated', '60s', async (file, victims) => {
      const run = start(['run', file], env);
      await underway(victims);
      lane.level = 10;
      const { code, out } = await run.ended;
      lane.level = 0;
      assert.equal(code, 1, out);
      assert.match(out, /aborted, deviated: .*above 5/);
    }));

  it('2: what is open and no run is neither aborted nor asked where it is', async () => {
    const { workflowId } = await lane.client.workflow.start('emergencyStop', {
      workflowId: 'stop/site/elsewhere',
      taskQueue: 'control',
      args: [{ site: 'elsewhere', reason: 'a test', by: 'a test' }],
    });
    try {
      for (const verb of ['abort', 'status']) {
        const { code, err } = await squall([verb, workflowId], env);
        assert.equal(code, 2, err);
        assert.match(err, /stop\/site\/elsewhere is no run, but of type emergencyStop/);
      }
    } finally {
      await lane.client.workflow.getHandle(workflowId).terminate();
    }
  });

  it('3: refused where the journal cannot be written, and not touched', () =>
    about('free', '60s', async (file, victims) => {
      const journal = join(folder, 'journal');
      await rename(journal, `${journal}.aside`).catch(() => undefined);
      await writeFile(journal, 'a file where a folder should be');
      try {
        const { code, out } = await squall(['run', file], env);
        assert.equal(code, 3, out);
        assert.match(out, /refused.*the journal cannot be written: .*(ENOTDIR|EEXIST)/);
        assert.equal(victims.firstStoppedMs, undefined);
      } finally {
        await rm(journal);
        await rename(`${journal}.aside`, journal).catch(() => undefined);
      }
    }));

  it('3: refused, and not touched', async () => {
    const file = join(folder, 'nobody.yaml');
    await writeFile(file, documentOf('nobody', '1s'));
    const { code, out } = await squall(['run', file], env);
    assert.equal(code, 3, out);
    assert.match(out, /refused/);
    lane.level = 3;
    await about('free', '1s', async (unsteady, victims) => {
      for (const verb of ['plan', 'run']) {
        const refused = await squall([verb, unsteady], env);
        assert.equal(refused.code, 3, refused.out);
        assert.match(refused.out, /level is 3, expected at most 1/);
      }
      assert.equal(victims.firstStoppedMs, undefined);
    }).finally(() => (lane.level = 0));
  });

  it('4: a revert that cannot be confirmed; status says why, and the run ends once it can be', () =>
    about('stuck', '60s', async (file, victims) => {
      const document = documentOf('stuck', '60s').replace('host/pause', 'host/moody-pause');
      await writeFile(file, document);
      const run = start(['run', file], env);
      await underway(victims);
      await setMood(lane, 'fail-revert');
      try {
        assert.equal((await squall(['abort', nameOf(run)], env)).code, 4);
        const { code, out } = await run.ended;
        assert.equal(code, 4, out);
        assert.match(out, /STUCK: a revert cannot be confirmed: .*not verified absent/);
        const status = await squall(['status', nameOf(run)], env);
        assert.match(status.out, /stuck[^]*not verified absent/);
      } finally {
        await setMood(lane, undefined);
      }
      await closed(run);
    }));

  it('6: aborted by a person, as whoever watches it learns; abort itself has succeeded once the rollback is confirmed', () =>
    about('aborted', '60s', async (file, victims) => {
      const detached = await squall(['run', file, '--detach'], env);
      const run = detached.out.trim();
      await underway(victims);
      assert.match((await squall(['status', run], env)).out, /holding|injecting/);
      const watching = start(['watch', run], env);
      assert.ok((await squall(['list'], env)).out.includes(run));
      const aborted = await squall(['abort', run, '--reason', 'enough'], env);
      assert.deepEqual(victims.stopped(), [], 'reverted when abort returns');
      assert.equal(aborted.code, 0, aborted.out);
      assert.equal((await watching.ended).code, 6);
      assert.match((await squall(['status', run], env)).out, /enough/);
      assert.equal((await squall(['abort', run], env)).code, 2, 'it has ended');
      assert.equal((await squall(['status', 'no-such-run'], env)).code, 2);
      assert.ok((await squall(['history'], env)).out.includes(run));
      const { out } = await squall(['report', run, '--format', 'json'], env);
      assert.equal((JSON.parse(out) as { summary: { status: string } }).summary.status, 'aborted');
    }));

  it('a run ends its fault although the terminal that started it was killed', () =>
    about('killed', '6s', async (file, victims) => {
      const run = start(['run', file], env);
      await underway(victims);
      run.child.kill('SIGKILL');
      await run.ended;
      await until(() => victims.stopped().length === 2);
      await until(() => victims.stopped().length === 0);
      await closed(run);
    }));

  it('a pipe that closes early ends the printing, not the run', () =>
    about('piped', '2s', async (file, victims) => {
      const run = start(['run', file], env);
      await underway(victims);
      run.child.stdout?.destroy();
      const { err } = await run.ended;
      assert.doesNotMatch(err, /EPIPE|^ +at /m);
      await closed(run);
    }));

  it('5: a server, and no worker', async () => {
    const file = join(folder, 'elsewhere.yaml');
    await writeFile(file, documentOf('free', '1s').replace('site: torture', 'site: elsewhere'));
    for (const verb of ['plan', 'run']) {
      const { code, err } = await squall([verb, file], env);
      assert.equal(code, 5, err);
      assert.match(err, /no worker serves site\/elsewhere.*squall worker --site elsewhere/);
    }
  });

  /** Waits until the run has ended by itself. */
  async function closed(run: Started): Promise<void> {
    await lane.client.workflow.getHandle(nameOf(run)).result();
  }
});
