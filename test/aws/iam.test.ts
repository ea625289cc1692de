/** The IAM policy of faults: what it allows, how it is narrowed, and that every driver says what it needs. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { charactersOf, iamPolicy, tagOf } from '../../activities/aws/iam.ts';
import type { IamPolicy } from '../../activities/aws/iam.ts';
import type { IamStatement, Permission } from '../../activities/faults/driver.ts';
import { openDrivers } from '../../activities/faults/registry.ts';

const permissions = (...actions: IamStatement[]): Permission[] =>
  actions.map((statement) => ({ needs: 'a test', actions: [statement] }));
const policy = (...actions: IamStatement[]): IamPolicy => iamPolicy(permissions(...actions));

const LOOK: IamStatement = { actions: ['ec2:DescribeSubnets', 'ec2:DescribeInstances'] };
const STOP: IamStatement = { actions: ['ec2:StopInstances'], resources: ['ec2:instance/*'], harms: true };
const START: IamStatement = { actions: ['ec2:StartInstances'], resources: ['ec2:instance/*'] };
const TAG: IamStatement = { actions: ['ec2:DeleteTags', 'ec2:CreateTags'], resources: ['ec2:instance/*'] };
const OURS_ALONE = {
  'ForAllValues:StringLike': { 'aws:TagKeys': ['squall:*'] },
  Null: { 'aws:TagKeys': 'false' },
};

describe('the IAM policy of faults', () => {
  it('allows what drivers say, actions sorted, the same in one statement, in any order', () => {
    const printed = policy(STOP, LOOK, START, { actions: ['ec2:DescribeInstances', 'rds:DescribeDBInstances'] });
    assert.deepEqual(printed, {
      Version: '2012-10-17',
      Statement: [
        {
          Sid: 'ChangeEc2Instance',
          Effect: 'Allow',
          Action: ['ec2:StartInstances', 'ec2:StopInstances'],
          Resource: ['arn:aws:ec2:*:*:instance/*'],
        },
        {
          Sid: 'Look',
          Effect: 'Allow',
          Action: ['ec2:DescribeInstances', 'ec2:DescribeSubnets', 'rds:DescribeDBInstances'],
          Resource: '*',
        },
      ],
    });
    assert.deepEqual(policy(LOOK, STOP, START), policy(START, STOP, LOOK));
  });

  it('allows each kind of resource the actions that were asked for it, and no others', () => {
    const { Statement } = policy(
      { actions: ['rds:FailoverDBCluster'], resources: ['rds:cluster:*'] },
      { actions: ['rds:RebootDBInstance'], resources: ['rds:db:*'] },
      { actions: ['rds:AddTagsToResource'], resources: ['rds:cluster:*', 'rds:db:*'] },
      {
        actions: ['autoscaling:SuspendProcesses'],
        resources: ['autoscaling:autoScalingGroup:*:autoScalingGroupName/*'],
      },
    );
    assert.deepEqual(
      Statement.map(({ Sid, Action, Resource }) => [Sid, Action, Resource]),
      [
        [
          'ChangeAutoscalingAutoScalingGroup',
          ['autoscaling:SuspendProcesses'],
          ['arn:aws:autoscaling:*:*:autoScalingGroup:*:autoScalingGroupName/*'],
        ],
        ['ChangeRdsCluster', ['rds:FailoverDBCluster'], ['arn:aws:rds:*:*:cluster:*']],
        ['ChangeRdsDb', ['rds:RebootDBInstance'], ['arn:aws:rds:*:*:db:*']],
        ['TagRdsClusterRdsDb', ['rds:AddTagsToResource'], ['arn:aws:rds:*:*:cluster:*', 'arn:aws:rds:*:*:db:*']],
      ],
    );
  });

  for (const action of [
    'ec2:CreateTags',
    'ec2:DeleteTags',
    'autoscaling:CreateOrUpdateTags',
    'autoscaling:DeleteTags',
    'rds:AddTagsToResource',
    'rds:RemoveTagsFromResource',
    'fis:TagResource',
    'fis:UntagResource',
  ])
    it(`lets ${action} have tags of ours alone, and never none, by which all would go`, () => {
      for (const whose of ['targets', 'ours', 'others'] as const) {
        const [statement] = policy({ actions: [action], resources: ['ec2:instance/*'], of: whose }).Statement;
        assert.deepEqual(statement?.Condition?.['ForAllValues:StringLike'], { 'aws:TagKeys': ['squall:*'] });
        assert.equal(statement.Condition['Null']?.['aws:TagKeys'], 'false');
      }
      const [anywhere] = policy({ actions: [action] }).Statement;
      assert.deepEqual(anywhere?.Condition, OURS_ALONE);
    });

  it('has one statement for tags of several services, but never gives one an action that it was not asked for', () => {
    const condition = { 'ForAllValues:StringLike': { 'aws:TagKeys': ['squall:*'] }, Null: { 'aws:TagKeys': 'false' } };
    const groups = {
      actions: ['autoscaling:DeleteTags'],
      resources: ['autoscaling:autoScalingGroup:*:autoScalingGroupName/*'],
    };
    const subnets: IamStatement = { actions: ['ec2:CreateTags'], resources: ['ec2:subnet/*'] };
    assert.deepEqual(policy(TAG, groups, subnets).Statement, [
      {
        Sid: 'Tag',
        Effect: 'Allow',
        Action: ['autoscaling:DeleteTags', 'ec2:CreateTags', 'ec2:DeleteTags'],
        Resource: ['arn:aws:autoscaling:*:*:autoScalingGroup:*:autoScalingGroupName/*', 'arn:aws:ec2:*:*:instance/*'],
        Condition: condition,
      },
      {
        Sid: 'TagEc2Subnet',
        Effect: 'Allow',
        Action: ['ec2:CreateTags'],
        Resource: ['arn:aws:ec2:*:*:subnet/*'],
        Condition: condition,
      },
    ]);
    assert.deepEqual(policy(subnets, groups, TAG), policy(TAG, groups, subnets));
  });

  it('splits what tags from what does not, whoever said it in one', () => {
    const { Statement } = policy({ ...START, actions: [...START.actions, ...TAG.actions] });
    assert.deepEqual(
      Statement.map(({ Sid, Action, Condition }) => [Sid, Action, Condition]),
      [
        ['ChangeEc2Instance', ['ec2:StartInstances'], undefined],
        ['TagEc2Instance', ['ec2:CreateTags', 'ec2:DeleteTags'], OURS_ALONE],
      ],
    );
  });

  it('lets what we make have our tag from the beginning, and what is ours be changed by it', () => {
    const acl = ['ec2:network-acl/*'];
    const { Statement } = policy(
      { actions: ['ec2:CreateNetworkAcl', 'ec2:CreateTags'], resources: acl, of: 'new' },
      { actions: ['ec2:CreateNetworkAcl'], resources: ['ec2:vpc/*'], of: 'others' },
      { actions: ['ec2:DeleteNetworkAcl'], resources: acl, of: 'ours' },
    );
    const keys = { 'ForAllValues:StringLike': { 'aws:TagKeys': ['squall:*', 'app.kubernetes.io/part-of'] } };
    const born = { 'aws:TagKeys': 'false', 'aws:RequestTag/squall:own': 'false' };
    assert.deepEqual(
      Statement.map(({ Sid, Action, Condition }) => [Sid, Action, Condition]),
      [
        ['ChangeEc2Vpc', ['ec2:CreateNetworkAcl'], undefined],
        ['NewEc2NetworkAcl', ['ec2:CreateNetworkAcl'], { ...keys, Null: born }],
        ['OursEc2NetworkAcl', ['ec2:DeleteNetworkAcl'], { Null: { 'aws:ResourceTag/squall:own': 'false' } }],
        ['TagNewEc2NetworkAcl', ['ec2:CreateTags'], { ...keys, Null: { ...born, 'ec2:CreateAction': 'false' } }],
      ],
    );
  });

  it('narrows what is done to targets to those with a tag, and nothing else', () => {
    const others: IamStatement = { actions: ['ssm:SendCommand'], resources: ['ssm:document/A'], of: 'others' };
    const ours: IamStatement = { actions: ['fis:StopExperiment'], resources: ['fis:experiment/*'], of: 'ours' };
    const tags: IamStatement = { actions: ['rds:ListTagsForResource'], resources: ['rds:db:*'] };
    const all = permissions(LOOK, STOP, TAG, others, ours, tags, { actions: ['ssm:CancelCommand'] });
    const narrowed = iamPolicy(all, { tag: { key: 'chaos', value: 'allowed' } }).Statement;
    const equals = narrowed.map(({ Sid, Condition }) => [Sid, Condition?.['StringEquals']]);
    const tagged = { 'aws:ResourceTag/chaos': 'allowed' };
    assert.deepEqual(Object.fromEntries(equals), {
      Call: undefined,
      ChangeEc2Instance: tagged,
      Look: undefined,
      LookRdsDb: undefined,
      OthersSsmDocument: undefined,
      OursFisExperiment: undefined,
      TagEc2Instance: tagged,
    });
  });

  it('keeps a condition of the driver’s own beside the others', () => {
    const condition = { StringEquals: { 'ec2:Attribute': 'GroupSet' } };
    const all = permissions(
      { ...START, condition },
      { ...STOP, condition: { Bool: { 'aws:SecureTransport': 'true' } } },
    );
    const { Statement } = iamPolicy(all, { tag: { key: 'a', value: 'b' } });
    assert.deepEqual(
      Statement.map(({ Sid, Action, Condition }) => [Sid, Action, Condition]),
      [
        [
          'ChangeEc2Instance',
          ['ec2:StopInstances'],
          { Bool: { 'aws:SecureTransport': 'true' }, StringEquals: { 'aws:ResourceTag/a': 'b' } },
        ],
        [
          'ChangeEc2Instance2',
          ['ec2:StartInstances'],
          { StringEquals: { 'ec2:Attribute': 'GroupSet', 'aws:ResourceTag/a': 'b' } },
        ],
      ],
    );
  });

  it('leaves out for a sweep what only harms, but not what ends another fault', () => {
    const all = permissions(LOOK, STOP, START, { ...START, harms: true });
    const actions = iamPolicy(all, { sweep: true }).Statement.flatMap(({ Action }) => Action);
    assert.deepEqual(actions.toSorted(), ['ec2:DescribeInstances', 'ec2:DescribeSubnets', 'ec2:StartInstances']);
  });

  it('refuses actions and resources that are wildcards, or none', () => {
    for (const action of ['*', 'ec2:*', 'ec2:Describe*', 'StopInstances', 'ec2:stopInstances'])
      assert.throws(() => policy({ actions: [action] }), /IAM action .*expected one such as/);
    for (const resource of ['*', 'ec2:*', 'instance/*', 'ec2:instance', 'arn:aws:ec2:*:*:instance/*'].slice(0, 4))
      assert.throws(() => policy({ ...STOP, resources: [resource] }), /IAM resource .*expected a kind/);
    assert.deepEqual(policy().Statement, []);
  });

  it('counts its characters as IAM does, without white space', () => {
    const printed = policy(LOOK, TAG);
    assert.equal(charactersOf(printed), JSON.stringify(printed, undefined, 2).replaceAll(/\s/g, '').length);
  });
});

describe('a tag that narrows', () => {
  it('is a key and a value, neither ours nor AWS’s, nor a variable of a policy', () => {
    assert.deepEqual(tagOf('chaos=allowed'), { key: 'chaos', value: 'allowed' });
    assert.deepEqual(tagOf('team/chaos=a=b'), { key: 'team/chaos', value: 'a=b' });
    assert.deepEqual(tagOf('chaos='), { key: 'chaos', value: '' });
    for (const text of [
      'chaos',
      '=allowed',
      '',
      'squall:fault=x',
      'Squall:fault=x',
      'aws:x=y',
      'a=${aws:username}',
      'a=*',
      'a\n=b',
    ])
      assert.equal(tagOf(text), undefined, text);
    assert.equal(tagOf(`${'k'.repeat(129)}=v`), undefined);
    assert.equal(tagOf(`k=${'v'.repeat(257)}`), undefined);
  });
});

describe('the faults of an AWS account', async () => {
  const site = { name: 'aws', installation: 'squall', stateDir: '/nowhere', settings: {} };
  const drivers = [...(await openDrivers(site)).values()].filter(({ kind }) => kind.startsWith('aws/'));
  for (const { kind, permissions: needed } of drivers)
    it(`${kind} says which actions it needs, each by its name, and on what`, () => {
      const statements = needed.flatMap(({ actions = [] }) => actions);
      const actions = statements.flatMap((statement) => statement.actions);
      assert.ok(actions.length > 0, 'a fault of an account needs actions');
      for (const action of actions) assert.match(action, /^[a-z0-9-]+:[A-Z]\w+$/);
      assert.ok(!needed.some(({ rules }) => rules !== undefined), 'it needs nothing of a cluster');
      const all = iamPolicy(needed);
      const changes = all.Statement.filter(({ Sid }) => Sid !== 'Look');
      assert.ok(changes.length > 0, 'a fault changes something');
      for (const { Sid, Resource } of changes) if (Sid !== 'Call') assert.notEqual(Resource, '*', Sid);
    });

  it('whoever starts an instance may have EC2 use the keys of its volumes, and nobody else, also in a sweep', () => {
    const stop = drivers.find(({ kind }) => kind === 'aws/instance-stop');
    for (const narrowing of [{}, { sweep: true }, { tag: { key: 'chaos', value: 'allowed' } }]) {
      const { Statement } = iamPolicy(stop?.permissions ?? [], narrowing);
      const found = Statement.filter(({ Action }) => Action.includes('kms:CreateGrant'));
      assert.deepEqual(
        found.map(({ Action, Resource, Condition }) => [Action, Resource, Condition]),
        [
          [
            ['kms:CreateGrant'],
            ['arn:aws:kms:*:*:key/*'],
            {
              Bool: { 'kms:GrantIsForAWSResource': 'true' },
              StringLike: { 'kms:ViaService': 'ec2.*.amazonaws.com' },
            },
          ],
        ],
      );
    }
  });
});
