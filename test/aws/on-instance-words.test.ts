/** What an instance is told and what it says: the words, without any instance. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import {
  COMMAND_MAX_BYTES,
  faultKey,
  ID_MAX_BYTES,
  INSTANCES_MAX,
  installationKey,
  list,
  putOn,
  RECORD_MAX_BYTES,
  renew,
  takeOff,
} from '../../activities/faults/aws/on-instance/command.ts';
import type { PutOn } from '../../activities/faults/aws/on-instance/command.ts';
import {
  instanceCpu,
  instanceDiskFill,
  instanceMemory,
  instanceNetwork,
} from '../../activities/faults/aws/on-instance/params.ts';
import { program } from '../../activities/faults/aws/on-instance/program.ts';
import { saidIn } from '../../activities/faults/aws/on-instance/said.ts';

const many = Array.from({ length: INSTANCES_MAX }, (_, i) => ({
  instance: `i-${String(i).padStart(17, '0')}`,
  key: faultKey('tests', `${i}`),
  id: 'x'.repeat(200),
}));
const asked: PutOn = {
  resource: 'network',
  faults: many,
  installation: installationKey('tests'),
  record: '{}',
  ttlMs: 30_000,
  notAfterMs: 600_000,
  notLaterThanS: 1_800_000_000.5,
  waitMs: 10_000,
  harm: [],
};

void describe('what an instance is told', () => {
  void it('fits into a command, for as many instances as one may go to', () => {
    for (const commands of [putOn(asked), renew(many, 30_000), takeOff('network', many), list()])
      assert.ok(Buffer.byteLength(JSON.stringify(commands)) <= COMMAND_MAX_BYTES);
    assert.throws(
      () => putOn({ ...asked, faults: many.map((each) => ({ ...each, id: 'x'.repeat(ID_MAX_BYTES) })) }),
      /fewer/,
    );
    assert.throws(() => putOn({ ...asked, faults: [...many, ...many] }), /expected 1 to 50/);
    assert.throws(() => putOn({ ...asked, record: 'x'.repeat(RECORD_MAX_BYTES + 1) }), /at most/);
  });
  void it('means nothing else to a shell, nor to SSM', () => {
    const harm = `path='$(touch /tmp/x)' "\\`;
    const [text = ''] = putOn({ ...asked, harm: [harm] });
    // Said to a shell that prints its words instead of running the program with them.
    const words = execFileSync('sh', [
      '-c',
      `sh() { printf '%s\\n' "$@"; }\n${text.split('\n').at(-3) ?? ''}`,
    ]).toString();
    assert.ok(words.split('\n').includes(harm));
    assert.throws(() => putOn({ ...asked, harm: ['path={{ssm:secret}}'] }), /double braces/);
    assert.throws(() => putOn({ ...asked, harm: ['path=a\nb'] }), /line's end/);
    assert.doesNotMatch(program(), /\{\{/);
  });
  void it('names instances by their ids, and faults by their keys', () => {
    const [first, second] = many;
    assert.ok(first && second);
    const fault = { key: first.key, id: '' };
    assert.throws(() => renew([fault, { key: second.key, id: '' }], 1_000), /instances with ids/);
    assert.throws(() => renew([{ ...fault, instance: 'i-1;x' }], 1_000), /no id of an instance/);
    assert.throws(() => renew([{ ...fault, key: '../x' }], 1_000), /no key/);
    assert.notEqual(faultKey('a', 'b'), faultKey('b', 'a'));
  });
});

void describe('what an instance says', () => {
  void it('is its last line', () => {
    const said = saidIn('a note\n{"squall":1,"result":"renewed","leftMs":10,"new":true}\n\n');
    assert.deepEqual(said, { squall: 1, result: 'renewed', leftMs: 10 });
  });
  void it('is an error where it cannot be read', () => {
    for (const [printed, why] of [
      ['', /found nothing/],
      ['{"squall":1,"result":"inj', /found .*inj/],
      ['{"squall":2,"result":"injected"}', /not expected/],
      ['{"squall":1,"result":"done"}', /not expected/],
      [`{"squall":1,"result":"failed","detail":"${'x'.repeat(9_000)}"}`, /not expected/],
      [`{"squall":1,"result":"failed","detail":"${'x'.repeat(30_000)}"}`, /expected a line/],
    ] as const)
      assert.throws(() => saidIn(printed), why);
  });
});

void describe('what may be asked of an instance', () => {
  void it('becomes the program’s words', () => {
    const words = (
      what: {
        params: { parse: (from: unknown) => never };
        harm: (params: never, region?: string) => readonly string[];
      },
      from: unknown,
    ): string => what.harm(what.params.parse(from), undefined).join(' ');
    assert.equal(words(instanceCpu as never, {}), 'percent=90');
    assert.equal(words(instanceCpu as never, { percent: 50, cores: 2 }), 'percent=50 cores=2');
    assert.equal(words(instanceMemory as never, {}), 'percent=80');
    assert.equal(words(instanceMemory as never, { megabytes: 100 }), 'megabytes=100');
    assert.equal(words(instanceDiskFill as never, {}), 'percent=90 path=/var/tmp');
    assert.equal(
      words(instanceNetwork as never, {
        delay: '100ms',
        jitter: '20ms',
        loss: '2.5%',
        bandwidth: '1.5mbit',
        ports: [443],
        cidrs: ['10.0.0.0/8', 'fd00::/8'],
      }),
      'delay=100 jitter=20 loss=2.5 rate=1500 ports=443 cidrs=10.0.0.0/8,fd00::/8',
    );
    const params = instanceNetwork.params.parse({ loss: '1%' });
    assert.deepEqual(instanceNetwork.params.parse(JSON.parse(JSON.stringify(params))), params);
    assert.match(
      instanceNetwork.harm(params, 'cn-north-1').join(' '),
      /hosts=ssm\.cn-north-1\.amazonaws\.com\.cn,ssmmessages\./,
    );
  });
  void it('has bounds', () => {
    for (const [{ params }, wrong] of [
      [instanceCpu, { percent: 0 }],
      [instanceCpu, { percent: 101 }],
      [instanceMemory, { percent: 91 }],
      [instanceMemory, { percent: 50, megabytes: 1 }],
      [instanceDiskFill, { percent: 96 }],
      [instanceDiskFill, { path: '/' }],
      [instanceDiskFill, { path: 'tmp' }],
      [instanceDiskFill, { path: '/a b' }],
      [instanceNetwork, {}],
      [instanceNetwork, { delay: '10ms', jitter: '20ms' }],
      [instanceNetwork, { loss: '0%' }],
      [instanceNetwork, { loss: '1%', ports: [22] }],
      [instanceNetwork, { loss: '1%', cidrs: ['nowhere'] }],
      [instanceNetwork, { loss: '1%', unknown: 1 }],
    ] as const)
      assert.equal(params.safeParse(wrong).success, false, JSON.stringify(wrong));
  });
});
