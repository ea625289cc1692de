/** What drivers ask of AWS, held against the policy that they say they need: it allows all of that, and nothing more that changes anything. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { iamPolicy } from '../../activities/aws/iam.ts';
import { Bench, until } from '../../activities/faults/conformance-bench.ts';
import type { LabTarget } from '../../activities/faults/conformance-bench.ts';
import { parseAwsTarget, AWS_KINDS } from '../../activities/faults/aws/target.ts';
import type { FaultDriver, IamStatement } from '../../activities/faults/driver.ts';
import { targets } from '../../activities/targets/aws.ts';
import { selector } from '../../activities/targets/aws-selector.ts';
import { AWS_LABS } from '../conformance/aws-labs.ts';
import type { AwsLab } from '../conformance/aws-labs.ts';
import { Account } from './account.ts';
import { askedBy, isAllowed, like } from './authorization.ts';
import type { Asked } from './authorization.ts';
import { whyNoMoto } from './moto.ts';

/** What no fault's calm life needs, by driver and action, or resource besides, and when it is needed. */
const SELDOM: Readonly<Record<string, string>> = {
  'aws/security-group-isolate ec2:RevokeSecurityGroupIngress': 'somebody has given the empty group a rule',
  'aws/instance-stop kms:CreateGrant':
    'EC2 asks for it in the name of who starts what has volumes with a key of their own',
  'aws/instance-stop autoscaling:SetInstanceHealth': 'its group has taken it for unhealthy all the same',
  'aws/fis fis:UntagResource fis:experiment/*':
    'its template was deleted in mid-fault, and the experiment stands in for it',
  'aws/instance-cpu ssm:CancelCommand': 'nobody waits for the answer any more',
  'aws/instance-memory ssm:CancelCommand': 'nobody waits for the answer any more',
  'aws/instance-disk-fill ssm:CancelCommand': 'nobody waits for the answer any more',
  'aws/instance-network ssm:CancelCommand': 'nobody waits for the answer any more',
};
const LOOKS = /:(?:Describe|Get|List)/;
/** Only what has it may be harmed. */
const TAG = { key: 'chaos', value: 'allowed' };

/** What a fault has asked. */
interface Life {
  readonly driver: FaultDriver<unknown>;
  readonly asked: readonly Asked[];
  /** Of that, what whoever ends it has asked, who has found it left over. */
  readonly ending: readonly Asked[];
}

it('a policy allows what it says of what it says, and nothing beside that', () => {
  const mine = 'aws:ResourceTag/squall:own';
  const keys = { 'aws:TagKeys': ['squall:fault'] };
  const statements: IamStatement[] = [
    { actions: ['ec2:StopInstances', 'ec2:CreateTags'], resources: ['ec2:instance/*'] },
    { actions: ['ec2:DeleteNetworkAcl'], resources: ['ec2:network-acl/*'], of: 'ours' },
    { actions: ['ec2:DescribeInstances'] },
  ];
  const policy = iamPolicy([{ needs: 'a test', actions: statements }]);
  const may = (action: string, resource?: string, context: Asked['context'] = {}): boolean =>
    isAllowed(policy, { action, resource, context });
  assert.ok(may('ec2:StopInstances', 'ec2:instance/i-1'));
  assert.ok(!may('ec2:StopInstances', 'ec2:subnet/subnet-1'));
  assert.ok(!may('ec2:StopInstances'));
  assert.ok(!may('ec2:StartInstances', 'ec2:instance/i-1'));
  assert.ok(may('ec2:DescribeInstances'));
  assert.ok(may('ec2:CreateTags', 'ec2:instance/i-1', keys));
  assert.ok(!may('ec2:CreateTags', 'ec2:instance/i-1', { 'aws:TagKeys': ['squall:fault', 'Name'] }));
  assert.ok(!may('ec2:CreateTags', 'ec2:instance/i-1'));
  assert.ok(may('ec2:DeleteNetworkAcl', 'ec2:network-acl/acl-1', { [mine]: ['squall'] }));
  assert.ok(!may('ec2:DeleteNetworkAcl', 'ec2:network-acl/acl-1'));
});

const SKIP = await whyNoMoto();
if (SKIP !== false) it('permissions of faults in an account', { skip: SKIP }, () => undefined);
else
  void describe('permissions of faults in an account', { concurrency: 8 }, () => {
    const byDriver = Map.groupBy(AWS_LABS, ({ name }) => name.split(/[ ,(]/)[0] ?? name);
    for (const [kind, labs] of byDriver) void it(`${kind} is allowed what it asks, and no more`, () => judge(labs));
  });

async function judge(labs: readonly AwsLab[]): Promise<void> {
  const lives = await Promise.all(labs.map(live));
  const [driver] = lives.map((life) => life.driver);
  assert.ok(driver !== undefined);
  const { kind, permissions } = driver;
  const asked = lives.flatMap((life) => life.asked);
  assert.deepEqual(denied(asked, iamPolicy(permissions, { tag: TAG })), [], 'what its permissions do not allow');
  const ending = lives.flatMap((life) => life.ending);
  const sweep = iamPolicy(permissions, { tag: TAG, sweep: true });
  assert.deepEqual(denied(ending, sweep), [], 'what a sweep may not do');

  const declared = permissions
    .flatMap(({ actions = [] }) => actions)
    .flatMap(({ actions, resources = [undefined] }) =>
      actions.flatMap((action) => (LOOKS.test(action) ? [] : resources.map((resource) => ({ action, resource })))),
    );
  const namesOf = ({ action, resource }: (typeof declared)[number]): string[] => [
    `${kind} ${action}`,
    `${kind} ${action} ${resource ?? ''}`,
  ];
  const unused = declared.filter(
    (one) =>
      !namesOf(one).some((name) => Object.hasOwn(SELDOM, name)) &&
      !asked.some(({ action, resource }) => action === one.action && like(one.resource ?? '*', resource ?? '')),
  );
  assert.deepEqual(unused, [], 'what it may change, and never does');
  const known = new Set(declared.flatMap(namesOf));
  const stale = Object.keys(SELDOM).filter((name) => name.startsWith(`${kind} `) && !known.has(name));
  assert.deepEqual(stale, [], 'what is said to be seldom, and is not even declared');
}

function denied(asked: readonly Asked[], policy: Parameters<typeof isAllowed>[0]): string[] {
  const words = ({ action, resource = 'nothing', context }: Asked): string =>
    `${action} of ${resource.replace(/[0-9a-f]{8,}$/, '…')} with ${JSON.stringify(context)}`;
  return [...new Set(asked.filter((one) => !isAllowed(policy, one)).map(words))];
}

/** A fault from the choice of its target until nothing of it is left, and whatever is asked meanwhile. */
async function live({ open }: AwsLab): Promise<Life> {
  await using closing = new AsyncDisposableStack();
  const account = await Account.open();
  closing.defer(() => account.close());
  const asked: Asked[] = [];
  // Before those of the lab: one of them may answer in the place of the account.
  account.shim.before('*', async (call) => {
    asked.push(...(await askedBy(call, account)));
    return undefined;
  });
  const bench = await Bench.open(await open(account));
  closing.defer(() => bench.close());
  const { driver, params, attempt } = bench;
  const target = await bench.target();
  await chosen(target, account);
  const fault = bench.fault(target);
  assert.deepEqual(await driver.check(params), []);
  assert.equal((await driver.occupied([target.id])).size, 0);
  assert.deepEqual([...((await driver.unfit?.([target.id], params)) ?? [])], []);
  assert.deepEqual(await bench.inject(fault), ['injected']);
  if (driver.renew !== undefined) assert.deepEqual(await bench.renew(fault), ['renewed']);
  assert.deepEqual(await driver.verify([fault], attempt), ['active']);
  const before = asked.length;
  const sweeper = bench.reopened();
  const found = (await Array.fromAsync(sweeper.leftovers())).find((one) => one.fault.id === fault.id);
  assert.ok(found !== undefined, 'it is not left over');
  const [{ result, detail } = {}] = await sweeper.revert([found.fault], attempt);
  assert.ok(result === 'reverted' || result === 'absent', `${result ?? ''}: ${detail ?? ''}`);
  await target.heal?.();
  await until(async () => (await sweeper.verify([fault], attempt))[0] === 'absent');
  await Array.fromAsync(sweeper.leftovers());
  const own = asked.map((one) => withTag(one, target));
  return { driver, asked: own, ending: own.slice(before) };
}

/** The target is looked for as a plan does. */
async function chosen({ id }: LabTarget, { settings, region }: Account): Promise<void> {
  const site = { name: 'lab', installation: 'lab', stateDir: '/nowhere', settings: { aws: settings } };
  const { kind, name } = parseAwsTarget(id, AWS_KINDS);
  const wanted = selector.parse({ kind, region, ids: [name] });
  const { targets: found } = await targets(site).resolve(wanted, AbortSignal.timeout(60_000));
  assert.ok(found.includes(id), `${id} is no candidate`);
}

/** Of all that is asked about, the target alone has the tag that narrows. */
function withTag({ action, resource, context }: Asked, { id }: LabTarget): Asked {
  const { name } = parseAwsTarget(id, AWS_KINDS);
  const isTarget = resource !== undefined && new RegExp(`[:/]${RegExp.escape(name)}$`).test(resource);
  const tag = isTarget ? { [`aws:ResourceTag/${TAG.key}`]: [TAG.value] } : {};
  return { action, resource, context: { ...context, ...tag } };
}
