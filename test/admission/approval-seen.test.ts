/** Nobody approves what they have not seen: who answers is shown the plan, the very one that its hash is of. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openFileStore } from '../../activities/journal/file.ts';
import { planHashOf } from '../../activities/plan-hash.ts';
import { renderReport } from '../../report/html.ts';
import type { AwaitedPlan } from '../../workflows/messages.ts';
import { Installation, nameOf, planAwaited } from '../cli/installation.ts';
import { eventsOf, squall, start } from '../cli/squall.ts';
import type { Ended, Started } from '../cli/squall.ts';
import { ROOT } from '../readme/blocks.ts';
import { until } from '../until.ts';

/** Every Debian has it; what is called so elsewhere takes other options. */
const isThere = /util-linux/.test(spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout ?? '');
const noScript = isThere ? false : 'needs the script of util-linux, for a terminal: install bsdutils, or run .ci/run';

const GROUPS = ['shown', 'asked', 'unseen'] as const;
type Group = (typeof GROUPS)[number];

describe('what is approved is seen', () => {
  let installation: Installation<Group>;
  before(async () => {
    installation = await Installation.open(GROUPS, {
      configuration: `policy:
  version: '1'
  approvals: [{ people: 1, faults: [host/pause] }]
`,
    });
  });
  after(() => installation.close());
  const asBob = (): Record<string, string> => ({ ...installation.env, SQUALL_AS: 'bob' });

  /** A run that waits for one other person. */
  const waiting = (
    group: Group,
    act: (run: string, plan: string, started: Started) => Promise<unknown>,
  ): Promise<void> =>
    installation.about(group, '6s', async (file) => {
      const started = start(['run', file, '--seed', 'any'], installation.env);
      await until(() => /waits for 1 approval/.test(started.out()));
      const run = nameOf(started);
      await act(run, await planAwaited(installation.lane, run), started);
      await started.ended;
    });

  it('`status` shows the plan as `squall plan` does, and --json has it whole', () =>
    waiting('shown', async (run, plan, started) => {
      const { code, out } = await squall(['status', run], installation.env);
      assert.equal(code, 0);
      assert.match(out, /^host\/pause at torture, 3 candidates$/m);
      assert.match(out, /^ {2}stage 1 +1 {2}\+1 = 1: shown\/shown-\d@\S+ \(time-to-live 30s\)$/m);
      assert.match(out, /^ {2}stage 2 +2 {2}\+1 = 2: shown\/shown-\d@\S+ \(time-to-live 30s\)$/m);
      assert.match(out, /^targets: +\{"group":"shown"\}$/m);
      assert.match(out, new RegExp(`^plan: +${plan}$`, 'm'));
      const json = await squall(['status', run, '--json'], installation.env);
      const event = eventsOf(json.out).find(({ event: name }) => name === 'awaiting-approval');
      const shown = event?.['shown'] as AwaitedPlan & AwaitedPlan['found'];
      assert.equal(
        planHashOf(shown.experiment, shown.seed, shown),
        plan,
        'whoever reads it can tell that it is the plan',
      );
      assert.equal(shown.targets.length, 2);
      for (const target of shown.targets) assert.ok(out.includes(target));

      const blind = await squall(['approve', run], asBob());
      assert.equal(blind.code, 2);
      assert.match(blind.err, /expected --plan HASH where nobody can be asked; `squall status \S+` shows the plan/);
      const short = await squall(['approve', run, '--plan', plan.slice(0, 7)], asBob());
      assert.equal(short.code, 2);
      assert.match(short.err, /expected 8 digits of the hash at least/);
      assert.equal((await squall(['approve', run, '--plan', plan.slice(0, 8)], asBob())).code, 0);
      assert.equal((await started.ended).code, 0);
      const journal = await openFileStore(join(installation.folder, 'journal')).read(run);
      const report = renderReport(journal ?? assert.fail());
      assert.ok(report.includes(`plan ${plan.slice(0, 12)} by bob`));
      for (const target of shown.targets) assert.ok(report.includes(target), 'the report shows what was approved');
    }));

  /** `squall approve` on a terminal, at which `said` is typed once it asks. */
  async function typed(run: string, said: string): Promise<Ended> {
    const child = spawn('script', ['-qec', `exec bin/squall approve ${run}`, '/dev/null'], {
      cwd: ROOT,
      env: { ...process.env, ...asBob() },
    });
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => {
      if (/\[y\/N\] /.test(out)) return void (out += chunk.toString());
      out += chunk.toString();
      if (/\[y\/N\] /.test(out)) child.stdin.write(`${said}\n`);
    });
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, out, err: '' };
  }

  it('on a terminal `approve` shows the plan and asks, and takes only a yes', { skip: noScript }, () =>
    waiting('asked', async (run, plan, started) => {
      const no = await typed(run, '');
      assert.equal(no.code, 3, no.out);
      assert.match(no.out, new RegExp(`plan: +${plan}`));
      assert.match(no.out, /stage 2 +2 {2}\+1 = 2: asked\/asked-\d@/);
      assert.match(no.out, /nothing is approved/);
      assert.equal(await planAwaited(installation.lane, run), plan, 'it still waits');
      const yes = await typed(run, 'yes');
      assert.equal(yes.code, 0, yes.out);
      assert.match(yes.out, /approved: .*: 1 of 1/);
      assert.equal((await started.ended).code, 0);
    }),
  );

  it('a plan that nobody waits with is not shown as if somebody did', () =>
    waiting('unseen', async (run, plan) => {
      assert.equal((await squall(['reject', run, '--plan', plan, '--reason', 'no'], asBob())).code, 0);
      const { out } = await squall(['status', run], installation.env);
      assert.doesNotMatch(out, /^plan: /m);
      assert.match(out, /rejected +by bob/);
    }));
});
