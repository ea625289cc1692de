/**
 * What AWS means by its errors, as far as somebody here does something else for it.
 *
 * Owns the codes, and the words for people. Pure. An error that it does not know is none of these: it must never take a key that
 * has expired, or a proxy that refuses, for an account that never gave leave, nor an answer that did not come for one that says no.
 */

/** What is read of an error; whatever was thrown may lack all of it. */
interface Said {
  readonly code: string;
  readonly message: string;
  readonly status: number | undefined;
  readonly throttled: boolean;
}

/** Policies, permission boundaries and organisations refuse with these. A key that is wrong or has expired has codes of its own. */
const DENIED: ReadonlySet<string> = new Set([
  'AccessDenied',
  'AccessDeniedException',
  'AccessDeniedFault',
  'AuthorizationError',
  'AuthorizationErrorException',
  'Client.UnauthorizedOperation',
  'NotAuthorized',
  'UnauthorizedAccess',
  'UnauthorizedException',
  'UnauthorizedOperation',
]);

/** Of EC2: `InvalidInstanceID.NotFound`, `InvalidGroup.NotFound`. */
const EC2_MISSING = /^Invalid[A-Za-z]+\.NotFound$/;
/** Of what faults are done to, or done with: what another thing lacks (a parameter group, a tag) is an error like any other. */
const MISSING =
  /^(?:DBCluster|DBInstance|ReplicationGroup|CacheCluster|NodeGroup|Resource|LoadBalancer|TargetGroup)NotFound(?:Fault|Exception)?$/;
/** Codes of services that end in no such word; an invocation is missing until Systems Manager has heard of its command too. */
const OTHER_MISSING: ReadonlySet<string> = new Set(['InvalidCommandId', 'InvocationDoesNotExist']);
/** Auto Scaling says ValidationError to whatever is wrong: `AutoScalingGroup name not found - web`, `Group web not found`. */
const GROUP_MISSING = /\bAutoScalingGroup name not found\b|\bGroup \S{1,255} not found\b/;

const THROTTLED: ReadonlySet<string> = new Set([
  'BandwidthLimitExceeded',
  'Client.RequestLimitExceeded',
  'EC2ThrottledException',
  'PriorRequestNotComplete',
  'RequestLimitExceeded',
  'RequestThrottled',
  'RequestThrottledException',
  'SlowDown',
  'ThrottledException',
  'Throttling',
  'ThrottlingException',
  'TooManyRequestsException',
]);

/** `InsufficientInstanceCapacity`, `InsufficientDBInstanceCapacityFault`, and the quotas of an account. */
const NO_CAPACITY =
  /^(?:Insufficient[A-Za-z]*Capacity[A-Za-z]*|InstanceLimitExceeded|VcpuLimitExceeded|ReservationCapacityExceeded)$/;

/** Whether this worker may not do what it asked for. */
export function isDenied(error: unknown): boolean {
  return DENIED.has(said(error).code);
}

/** Whether what was asked about is not there: it never was, is gone, or is too new to be seen everywhere. */
export function isMissing(error: unknown): boolean {
  const { code, message } = said(error);
  if (EC2_MISSING.test(code) || MISSING.test(code) || OTHER_MISSING.has(code)) return true;
  return code === 'ValidationError' && GROUP_MISSING.test(message);
}

/** Whether AWS did nothing, since it was asked too much. */
export function isThrottled(error: unknown): boolean {
  const { code, status, throttled } = said(error);
  return THROTTLED.has(code) || throttled || status === 429;
}

/** Whether AWS has nothing to start it on now, or this account may have no more. */
export function isNoCapacity(error: unknown): boolean {
  return NO_CAPACITY.test(said(error).code);
}

/** Whether a rehearsal (`DryRun`) says that the request would have been carried out. */
export function isDryRunPassed(error: unknown): boolean {
  return said(error).code === 'DryRunOperation';
}

/** The most characters of {@link wordsOf}. */
const WORDS_MAX = 300;
/** What was read of a message before it is shortened, in characters: an encoded one has thousands. */
const READ_MAX = 4_000;
/** What is of use to nobody who reads it, or of too much to somebody who should not. */
const UNSAID: readonly (readonly [RegExp, string])[] = [
  // Of an organisation's or a role's ARN what follows the account is what says which.
  [/(?<![\w-])\d{12}(?![\w-])/g, '…'],
  [/\b(?:AKIA|ASIA)[A-Z0-9]{8,}\b/g, '…'],
  [/\s*Encoded authorization failure message:\s*\S+/gi, ''],
  [/\s*\(?(?:Service: [^;)]*; ?)?(?:Status Code: \d+; ?)?Request ?ID: [\w-]+(?:;[^)]*)?\)?/gi, ''],
  [/\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b/gi, '…'],
  [/\b(X-Amz-[A-Za-z-]+|Signature|SecurityToken|SessionToken)=[^\s&"']+/gi, '$1=…'],
  [/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/gi, '$1…@'],
];

/**
 * What an error says, in one line of at most 300 characters: its code, then its message. Without account numbers, keys, request ids
 * and what AWS has encoded.
 */
export function wordsOf(error: unknown): string {
  const { code, message } = said(error);
  let words = message.slice(0, READ_MAX);
  for (const [pattern, instead] of UNSAID) words = words.replaceAll(pattern, instead);
  words = words.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim();
  const both = words === '' || words === code ? code : words.startsWith(`${code}:`) ? words : `${code}: ${words}`;
  return both.length > WORDS_MAX ? `${both.slice(0, WORDS_MAX - 1)}…` : both;
}

/** Names of errors that say nothing. */
const NAMELESS: ReadonlySet<string> = new Set(['', 'Error', 'Unknown', 'UnknownError', 'AggregateError']);

function said(error: unknown): Said {
  if (typeof error !== 'object' || error === null)
    return { code: 'Error', message: typeof error === 'string' ? error : '', status: undefined, throttled: false };
  const { name, Code, code, message, $metadata, $retryable } = error as Record<string, unknown>;
  const codes = [name, Code, code].filter((each) => typeof each === 'string');
  const named = codes.find((each) => !NAMELESS.has(each)) ?? 'Error';
  const { httpStatusCode: status } = record($metadata);
  return {
    code: named.slice(0, 100),
    message: typeof message === 'string' ? message : '',
    status: typeof status === 'number' ? status : undefined,
    throttled: record($retryable)['throttling'] === true,
  };
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
