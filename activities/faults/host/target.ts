/**
 * Targets on a host: `payments/payments-3@4711.98765`.
 *
 * Owns the spelling of a host target's id: group, member, and the process it was when it was chosen.
 */
import type { TargetId } from '../../../domain/fault.ts';
import type { ProcessId } from './process-table.ts';

/** A process in its role. `member` is the name of its pid file, or empty where the group is matched by command line. */
export interface HostTarget extends ProcessId {
  readonly group: string;
  readonly member: string;
}

const SPELLING = /^([a-z0-9-]{1,63})\/([\w.-]{0,80})@(\d{1,10})\.([\w:.-]{1,40})$/;

export function targetId({ group, member, pid, start }: HostTarget): TargetId {
  return `${group}/${member}@${pid}.${start}`;
}

/** Throws when `id` is not a host target's. */
export function parseTarget(id: TargetId): HostTarget {
  const [, group, member, pid, start] = SPELLING.exec(id) ?? [];
  if (group === undefined || member === undefined || start === undefined)
    throw new Error(`${id} is not the target of a host fault`);
  return { group, member, pid: Number(pid), start };
}

/** What two faults must not both hold: the process, whatever role it was chosen in. */
export function resourceOf(id: TargetId): string {
  const { pid, start } = parseTarget(id);
  return `process/${pid}.${start}`;
}
