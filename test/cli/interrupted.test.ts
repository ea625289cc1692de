/** Signals to `squall run`: whenever they come, the run is aborted, or it is said that it is not. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Lane } from '../../bench/torture/lane.ts';
import { until } from '../until.ts';
import { Gate } from './gate.ts';
import { Installation, nameOf, underway } from './installation.ts';
import { squall, start } from './squall.ts';
import type { Started } from './squall.ts';

/** What a person, a job that is cancelled, and a terminal that is closed send; and the reason that is made of it. */
const SIGNALS = [
  { group: 'ctrl-c', signal: 'SIGINT', reason: 'Ctrl-C' },
  { group: 'cancelled', signal: 'SIGTERM', reason: 'SIGTERM' },
  { group: 'closed', signal: 'SIGHUP', reason: 'SIGHUP' },
] as const;
type Group = (typeof SIGNALS)[number]['group'] | 'away';

describe('squall run, interrupted', () => {
  let installation: Installation<Group>;
  let lane: Lane;
  let env: Record<string, string>;
  let about: typeof installation.about;
  before(async () => {
    installation = await Installation.open<Group>([...SIGNALS.map(({ group }) => group), 'away']);
    ({ lane, env, about } = installation);
  });
  after(() => installation.close());

  describe('by each signal, side by side', { concurrency: true }, () => {
    for (const { group, signal, reason } of SIGNALS) {
      it(`130: ${reason} aborts and waits for the rollback`, () =>
        about(group, '60s', async (file, victims) => {
          const run = start(['run', file], env);
          await underway(victims);
          run.child.kill(signal);
          const { code, out } = await run.ended;
          assert.deepEqual(victims.stopped(), [], 'reverted when it returns');
          assert.equal(code, 130, out);
          assert.match(out, /waiting for the rollback/);
          assert.match(out, new RegExp(`^aborted, no verdict: ${reason}$`, 'm'));
        }));
    }
  });

  /** `squall run` with a gate between it and Temporal. */
  async function gated(file: string, act: (run: Started, gate: Gate) => Promise<void>): Promise<void> {
    const gate = await Gate.to(lane.address);
    try {
      await act(start(['run', file], { ...env, TEMPORAL_ADDRESS: gate.address }), gate);
    } finally {
      await gate.shut();
    }
  }

  it('130: an abort that is not delivered is sent again until it is', () =>
    about('away', '40s', (file, victims) =>
      gated(file, async (run, gate) => {
        await underway(victims);
        await gate.shut();
        run.child.kill('SIGINT');
        // Longer than the client tries by itself.
        await new Promise((resolve) => setTimeout(resolve, 20_000));
        assert.match(run.out(), /the abort is not delivered yet/);
        assert.notDeepEqual(victims.stopped(), [], 'the run goes on');
        await gate.open();
        const { code, out } = await run.ended;
        assert.equal(code, 130, out);
        assert.match(out, /the abort is delivered[^]*reverted/);
        assert.deepEqual(victims.stopped(), []);
      }),
    ));

  it('4: a second Ctrl-C leaves, and says whether the abort is delivered', () =>
    about('away', '40s', (file, victims) =>
      gated(file, async (run, gate) => {
        await underway(victims);
        await gate.shut();
        run.child.kill('SIGINT');
        await until(() => run.out().includes('the abort is not delivered yet'));
        run.child.kill('SIGINT');
        const { code, out } = await run.ended;
        assert.equal(code, 4, out);
        const [, abort = ''] = /the abort is not delivered: `squall (abort \S+)`/.exec(out) ?? assert.fail(out);
        assert.equal((await squall(abort.split(' '), env)).code, 0);
      }),
    ));

  it('130: Ctrl-C while a run is being started aborts it as soon as it is', () =>
    about('away', '40s', (file) =>
      gated(file, async (run, gate) => {
        await gate.deafenAt('The level stays');
        assert.match(run.out(), /^away-\S+: The level stays/, 'its name is told before it is started');
        run.child.kill('SIGINT');
        await until(async () => run.child.exitCode !== null || run.out().includes('aborting'));
        gate.hear();
        const { code, out } = await run.ended;
        assert.equal(code, 130, out);
        await lane.client.workflow.getHandle(nameOf(run)).result();
      }),
    ));

  it('5: whether a run was started may not be known, and its name is told', () =>
    about('away', '1s', (file) =>
      gated(file, async (run, gate) => {
        await gate.deafenAt('The level stays');
        const handle = lane.client.workflow.getHandle(nameOf(run));
        await until(() =>
          handle.describe().then(
            () => true,
            () => false,
          ),
        );
        await gate.shut();
        const { code, out, err } = await run.ended;
        assert.equal(code, 5, out + err);
        assert.match(err, new RegExp(`whether ${nameOf(run)} was started is not known.*squall abort`));
        await handle.result();
      }),
    ));
});
