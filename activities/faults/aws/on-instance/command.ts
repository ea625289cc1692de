/**
 * What an instance is told: the `commands` of one SendCommand of AWS-RunShellScript for each verb. Pure.
 *
 * Owns how words are quoted, and that nothing of a command means anything to SSM itself, which replaces what is in double braces. One
 * command may go to many instances, each of which finds its own fault in it. A command that has answered ends well for SSM, whatever the
 * answer is: that it failed there means that there is none.
 */
import { createHash } from 'node:crypto';
import { program } from './program.ts';
import type { Resource } from './params.ts';

/** The most instances that one command may go to. */
export const INSTANCES_MAX = 50;
/** The most that one command may weigh, in bytes of JSON. */
export const COMMAND_MAX_BYTES = 64_000;
/** The longest text of what a fault is, and of its id, in bytes. */
export const RECORD_MAX_BYTES = 4_000;
export const ID_MAX_BYTES = 400;

const END = 'SQUALL_PROGRAM_ENDS';

/** One fault on one instance. */
export interface FaultThere {
  /** Whose it is, where a command goes to more than one instance. Undefined: whoever reads it. */
  readonly instance?: string;
  /** By {@link faultKey}. */
  readonly key: string;
  /** The fault's id, which `list` gives back. */
  readonly id: string;
}

/** What is to be put on. */
export interface PutOn {
  readonly resource: Resource;
  readonly faults: readonly FaultThere[];
  /** By {@link installationKey}. */
  readonly installation: string;
  /** What else it takes to know the faults again, the same for all of them: `list` gives it back. */
  readonly record: string;
  /** The fault ends this long after it was claimed or renewed, in milliseconds. */
  readonly ttlMs: number;
  /** It ends this long after it was claimed, however often it is renewed, in milliseconds. */
  readonly notAfterMs: number;
  /** A command that arrives later than this does nothing: seconds since 1970, with the margin that clocks need. */
  readonly notLaterThanS: number;
  /** How long the answer may wait until the fault is on, in milliseconds. */
  readonly waitMs: number;
  /** The harm's words, by `params.ts`. */
  readonly harm: readonly string[];
}

/** What a fault is called on an instance. */
export function faultKey(installation: string, id: string): string {
  return hash(`${installation}\n${id}`);
}

/** What an installation is called on an instance. */
export function installationKey(installation: string): string {
  return hash(installation);
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 40);
}

/** Puts faults on. Answers: injected, fenced, occupied, lapsed, failed. Throws where it would be too large. */
export function putOn(asked: PutOn): string[] {
  return command('put-on', [
    `resource=${asked.resource}`,
    `installation=${asked.installation}`,
    ...theirs(asked.faults, (id) => base64(id, ID_MAX_BYTES)),
    `record=${base64(asked.record, RECORD_MAX_BYTES)}`,
    `ttl=${hundredths(asked.ttlMs)}`,
    `most=${hundredths(asked.notAfterMs)}`,
    `before=${Math.floor(asked.notLaterThanS)}`,
    `wait=${hundredths(asked.waitMs)}`,
    ...asked.harm,
  ]);
}

/** Moves the faults' end to `ttlMs` from now, never past their last. Answers: renewed, lapsed, failed. */
export function renew(faults: readonly FaultThere[], ttlMs: number): string[] {
  return command('renew', [...theirs(faults), `ttl=${hundredths(ttlMs)}`]);
}

/** Takes faults off and fences them. Answers: reverted, absent, failed. */
export function takeOff(resource: Resource, faults: readonly FaultThere[]): string[] {
  return command('take-off', [`resource=${resource}`, ...theirs(faults)]);
}

/** Whether faults are on. Answers: active, absent. */
export function look(resource: Resource, faults: readonly FaultThere[]): string[] {
  return command('look', [`resource=${resource}`, ...theirs(faults)]);
}

/** What is held there, whoever's it is; what nobody ends any more is ended. Answers: listed. */
export function list(): string[] {
  return command('list', []);
}

/** The program with its words. Before it is there, the shell that was handed this says why it cannot be. */
function command(verb: string, words: readonly string[]): string[] {
  const source = program(verb);
  if (`\n${source}`.includes(`\n${END}\n`)) throw new Error(`a line of the program is ${END}`);
  const lines = [
    'umask 077',
    'SQUALL_RUN=${SQUALL_RUN:-/run/squall}; export SQUALL_RUN',
    `no() { printf '{"squall":1,"result":"failed","detail":"%s"}\\n' "$1"; exit 0; }`,
    `[ "$(uname -s)" = Linux ] || no 'this is not Linux'`,
    `[ "$(id -u)" = 0 ] || no 'this is not done by root'`,
    `mkdir -p "$SQUALL_RUN" || no "$SQUALL_RUN cannot be made"`,
    'squall=$SQUALL_RUN/program-$$',
    `cat >"$squall" <<'${END}' || no "$SQUALL_RUN cannot be written"`,
    `${source}${END}`,
    ['sh "$squall"', verb, ...words].map((word, i) => (i === 0 ? word : quoted(word))).join(' ') + ' </dev/null',
    'rm -f "$squall"',
    'exit 0',
  ];
  const text = lines.join('\n');
  if (text.includes('{{')) throw new Error('the command has double braces, which SSM would replace');
  const bytes = Buffer.byteLength(JSON.stringify([text]));
  if (bytes > COMMAND_MAX_BYTES)
    throw new Error(`the command has ${bytes} bytes, expected at most ${COMMAND_MAX_BYTES}: fewer instances at a time`);
  return [text];
}

/** One word for each, as the program reads it. */
function theirs(faults: readonly FaultThere[], written = (_id: string): string => ''): string[] {
  if (faults.length === 0 || faults.length > INSTANCES_MAX)
    throw new Error(`found ${faults.length} faults, expected 1 to ${INSTANCES_MAX} in a command`);
  return faults.map(({ instance = '-', key, id }) => {
    if (instance === '-' && faults.length > 1) throw new Error('faults of one command are of instances with ids');
    if (!/^(?:-|m?i-[0-9a-f]{8,32})$/.test(instance)) throw new Error(`${instance} is no id of an instance`);
    if (!/^[0-9a-f]{40}$/.test(key)) throw new Error(`${key} is no key of a fault`);
    return `for=${instance}:${key}:${written(id)}`;
  });
}

function base64(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length > maxBytes)
    throw new Error(`found ${bytes.length} bytes, expected at most ${maxBytes}: ${text.slice(0, 80)}`);
  return bytes.toString('base64');
}

/** The program counts in hundredths of a second, as the kernel tells them. */
function hundredths(ms: number): number {
  if (!Number.isFinite(ms) || ms < 0) throw new Error(`${ms} is no time in milliseconds`);
  return Math.ceil(ms / 10);
}

/** One word for a shell, whatever is in it. */
function quoted(word: string): string {
  if (/[\0\r\n]/.test(word)) throw new Error(`a word of a command has a line's end: ${JSON.stringify(word)}`);
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
