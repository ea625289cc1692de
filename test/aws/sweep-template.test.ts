/** The template of the scheduled sweep, without AWS: what it names is there, what it runs runs, and what it may is what a sweep needs. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { isMap, isScalar, isSeq, parseDocument, stringify } from 'yaml';
import type { CollectionTag, ScalarTag } from 'yaml';
import { z } from 'zod';
import pkg from '../../package.json' with { type: 'json' };
import { charactersOf, iamPolicy, INLINE_CHARACTERS } from '../../activities/aws/iam.ts';
import type { IamPolicy } from '../../activities/aws/iam.ts';
import { openDrivers } from '../../activities/faults/registry.ts';
import { usableAws } from '../../activities/targets/aws-settings.ts';
import { readConfig } from '../../workers/config.ts';
import { eventsOf } from '../cli/squall.ts';
import { ROOT } from '../readme/blocks.ts';

const TEXT = readFileSync(join(ROOT, 'deploy', 'aws', 'sweep.yaml'), 'utf8');

/** A function of CloudFormation, in its long form. */
const call = (name: string): string => (['Ref', 'Condition'].includes(name) ? name : `Fn::${name}`);
const customTags = ['Ref', 'GetAtt', 'Sub', 'If', 'Not', 'Equals', 'Join'].flatMap(
  (name): (ScalarTag | CollectionTag)[] => [
    { tag: `!${name}`, resolve: (text: string) => ({ [call(name)]: name === 'GetAtt' ? text.split('.') : text }) },
    {
      tag: `!${name}`,
      collection: 'seq',
      resolve: (seq) => (isSeq(seq) ? { [call(name)]: seq.items.map(plain) } : assert.fail()),
    },
  ],
);

/** CloudFormation's YAML is 1.1, in which Null and OFF are no words. */
const AS_READ = { version: '1.1', customTags } as const;

/** A node within a tagged one. */
function plain(node: unknown): unknown {
  if (isSeq(node)) return node.items.map(plain);
  if (isMap(node)) return Object.fromEntries(node.items.map(({ key, value }) => [String(key), plain(value)]));
  return isScalar(node) ? node.value : node;
}

const resource = z.object({ Type: z.string(), Properties: z.record(z.string(), z.unknown()).default({}) });
const template = z
  .strictObject({
    AWSTemplateFormatVersion: z.literal('2010-09-09'),
    Description: z.string(),
    Metadata: z.unknown(),
    Parameters: z.record(z.string(), z.object({ Type: z.string(), Default: z.unknown().optional() })),
    Conditions: z.record(z.string(), z.unknown()),
    Resources: z.record(z.string(), resource),
    Outputs: z.record(z.string(), z.unknown()),
  })
  .parse(parseDocument(TEXT, AS_READ).toJS());
const { Parameters, Conditions, Resources } = template;

const PSEUDO = ['AWS::AccountId', 'AWS::NoValue', 'AWS::Partition', 'AWS::Region', 'AWS::StackName'];
const GIVEN: Readonly<Record<string, unknown>> = {
  Image: '111122223333.dkr.ecr.eu-west-1.amazonaws.com/squall:1',
  VpcId: 'vpc-1',
  Subnets: ['subnet-1', 'subnet-2'],
  Regions: ['eu-west-1', 'us-east-1'],
  'AWS::Partition': 'aws',
  'AWS::StackName': 'sweep',
};

/** Every function in a part of the template, with what it is called with. */
function* calls(part: unknown): Generator<readonly [string, unknown]> {
  if (typeof part !== 'object' || part === null) return;
  for (const [key, value] of Object.entries(part)) {
    if (/^(?:Ref|Fn::\w+)$/.test(key)) yield [key, value];
    yield* calls(value);
  }
}

/** A part of the template as CloudFormation makes it; what is there only once it is deployed is `<Name>`. */
function made(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(made);
  if (typeof part !== 'object' || part === null) return part;
  const entries = Object.entries(part);
  const [[key, value] = ['', undefined]] = entries;
  if (key === 'Ref') return GIVEN[String(value)] ?? Parameters[String(value)]?.Default ?? `<${String(value)}>`;
  if (key === 'Fn::GetAtt') return `<${(value as string[]).join('.')}>`;
  if (key === 'Fn::Join') {
    const [separator, list] = value as [string, unknown];
    return (made(list) as string[]).join(separator);
  }
  if (key === 'Fn::Sub') {
    const [text, local] = (Array.isArray(value) ? value : [value, {}]) as [string, Record<string, unknown>];
    return text.replaceAll(/\$\{([^}]+)\}/g, (_, name: string) => String(made(local[name] ?? { Ref: name })));
  }
  return Object.fromEntries(entries.map(([name, each]) => [name, made(each)]));
}

const propertiesOf = (name: string): Record<string, unknown> =>
  made(Resources[name]?.Properties ?? assert.fail(`no ${name}`)) as Record<string, unknown>;
const policySchema = z.object({
  PolicyDocument: z.object({
    Version: z.literal('2012-10-17'),
    Statement: z.array(
      z.object({
        Sid: z.string().optional(),
        Effect: z.literal('Allow'),
        Action: z.union([z.string().transform((one) => [one]), z.array(z.string())]),
        Resource: z.union([z.string(), z.array(z.string())]),
        Condition: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
      }),
    ),
  }),
});
const policyOf = (role: string): z.infer<typeof policySchema>['PolicyDocument'] =>
  z.tuple([policySchema]).parse(propertiesOf(role)['Policies'])[0].PolicyDocument;

describe('deploy/aws/sweep.yaml', () => {
  it('names only what is there, and uses every parameter', () => {
    assert.deepEqual(parseDocument(TEXT, AS_READ).errors, []);
    const used = new Set<string>();
    for (const [name, value] of calls(template)) {
      const texts = name === 'Fn::Sub' ? (Array.isArray(value) ? (value as unknown[]) : [value]) : [];
      const [text] = texts;
      const local = Object.keys((texts[1] as object | undefined) ?? {});
      const inText = [...(typeof text === 'string' ? text : '').matchAll(/\$\{([^}]+)\}/g)].map(
        ([, inner = '']) => inner,
      );
      const named =
        name === 'Ref'
          ? [String(value)]
          : name === 'Fn::GetAtt'
            ? [(value as string[])[0] ?? '']
            : inText.filter((inner) => !local.includes(inner));
      for (const one of named) {
        assert.ok(one in Resources || (name !== 'Fn::GetAtt' && (one in Parameters || PSEUDO.includes(one))), one);
        used.add(one);
      }
      if (name === 'Fn::If') assert.ok(String((value as unknown[])[0]) in Conditions);
    }
    for (const one of Object.keys(Parameters)) assert.ok(used.has(one), `${one} is used nowhere`);
    const { ParameterGroups } = z
      .object({
        'AWS::CloudFormation::Interface': z.object({
          ParameterGroups: z.array(z.object({ Parameters: z.array(z.string()) })),
        }),
      })
      .parse(template.Metadata)['AWS::CloudFormation::Interface'];
    const grouped = ParameterGroups.flatMap((group) => group.Parameters);
    assert.deepEqual(grouped.toSorted(), Object.keys(Parameters).toSorted());
  });

  it('is what its README says, in this version', () => {
    const text = readFileSync(join(ROOT, 'deploy', 'aws', 'README.md'), 'utf8');
    for (const [, version] of text.matchAll(/\/squall:(\S+)/g)) assert.equal(version, pkg.version);
    const [command = ''] = /aws cloudformation deploy (?:.*\\\n)*.*/.exec(text) ?? [];
    const given = [...command.matchAll(/(?<=\s)([A-Z][A-Za-z]+)=/g)].map(([, name = '']) => name);
    const needed = Object.entries(Parameters).filter(([, { Default }]) => Default === undefined);
    assert.deepEqual(
      needed.map(([name]) => name).filter((name) => !given.includes(name)),
      [],
      'the command gives what must be given',
    );
    for (const name of given) assert.ok(name in Parameters, name);
  });

  it('starts the task that it has, under its own roles, from time to time', () => {
    const { Target, ScheduleExpression } = z
      .object({
        ScheduleExpression: z.string(),
        Target: z.object({ RoleArn: z.string(), EcsParameters: z.object({ TaskDefinitionArn: z.string() }) }),
      })
      .parse(propertiesOf('Schedule'));
    assert.equal(ScheduleExpression, 'rate(5 minutes)');
    assert.equal(Target.RoleArn, '<ScheduleRole.Arn>');
    assert.equal(Target.EcsParameters.TaskDefinitionArn, '<TaskDefinition>');
    const [run, pass] = policyOf('ScheduleRole').Statement;
    assert.deepEqual([run?.Action, run?.Resource], [['ecs:RunTask'], '<TaskDefinition>']);
    assert.deepEqual([pass?.Action, pass?.Resource], [['iam:PassRole'], ['<SweepRole.Arn>', '<ExecutionRole.Arn>']]);
  });
});

describe('the task of deploy/aws/sweep.yaml', () => {
  const { ContainerDefinitions, TaskRoleArn } = z
    .object({
      TaskRoleArn: z.literal('<SweepRole.Arn>'),
      ContainerDefinitions: z.tuple([
        z.object({
          EntryPoint: z.tuple([z.literal('sh'), z.literal('-c')]),
          Command: z.tuple([z.string()]),
          Environment: z.tuple([z.object({ Name: z.literal('SQUALL_YAML'), Value: z.string() })]),
        }),
      ]),
    })
    .parse(propertiesOf('TaskDefinition'));
  const [{ EntryPoint, Command, Environment }] = ContainerDefinitions;
  const folder = mkdtempSync(join(tmpdir(), 'squall-sweep-template-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const run = (config: string): { status: number | null; stdout: string } => {
    const [command, ...args] = EntryPoint;
    const env = { PATH: process.env['PATH'], HOME: folder, SQUALL_YAML: config };
    return spawnSync(command, [...args, ...Command], { cwd: ROOT, env, encoding: 'utf8' });
  };

  it('has a configuration that a worker would take, of every region', async () => {
    assert.equal(TaskRoleArn, '<SweepRole.Arn>');
    const file = join(folder, 'squall.yaml');
    writeFileSync(file, Environment[0].Value);
    const { installation, sites, state } = await readConfig(file);
    assert.equal(installation, 'squall');
    assert.deepEqual(usableAws(sites['account']?.['aws'])?.regions, GIVEN['Regions']);
    const dockerfile = readFileSync(join(ROOT, 'deploy', 'Dockerfile'), 'utf8');
    assert.match(dockerfile, /^WORKDIR \/squall$/m, 'where its bin/squall is');
    assert.match(dockerfile, /--owner=node --group=node \/var\/lib\/squall /, 'where the image may write');
    assert.equal(state, '/var/lib/squall/state');
  });

  it('sweeps, and says that it was clean where it was: the alarm waits for it', () => {
    const { status, stdout } = run(`state: ${folder}/state\nsites: { account: { noop: {} } }\n`);
    assert.equal(status, 0, stdout);
    const [swept, clean, ...more] = stdout.trim().split('\n');
    assert.deepEqual(more, []);
    assert.equal(eventsOf(swept ?? '')[0]?.event, 'swept');
    assert.deepEqual(JSON.parse(clean ?? ''), { event: 'clean' });
    assert.equal(propertiesOf('CleanSweeps')['FilterPattern'], '{ $.event = "clean" }');
  });

  it('says nothing of the kind where something was not ended, or is wrong, and fails', () => {
    writeFileSync(join(folder, 'no-folder'), '');
    for (const [config, code] of [
      [`state: ${folder}/no-folder/state\nsites: { account: { noop: {} } }\n`, 4],
      [`state: ${folder}/state\nsites: { account: { noop: {} } }\nnonsense: 1\n`, 2],
      ['', 2],
    ] as const) {
      const { status, stdout } = run(config);
      assert.equal(status, code, stdout);
      assert.doesNotMatch(stdout, /clean/);
    }
  });
});

describe('the alarms of deploy/aws/sweep.yaml', () => {
  const alarm = z.object({
    Namespace: z.string(),
    MetricName: z.string(),
    Period: z.number(),
    EvaluationPeriods: z.number(),
    TreatMissingData: z.string(),
    ComparisonOperator: z.string(),
    Threshold: z.literal(1),
  });
  const filter = z.object({
    LogGroupName: z.literal('<Logs>'),
    MetricTransformations: z.tuple([z.object({ MetricNamespace: z.string(), MetricName: z.string() })]),
  });

  it('look at what is counted', () => {
    for (const [counted, looking] of [
      ['CleanSweeps', 'NoCleanSweep'],
      ['DarkSweeps', 'NotLookedFor'],
    ] as const) {
      const [{ MetricNamespace, MetricName }] = filter.parse(propertiesOf(counted)).MetricTransformations;
      const found = alarm.parse(propertiesOf(looking));
      assert.deepEqual([found.Namespace, found.MetricName], [MetricNamespace, MetricName]);
      assert.equal(MetricNamespace, 'Squall/sweep', 'two stacks count apart');
    }
  });

  it('take silence for a failure, after three sweeps that did not come', () => {
    const { TreatMissingData, ComparisonOperator, Period, EvaluationPeriods } = alarm.parse(
      propertiesOf('NoCleanSweep'),
    );
    assert.deepEqual([TreatMissingData, ComparisonOperator], ['breaching', 'LessThanThreshold']);
    assert.deepEqual([Period, EvaluationPeriods], [300, 3]);
  });
});

describe('the roles of deploy/aws/sweep.yaml', async () => {
  const site = { name: 'aws', installation: 'squall', stateDir: '/nowhere', settings: {} };
  const drivers = [...(await openDrivers(site)).values()].filter(({ kind }) => kind.startsWith('aws/'));
  const permissions = drivers.flatMap((driver) => driver.permissions);

  it('name every action, and narrow to resources whatever can be', () => {
    for (const role of ['SweepRole', 'ExecutionRole', 'ScheduleRole'])
      for (const { Action, Resource, Sid } of policyOf(role).Statement) {
        for (const action of Action) assert.match(action, /^[a-z0-9-]+:[A-Z]\w+$/);
        if (!['Look', 'Call'].includes(Sid ?? '') && Action[0] !== 'ecr:GetAuthorizationToken')
          for (const one of [Resource].flat()) assert.notEqual(one, '*', Sid);
      }
  });

  it('of the sweep is what `squall faults --permissions iam --sweep` prints', () => {
    const wanted = iamPolicy(permissions, { sweep: true });
    const found = policyOf('SweepRole') as IamPolicy;
    const inTemplate = stringify(wanted.Statement, { lineWidth: 130 }).replaceAll(
      /- (arn:)aws(:\S+)/g,
      '- !Sub $1$${AWS::Partition}$2',
    );
    assert.deepEqual(found, wanted, `put this under SweepRole, as its Statement:\n${inTemplate}`);
    assert.ok(charactersOf(found) <= INLINE_CHARACTERS);
  });
});
