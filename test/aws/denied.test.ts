/** AWS's errors: what each is taken for, what is taken for none, and what people read of it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  isDenied,
  isDryRunPassed,
  isMissing,
  isNoCapacity,
  isThrottled,
  wordsOf,
} from '../../activities/aws/denied.ts';

const KINDS = { isDenied, isDryRunPassed, isMissing, isNoCapacity, isThrottled };
type Kind = keyof typeof KINDS;

/** An error as the SDK throws it. */
function thrown(
  name: string,
  { status = 400, message = '', ...more }: Record<string, unknown> & { status?: number } = {},
): Error {
  return Object.assign(new Error(String(message)), {
    name,
    $fault: 'client',
    $metadata: { httpStatusCode: status },
    ...more,
  });
}

const ARN = 'arn:aws:ec2:eu-west-1:123456789012:instance/i-0abc';
const MAY_NOT = `User: arn:aws:sts::123456789012:assumed-role/squall/s is not authorized to perform: ec2:StopInstances on resource: ${ARN}`;

const CASES: readonly (readonly [Kind | undefined, unknown])[] = [
  ['isDenied', thrown('UnauthorizedOperation', { status: 403, message: MAY_NOT })],
  ['isDenied', thrown('AccessDenied', { status: 403 })],
  ['isDenied', thrown('AccessDeniedException', { status: 400 })],
  ['isDenied', thrown('Unknown', { status: 403, Code: 'UnauthorizedOperation' })],
  // Nobody says by these that leave was never given: the keys are wrong or late, or it was not AWS who answered.
  [undefined, thrown('ExpiredToken', { status: 403 })],
  [undefined, thrown('ExpiredTokenException', { status: 400 })],
  [undefined, thrown('RequestExpired', { status: 400 })],
  [undefined, thrown('InvalidClientTokenId', { status: 403 })],
  [undefined, thrown('UnrecognizedClientException', { status: 400 })],
  [undefined, thrown('SignatureDoesNotMatch', { status: 403 })],
  [undefined, thrown('AuthFailure', { status: 401 })],
  [undefined, thrown('OptInRequired', { status: 403 })],
  [undefined, thrown('Unknown', { status: 403, message: 'UnknownError' })],
  [undefined, Object.assign(new Error('Could not load credentials'), { name: 'CredentialsProviderError' })],

  ['isMissing', thrown('InvalidInstanceID.NotFound')],
  ['isMissing', thrown('InvalidSubnetID.NotFound')],
  ['isMissing', thrown('InvalidNetworkAclID.NotFound')],
  ['isMissing', thrown('InvalidAssociationID.NotFound')],
  ['isMissing', thrown('InvalidNetworkInterfaceID.NotFound')],
  ['isMissing', thrown('InvalidGroup.NotFound')],
  ['isMissing', thrown('DBClusterNotFoundFault', { status: 404 })],
  ['isMissing', thrown('DBInstanceNotFoundFault', { status: 404 })],
  ['isMissing', thrown('DBInstanceNotFound', { status: 404 })],
  ['isMissing', thrown('ReplicationGroupNotFoundFault', { status: 404 })],
  ['isMissing', thrown('CacheClusterNotFound', { status: 404 })],
  ['isMissing', thrown('ResourceNotFoundException', { status: 404 })],
  ['isMissing', thrown('TargetGroupNotFoundException')],
  ['isMissing', thrown('TargetGroupNotFound')],
  ['isMissing', thrown('InvocationDoesNotExist')],
  [
    'isMissing',
    thrown('ValidationError', { message: 'AutoScalingGroup name not found - AutoScalingGroup: web not found' }),
  ],
  ['isMissing', thrown('ValidationError', { message: 'Group web not found' })],
  [
    undefined,
    thrown('ValidationError', {
      message: 'New SetDesiredCapacity value 9 is above max value 3 for the AutoScalingGroup.',
    }),
  ],
  [
    undefined,
    thrown('ValidationError', { message: 'You must use a valid fully-formed launch template. Key not found' }),
  ],
  // What is wrong with a request, or with something beside, is no absence of a target; nor is what a proxy does not have.
  [undefined, thrown('InvalidInstanceID.Malformed')],
  [undefined, thrown('InvalidInstanceId')],
  [undefined, thrown('DBParameterGroupNotFoundFault', { status: 404 })],
  [undefined, thrown('TagNotFoundFault', { status: 404 })],
  [undefined, thrown('NotFound', { status: 404 })],

  ['isThrottled', thrown('RequestLimitExceeded', { status: 503 })],
  ['isThrottled', thrown('Throttling')],
  ['isThrottled', thrown('ThrottlingException')],
  ['isThrottled', thrown('TooManyRequestsException', { status: 429 })],
  ['isThrottled', thrown('Unknown', { status: 429 })],
  ['isThrottled', thrown('SomethingNew', { $retryable: { throttling: true } })],
  [undefined, thrown('LimitExceededException')],

  ['isNoCapacity', thrown('InsufficientInstanceCapacity', { status: 500 })],
  ['isNoCapacity', thrown('InsufficientHostCapacity')],
  ['isNoCapacity', thrown('InsufficientReservedInstanceCapacity')],
  ['isNoCapacity', thrown('InsufficientDBInstanceCapacityFault')],
  ['isNoCapacity', thrown('InsufficientCacheClusterCapacityFault')],
  ['isNoCapacity', thrown('InstanceLimitExceeded')],
  ['isNoCapacity', thrown('VcpuLimitExceeded')],
  [undefined, thrown('InsufficientFreeAddressesInSubnet')],

  ['isDryRunPassed', thrown('DryRunOperation', { status: 412 })],
  [undefined, thrown('InternalError', { status: 500 })],
  [undefined, Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })],
  [undefined, new Error('DryRunOperation')],
  [undefined, undefined],
  [undefined, null],
  [undefined, 'AccessDenied'],
  [undefined, { name: 7, message: {}, $metadata: 'x', $retryable: null }],
];

describe('what AWS means by its errors', () => {
  for (const [kind, error] of CASES)
    it(`${kind ?? 'none of these'}: ${wordsOf(error)}`, () => {
      const found = Object.entries(KINDS).flatMap(([name, is]) => (is(error) ? [name] : []));
      assert.deepEqual(found, kind === undefined ? [] : [kind]);
    });
});

describe('what people read of it', () => {
  for (const [error, words] of [
    [
      thrown('UnauthorizedOperation', {
        message: `You are not authorized to perform this operation. ${MAY_NOT}. Encoded authorization failure message: ${'x'.repeat(2_000)}`,
      }),
      'UnauthorizedOperation: You are not authorized to perform this operation. User: arn:aws:sts::…:assumed-role/squall/s is not authorized to perform: ec2:StopInstances on resource: arn:aws:ec2:eu-west-1:…:instance/i-0abc.',
    ],
    [
      thrown('AccessDenied', {
        message:
          'No (Service: AmazonRDS; Status Code: 403; Request ID: 12345678-1234-1234-1234-123456789012; Proxy: null)',
      }),
      'AccessDenied: No',
    ],
    [thrown('X', { message: 'RequestID: 0af3 failed' }), 'X: failed'],
    [
      thrown('X', {
        message: 'id 12345678-90ab-cdef-1234-567890abcdef of i-0123456789abcdef0 and subnet-012345678901',
      }),
      'X: id … of i-0123456789abcdef0 and subnet-012345678901',
    ],
    [
      thrown('X', { message: 'key ASIAIOSFODNN7EXAMPLE at https://a:b@proxy.example/?X-Amz-Signature=abc&b=1' }),
      'X: key … at https://…@proxy.example/?X-Amz-Signature=…&b=1',
    ],
    [thrown('Throttling', { message: 'Rate exceeded\n\u001B[31m now' }), 'Throttling: Rate exceeded [31m now'],
    [
      Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' }),
      'ECONNREFUSED: connect ECONNREFUSED 127.0.0.1:1',
    ],
    [new Error(''), 'Error'],
    ['gone', 'Error: gone'],
    [undefined, 'Error'],
  ] as const)
    it(words, () => assert.equal(wordsOf(error), words));

  it('is bounded, whatever was said', () => {
    for (const message of [
      'a'.repeat(1e6),
      '1'.repeat(1e6),
      'Request ID: '.repeat(1e5),
      'X-Amz-a='.repeat(1e5),
      '://'.repeat(1e5),
      ' '.repeat(1e6),
    ]) {
      const beganMs = performance.now();
      const words = wordsOf(thrown('N'.repeat(1e5), { message }));
      assert.ok(words.length <= 300);
      assert.ok(performance.now() - beganMs < 1_000);
    }
  });
});
