/**
 * The ephemeral containers that are faults: their names, what they may, and what their program is told.
 *
 * Owns the leave: a container is told which fault it is by an annotation of its pod, which is there only as long as the
 * fault may be put on. One that starts late, because its image came late, is told nothing, and ends without touching
 * anything. Pure.
 */
import { createHash } from 'node:crypto';
import type { Fault } from '../../../../domain/fault.ts';
import type { Shape } from './kind-of-pod-fault.ts';

/** Bounds of the program, in milliseconds. */
const LEAST_MS = 1_000;
const TTL_MAX_MS = 3_600_000;
const NOT_AFTER_MAX_MS = 7 * 86_400_000;
/** How many containers may be added to revert one fault, one after the other: none can be taken out of a pod again. */
export const REVERTS_MAX = 3;

const PROGRAM = '/fault';
const LEAVE = 'SQUALL_LEAVE';

/** Which fault it is, for a program that is told little: 16 hexadecimal digits. */
function shortId({ installation, id }: Fault<unknown>): string {
  return createHash('sha256').update(`${installation} ${id}`).digest('hex').slice(0, 16);
}

/** The name of the container that is `fault`. */
export function containerName(fault: Fault<unknown>): string {
  return `squall-${shortId(fault)}`;
}

/** The name of the `nth` container that reverts it, from 1. */
export function revertName(fault: Fault<unknown>, nth: number): string {
  return `${containerName(fault)}-revert-${nth}`;
}

/** The annotation without which the container of `fault` does nothing. */
export function leaveOf(fault: Fault<unknown>): { readonly key: string; readonly value: string } {
  return { key: `squall/leave-${shortId(fault)}`, value: shortId(fault) };
}

/** The container that is a fault. `harm`: the kind of fault and its own arguments; `leftMs`: at most so long. */
export function faultContainer(
  image: string,
  fault: Fault<unknown>,
  harm: readonly string[],
  leftMs: number,
  shape: Shape,
): Readonly<Record<string, unknown>> {
  const { key } = leaveOf(fault);
  const ttl = `--time-to-live=${within(fault.ttlMs, TTL_MAX_MS)}ms`;
  const notAfter = `--not-after=${within(leftMs, NOT_AFTER_MAX_MS)}ms`;
  return {
    ...container(containerName(fault), image, [...harm, ttl, notAfter, ...mark(fault, `$(${LEAVE})`)], shape),
    env: [{ name: LEAVE, valueFrom: { fieldRef: { fieldPath: `metadata.annotations['${key}']` } } }],
  };
}

/** The `nth` container that reverts it. */
export function revertContainer(
  image: string,
  fault: Fault<unknown>,
  nth: number,
  shape: Shape,
): Readonly<Record<string, unknown>> {
  return container(revertName(fault, nth), image, ['revert', ...mark(fault)], shape);
}

/** What is run in the container of `fault` to speak to it; `kind`: which it is, where that must be said. */
export function command(verb: 'renew' | 'revert' | 'status', fault: Fault<unknown>, kind?: string): string[] {
  const ttl = verb === 'renew' ? [`--time-to-live=${within(fault.ttlMs, TTL_MAX_MS)}ms`] : [];
  return [PROGRAM, verb, ...ttl, ...(kind === undefined ? [] : [`--kind=${kind}`]), ...mark(fault)];
}

function mark(fault: Fault<unknown>, id = shortId(fault)): string[] {
  return [`--installation=${fault.installation}`, `--id=${id}`];
}

function within(ms: number, mostMs: number): number {
  return Math.round(Math.min(mostMs, Math.max(LEAST_MS, ms)));
}

function container(
  name: string,
  image: string,
  args: readonly string[],
  { user, capabilities, ...besides }: Shape,
): Readonly<Record<string, unknown>> {
  return {
    name,
    image,
    imagePullPolicy: 'IfNotPresent',
    command: [PROGRAM],
    args,
    // Why it ended without success is then said in the pod's status.
    terminationMessagePolicy: 'FallbackToLogsOnError',
    securityContext: {
      runAsUser: user,
      runAsNonRoot: user !== 0,
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'], ...(capabilities.length === 0 ? {} : { add: capabilities }) },
      seccompProfile: { type: 'RuntimeDefault' },
    },
    ...besides,
  };
}
