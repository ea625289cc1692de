/** `npm run test:aws`, on an emulator: what it makes is gone in the end, whatever happens meanwhile, and nobody's account is taken for another. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { after, describe, it } from 'node:test';
import { OWNED_BY } from '../../activities/faults/aws/own-tags.ts';
import { cloudOf } from '../../activities/aws/cloud.ts';
import { openDrivers } from '../../activities/faults/registry.ts';
import { like } from './authorization.ts';
import { whyNoMoto } from './moto.ts';
import { whyNotIn, whyUnasked } from './sandbox/confirmation.ts';
import { ACCOUNT, Emulated, SCRIPT, xml } from './sandbox/emulated.ts';
import { Looks } from './sandbox/looks.ts';
import { SANDBOX } from './sandbox/place.ts';
import { refusal } from './shim.ts';
import { isDry } from './shim/call.ts';
import type { Answer, Call } from './shim.ts';

const TRIED = ['instance-stop', 'security-group-isolate', 'az-outage', 'asg-scale', 'asg-zone-removal'];

/** Whether a call that makes something tags it in the same moment. */
function isTagged(call: Call): boolean {
  const own = Object.values(call.params).some((value) => value === SANDBOX || value === OWNED_BY);
  return own || !/:(?:Create(?!Tags|OrUpdateTags|Route)|RunInstances)/.test(call.name);
}

/** What whoever runs a sandbox must be allowed, as docs/aws.md says: its own list, and what the faults need. */
async function documented(): Promise<string[]> {
  const page = await readFile(join(import.meta.dirname, '..', '..', 'docs', 'aws.md'), 'utf8');
  const list = page.split('### Run it on AWS')[1] ?? '';
  const site = { name: 'aws', installation: 'squall', stateDir: '/nowhere', settings: {} };
  const drivers = [...(await openDrivers(site)).values()].filter(({ kind }) => TRIED.includes(kind.slice(4)));
  const needed = drivers.flatMap(({ permissions }) => permissions.flatMap(({ actions = [] }) => actions));
  return [
    ...needed.flatMap(({ actions }) => actions),
    ...Array.from(list.matchAll(/`([a-z0-9]+:[A-Z]\w*\*?)`/g), ([, one = '']) => one),
  ];
}

describe('a sandbox in an account', { skip: await whyNoMoto(), concurrency: 4 }, () => {
  it('puts on every fault, sees it, takes it off, and leaves nothing', async () => {
    await using place = await Emulated.open();
    const ended = await place.run();
    assert.equal(ended.code, 0, ended.said);
    for (const fault of TRIED)
      assert.match(ended.said, new RegExp(`^aws/${fault} .* s +as promised$`, 'm'), `${fault}: ${ended.said}`);
    assert.match(ended.said, /about \$0\.07 an hour: 6 × \(\$0\.0104 for a t3\.micro/);
    assert.match(ended.said, /nothing with the tag squall:sandbox=[0-9a-f]{8} is left/);
    assert.deepEqual(await place.left(ended), []);
    const { log } = place.account.shim;
    assert.deepEqual(
      log.filter(({ call }) => !isTagged(call)),
      [],
      'all that is made is tagged in the call that makes it',
    );
    const actions = await documented();
    const unsaid = place.account.shim.asked.filter((action) => !actions.some((one) => like(one, action)));
    assert.deepEqual(unsaid, [], 'what docs/aws.md does not say that it needs');
    const [launched] = place.account.shim.callsOf('ec2:RunInstances');
    assert.equal(launched?.params['ImageId'], 'ami-00000000000000002');
  });

  it('that Systems Manager reaches has a way out, which goes too', async () => {
    await using place = await Emulated.open();
    await place.profile('sandbox-ssm');
    const ended = await place.run('--instance-profile', 'sandbox-ssm', '--only', 'asg-zone-removal');
    assert.equal(ended.code, 0, ended.said);
    const { shim } = place.account;
    assert.deepEqual(
      shim.callsOf('ec2:RunInstances').map(({ params }) => params['IamInstanceProfile.Name']),
      ['sandbox-ssm', 'sandbox-ssm'],
    );
    assert.equal(shim.callsOf('ec2:CreateRoute').length, 1);
    const actions = await documented();
    const unsaid = shim.asked.filter((action) => !actions.some((one) => like(one, action)));
    assert.deepEqual(unsaid, [], 'what docs/aws.md does not say that it needs');
    assert.equal(shim.callsOf('ec2:DeleteInternetGateway').length, 1);
    assert.deepEqual(
      shim.log.filter(({ call }) => !isTagged(call)),
      [],
    );
    assert.deepEqual(await place.left(ended), []);
  });

  it('sees how busy a processor is by what the kernel counts', async () => {
    await using place = await Emulated.open();
    const { shim, settings, region } = place.account;
    const json = (body: unknown): Answer => ({
      status: 200,
      headers: { 'content-type': 'application/x-amz-json-1.1' },
      body: JSON.stringify(body),
    });
    shim.before('ssm:SendCommand', () => json({ Command: { CommandId: 'one' } }));
    const Output = '1000 4000\n1125 4500\n';
    shim.before('ssm:ListCommandInvocations', () =>
      json({ CommandInvocations: [{ Status: 'Success', CommandPlugins: [{ Output }] }] }),
    );
    assert.equal(await new Looks(cloudOf(settings).region(region)).busyOf('i-0123456789abcdef0'), 75);
  });

  for (const [when, action] of [
    ['while it is made', 'ec2:CreateSubnet'],
    ['while a group is made', 'autoscaling:CreateAutoScalingGroup'],
    ['in mid-fault', 'ec2:ReplaceNetworkAclAssociation'],
    ['in mid-revert', 'ec2:DeleteNetworkAcl'],
  ] as const)
    it(`that is called off ${when} leaves nothing`, async () => {
      await using place = await Emulated.open();
      const child = place.start('--account', ACCOUNT, '--only', 'az-outage');
      // Twice, as from a terminal: npm hands it on to whom it has come already.
      place.account.shim.before(action, (call) => {
        if (!isDry(call)) for (const signal of ['SIGINT', 'SIGINT'] as const) child.kill(signal);
        return undefined;
      });
      const ended = await place.ended(child);
      assert.equal(ended.code, 130, ended.said);
      assert.match(ended.said, /SIGINT: everything is being removed/);
      assert.deepEqual(await place.left(ended), []);
    });

  it('that cannot be made leaves nothing, and says why', async () => {
    await using place = await Emulated.open();
    const denied = (call: Call): Answer => refusal(call, 'AccessDenied', 'You may not make groups.', 403);
    place.account.shim.before('autoscaling:CreateAutoScalingGroup', denied);
    const ended = await place.run();
    assert.equal(ended.code, 1, ended.said);
    assert.match(ended.said, /it went wrong: AccessDenied: You may not make groups/);
    assert.deepEqual(await place.left(ended), []);
  });

  it('whose fault fails goes on with the others, says which, and leaves nothing', async () => {
    await using place = await Emulated.open();
    const denied = (call: Call): Answer => refusal(call, 'UnauthorizedOperation', 'You may not swap groups.', 403);
    place.account.shim.before('ec2:ModifyNetworkInterfaceAttribute', denied);
    const ended = await place.run('--only', 'security-group-isolate,asg-scale');
    assert.equal(ended.code, 1, ended.said);
    assert.match(ended.said, /^aws\/security-group-isolate .*You may not swap groups/m);
    assert.match(ended.said, /^aws\/asg-scale .* as promised$/m);
    assert.deepEqual(await place.left(ended), []);
  });

  it('that lies, or whose fault lies, is found out: what the driver says is not what is seen', async () => {
    await using place = await Emulated.open();
    place.account.shim.before('ec2:ReplaceNetworkAclAssociation', (call) =>
      isDry(call)
        ? undefined
        : xml(
            'ReplaceNetworkAclAssociation',
            'http://ec2.amazonaws.com/doc/2016-11-15/',
            '<newAssociationId>aclassoc-1</newAssociationId>',
          ),
    );
    const ended = await place.run('--only', 'az-outage', '--patience', '10s');
    assert.equal(ended.code, 1, ended.said);
    assert.doesNotMatch(ended.said, /as promised/);
    assert.deepEqual(await place.left(ended), []);
  });

  it('that cannot be removed is told, thing by thing, and is removed later by its id', async () => {
    await using place = await Emulated.open();
    const { account } = place;
    const denied = (call: Call): Answer => refusal(call, 'UnauthorizedOperation', 'You may not.', 403);
    const allow = account.shim.before('ec2:DeleteVpc', denied);
    const ended = await place.run('--only', 'asg-scale', '--patience', '20s');
    assert.equal(ended.code, 1, ended.said);
    assert.match(ended.said, /LEFT in the account/);
    assert.match(ended.said, /network vpc-[0-9a-f]+: UnauthorizedOperation: You may not/);
    assert.equal((await place.left(ended)).length, 1);
    allow();
    const again = await place.run('--remove', ended.id);
    assert.equal(again.code, 0, again.said);
    assert.deepEqual(await place.left(ended), []);
  });

  it('is refused in another account than the one that is named, before anything is made', async () => {
    await using place = await Emulated.open();
    const { code, said } = await place.ended(place.start('--account', '999999999999'));
    assert.equal(code, 3, said);
    assert.match(said, /of account 123456789012, not of 999999999999; nothing was made/);
    assert.deepEqual(place.account.shim.asked, ['sts:GetCallerIdentity']);
  });

  it('is refused without a terminal and without an account, and asks AWS nothing', async () => {
    await using place = await Emulated.open();
    const { code, said } = await place.ended(place.start());
    assert.equal(code, 3, said);
    assert.match(said, /no terminal to ask in: say which account it is/);
    assert.deepEqual(place.account.shim.log, []);
  });

  it('needs a region, and says how it is used', async () => {
    await using place = await Emulated.open();
    const child = spawn(process.execPath, [SCRIPT, '--account', ACCOUNT], { stdio: ['ignore', 'pipe', 'pipe'] });
    assert.equal((await place.ended(child)).code, 2);
    const { code, said } = await place.ended(place.start('--help'));
    assert.equal(code, 0);
    assert.match(said, /Examples:\n\s+npm run test:aws -- --region eu-west-1\n/);
  });
});

describe('an account', () => {
  const output = new PassThrough();
  output.resume();
  after(() => output.destroy());
  /** What is typed into a terminal, whose end comes after it. */
  const typing = (words: string): PassThrough & { isTTY?: boolean } => {
    const input: PassThrough & { isTTY?: boolean } = new PassThrough();
    input.isTTY = true;
    input.end(words);
    return input;
  };

  it('is confirmed by whoever types its id, and by nothing else', async () => {
    assert.equal(whyUnasked(undefined, { input: typing(''), output }), undefined);
    assert.equal(await whyNotIn(ACCOUNT, undefined, { input: typing(`${ACCOUNT}\n`), output }), undefined);
    for (const words of ['yes\n', '\n', '', '12345678901\n', '210987654321\n'])
      assert.match(
        (await whyNotIn(ACCOUNT, undefined, { input: typing(words), output })) ?? '',
        /credentials are of/,
        words,
      );
    assert.match((await whyNotIn(undefined, undefined, { input: typing('\n'), output })) ?? '', /does not say which/);
  });
});
