/**
 * Targets of a host: the processes of a named group.
 *
 * Owns what must never be a target: pid 1, Squall's own processes and their ancestors, another user's processes without
 * leave, a process that only inherited the pid in a pid file. Each exclusion is counted with its reason.
 */
import { glob, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename } from 'node:path';
import { z } from 'zod';
import { readBounded } from '../bounded-file.ts';
import { processTable } from '../faults/host/process-table.ts';
import type { ProcessInfo, ProcessTable } from '../faults/host/process-table.ts';
import { resourceOf, targetId } from '../faults/host/target.ts';
import { Ledger } from '../faults/ledger.ts';
import { hostSettings } from './host-settings.ts';
import type { HostGroup } from './host-settings.ts';
import type { Candidates, Exclusion, TargetProviderFactory } from './provider.ts';

const selector = z.strictObject({
  group: z.string().min(1).describe("One of the site's groups."),
  names: z.array(z.string().min(1)).min(1).optional().describe('Only these members.'),
});

/** A process, and its member name in its group. */
export interface Member {
  readonly member: string;
  readonly process: ProcessInfo;
}

/** The longest pid file that is read, in bytes. */
const PID_FILE_MAX = 64;

export const targets: TargetProviderFactory<z.infer<typeof selector>> = (site) => {
  const settings = hostSettings.parse(site.settings['host'] ?? {});
  const table = processTable();
  const ledger = new Ledger(site.stateDir);
  return {
    provider: 'host',
    selector,
    async resolve({ group, names }) {
      const how = settings.groups[group];
      if (how === undefined) {
        const known = Object.keys(settings.groups).join(', ') || 'none';
        return {
          targets: [],
          facts: new Map(),
          excluded: [{ reason: `no such group at this site; there are: ${known}`, count: 0, examples: [group] }],
        };
      }
      const { members, stale } = await membersOf(how, table);
      const wanted = members
        .filter(({ member }) => names === undefined || names.includes(member))
        .map(({ member, process }) => ({ id: targetId({ group, member, ...process }), member, process }));
      // What stands still for a fault of ours is a target still, and held: pre-flight names who holds it.
      const held = ledger.occupied(
        wanted.map(({ id }) => id),
        resourceOf,
      );
      const found = sift(wanted, await forbidden(table, settings.allowOtherUsers, held), stale);
      const facts = { labels: how.labels, host: hostname() };
      return { ...found, facts: new Map(found.targets.map((target) => [target, facts])) };
    },
  };
};

/** The processes of a group, and the pid files that name none. */
export async function membersOf(how: HostGroup, table: ProcessTable): Promise<{ members: Member[]; stale: string[] }> {
  if ('command' in how) {
    const pattern = new RegExp(how.command);
    const found = (await table.all()).filter(({ command, state }) => state !== 'zombie' && pattern.test(command));
    return { members: found.map((process) => ({ member: '', process })), stale: [] };
  }
  const files = (await Array.fromAsync(glob(how.pidFiles))).toSorted();
  const read = await Promise.all(files.map((file) => readPidFile(file, table)));
  return {
    members: read.flatMap((entry) => (typeof entry === 'string' ? [] : [entry])),
    stale: read.filter((entry) => typeof entry === 'string'),
  };
}

/** The member of a pid file, or the file's name when it names no process that could have written it. */
async function readPidFile(file: string, table: ProcessTable): Promise<Member | string> {
  const member = basename(file).replace(/\.pid$/, '');
  try {
    const [bytes, { mtimeMs }] = await Promise.all([readBounded(file, PID_FILE_MAX, 'no-pipes'), stat(file)]);
    const text = bytes.toString();
    const pid = bytes.length <= PID_FILE_MAX && /^\d{1,10}\s*$/.test(text) ? Number(text) : undefined;
    const process = pid === undefined ? undefined : await table.get(pid);
    // A process that began after the file was written did not write it: the pid was used again. Clocks count in seconds here.
    const reused = process !== undefined && process.startedAtMs > mtimeMs + 2_000;
    return process === undefined || process.state === 'zombie' || reused ? member : { member, process };
  } catch {
    return member;
  }
}

/** A member, by its id as a target. */
interface Wanted extends Member {
  readonly id: string;
}

/** Why a process must not be touched; undefined when it may be. */
type Forbidden = (wanted: Wanted) => string | undefined;

async function forbidden(
  table: ProcessTable,
  allowOtherUsers: boolean,
  held: ReadonlyMap<string, string>,
): Promise<Forbidden> {
  const all = await table.all();
  const byPid = new Map(all.map((info) => [info.pid, info]));
  const own = new Set<number>();
  for (let pid = process.pid; pid > 1 && !own.has(pid); pid = byPid.get(pid)?.ppid ?? 0) own.add(pid);
  const uid = process.getuid?.() ?? -1;
  return ({ id, process: info }) => {
    if (info.pid === 1) return 'pid 1';
    if (own.has(info.pid) || isSquall(info.command)) return 'a process of Squall or one above it';
    if (info.uid !== uid && !allowOtherUsers) return 'a process of another user (allowOtherUsers is off)';
    if (!mayBeSignalled(info.pid)) return 'may not be signalled by this user';
    return info.state === 'stopped' && !held.has(id) ? 'stopped already' : undefined;
  };
}

/** A signal that does nothing says whether one that does something may be sent; a process that has just gone is no matter. */
function mayBeSignalled(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'EPERM');
  }
}

/** Workers, holders, the command line itself and the server that it starts, of whatever installation. */
function isSquall(command: string): boolean {
  return (
    /(?:^|\/)(?:starters\/squall\.ts|bin\/squall|faults\/host\/holder\.ts)(?:\s|$)/.test(command) ||
    /(?:^|\/)temporal(?:-\S+)? server start-dev\b/.test(command)
  );
}

function sift(members: readonly Wanted[], why: Forbidden, stale: readonly string[]): Omit<Candidates, 'facts'> {
  const left = new Map<string, string[]>();
  if (stale.length > 0) left.set('pid files without their process', [...stale]);
  const targets: string[] = [];
  for (const wanted of members) {
    const { id, member, process } = wanted;
    const reason = why(wanted);
    if (reason === undefined) targets.push(id);
    else left.set(reason, [...(left.get(reason) ?? []), member || `${process.pid}`]);
  }
  const excluded = [...left].map(([reason, names]): Exclusion => ({
    reason,
    count: names.length,
    examples: names.slice(0, 3),
  }));
  return { targets: [...new Set(targets)].toSorted(), excluded };
}
