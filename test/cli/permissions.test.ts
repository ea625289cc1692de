/** `squall faults --permissions`: a cluster's role, an account's policy, and what is said where it cannot be told which. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { IamPolicy } from '../../activities/aws/iam.ts';
import { eventsOf, squall } from './squall.ts';

/** Drivers as far as this verb looks at them. */
const PLUGIN = `
const driver = (kind, ...permissions) => () => ({ kind, summary: kind, reversal: 'reverted', expiry: 'none', undo: '-', permissions });
const instances = ['ec2:instance/*'];
export const drivers = [
  driver('cloud/halt',
    { needs: 'to look', actions: [{ actions: ['ec2:DescribeInstances'] }] },
    { needs: 'to stop', actions: [{ actions: ['ec2:StopInstances'], resources: instances, harms: true }] },
    { needs: 'to start', actions: [{ actions: ['ec2:StartInstances'], resources: instances }] },
    { needs: 'to tag', actions: [{ actions: ['ec2:CreateTags'], resources: instances }] }),
  driver('cloud/only-harm', { needs: 'to end', actions: [{ actions: ['ec2:TerminateInstances'], resources: instances, harms: true }] }),
  driver('cloud/vast', { needs: 'much', actions: [
    { actions: Array.from({ length: 300 }, (_, i) => 'ec2:DescribeSomethingVeryLong' + i) } ] }),
];
`;

describe('squall faults --permissions', { concurrency: 2 }, () => {
  let folder: string;
  let env: Record<string, string>;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'squall-permissions-'));
    await writeFile(join(folder, 'cloud.mjs'), PLUGIN);
    await writeFile(join(folder, 'squall.yaml'), 'plugins: [./cloud.mjs]\n');
    env = { SQUALL_CONFIG: join(folder, 'squall.yaml') };
  });
  after(() => rm(folder, { recursive: true, force: true }));
  const asked = async (...args: string[]): Promise<{ code: number | null; out: string; err: string }> =>
    squall(['faults', ...args], env);

  it('prints one policy, which is JSON; iam is the default where all are an account’s', async () => {
    const { code, out, err } = await asked('cloud/halt', '--permissions', 'iam');
    assert.deepEqual([code, err], [0, '']);
    const policy = JSON.parse(out) as IamPolicy;
    assert.equal(policy.Version, '2012-10-17');
    assert.deepEqual(
      policy.Statement.map(({ Sid, Effect, Action }) => [Sid, Effect, Action]),
      [
        ['ChangeEc2Instance', 'Allow', ['ec2:StartInstances', 'ec2:StopInstances']],
        ['Look', 'Allow', ['ec2:DescribeInstances']],
        ['TagEc2Instance', 'Allow', ['ec2:CreateTags']],
      ],
    );
    assert.equal((await asked('cloud/halt', '--permissions')).out, out);
    assert.equal((await asked('--permissions', 'iam', 'cloud/halt')).out, out);
    const [event] = eventsOf((await asked('cloud/halt', '--permissions', '--json')).out);
    assert.deepEqual([event?.event, event?.['policy']], ['policy', policy]);
  });

  it('narrows it by --tag, and by --sweep to what ends', async () => {
    const { out } = await asked('cloud/halt', '--permissions', 'iam', '--tag', 'chaos=allowed', '--sweep');
    const { Statement } = JSON.parse(out) as IamPolicy;
    assert.deepEqual(Statement[0]?.Action, ['ec2:StartInstances']);
    assert.deepEqual(Statement[0].Condition, { StringEquals: { 'aws:ResourceTag/chaos': 'allowed' } });
  });

  it('says on the other side that it is too long, with what to do', async () => {
    const { code, out, err } = await asked('--permissions', 'iam');
    assert.equal(code, 0);
    assert.ok((JSON.parse(out) as IamPolicy).Statement.length > 0);
    assert.match(
      err,
      /^squall: this policy has \d+ characters, and a managed one may have 6144: print it for fewer .*\n$/,
    );
    const json = await asked('cloud/vast', '--permissions', '--json');
    assert.equal(json.err, '');
    assert.ok(Number(eventsOf(json.out)[0]?.['characters']) > Number(eventsOf(json.out)[0]?.['charactersMax']));
  });

  it('prints a cluster’s role as ever, wherever the fault stands', async () => {
    const { code, out } = await asked('kubernetes/scale', '--permissions');
    assert.equal(code, 0);
    assert.match(out, /^apiVersion: rbac\.authorization\.k8s\.io\/v1\nkind: ClusterRole\n/);
    assert.equal((await asked('--permissions', 'kubernetes/scale')).out, out);
    assert.equal((await asked('kubernetes/scale', '--permissions', 'rbac')).out, out);
    assert.equal(
      (await asked('kubernetes/scale', 'cloud/halt', '--permissions', 'rbac', '--role', 'squall-kubernetes-scale')).out,
      out,
    );
    assert.match((await asked('--permissions')).out, /kind: ClusterRole/);
  });

  it('refuses what it cannot tell or does not know, with what to say instead', async () => {
    for (const [args, words] of [
      [
        ['kubernetes/scale', 'cloud/halt', '--permissions'],
        /kubernetes\/scale is a cluster's and cloud\/halt an AWS account's: say --permissions rbac or --permissions iam/,
      ],
      [['--permissions', 'xml'], /found --permissions xml, expected --permissions rbac or --permissions iam/],
      [['kubernetes/scale', '--permissions', 'iam'], /kubernetes\/scale needs nothing of an AWS account/],
      [['cloud/only-harm', '--permissions', '--sweep'], /cloud\/only-harm needs nothing of an AWS account to be ended/],
      [['cloud/halt', '--permissions', 'rbac'], /cloud\/halt needs nothing of a cluster/],
      [['host/pause', '--permissions'], /host\/pause needs nothing of a cluster/],
      [
        ['cloud/halt', '--permissions', '--tag', 'chaos'],
        /found --tag chaos, expected a tag of your own such as chaos=allowed/,
      ],
      [['cloud/halt', '--permissions', '--role', 'x'], /--role is for --permissions rbac/],
      [['kubernetes/scale', '--permissions', '--sweep'], /--tag and --sweep are for --permissions iam/],
      [['cloud/halt', '--tag', 'a=b'], /say how --permissions is printed/],
      [['--permissions', 'cloud/none'], /there is no fault cloud\/none/],
    ] as const) {
      const { code, out, err } = await asked(...args);
      assert.deepEqual([code, out], [2, ''], args.join(' '));
      assert.match(err, words);
      assert.equal(err.trim().split('\n').length, 1);
    }
  });
});
