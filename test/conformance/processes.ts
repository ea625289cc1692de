/**
 * Real processes for the conformance of host faults, and an observer that asks the kernel.
 *
 * A process writes a beat every few milliseconds: one that stands still is seen by the beats that do not come, and by the
 * kernel's word that it is stopped. One that is not stopped and does not beat is looked at again.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Lab, LabTarget } from '../../activities/faults/conformance.ts';
import { processTable } from '../../activities/faults/host/process-table.ts';
import { targetId } from '../../activities/faults/host/target.ts';

const BEAT_MS = 20;
/** Whoever has not beaten for this long was stopped in the meantime, or got no time of a busy machine, in milliseconds. */
const STILL_MS = 400;
/** Looks at one that does not beat and is not stopped either; then it is harmed all the same. */
const LOOKS = 12;

/** A lab whose targets are processes of the group `lab`; a supervised one that was killed is started again. */
export async function processLab(
  fault: 'pause' | 'stutter' | 'kill',
  params: unknown,
  supervised = false,
): Promise<Lab> {
  const folder = await mkdtemp(join(tmpdir(), 'squall-lab-'));
  const children = new Set<ChildProcess>();
  const table = processTable();
  let count = 0;

  /** A process in its role, with its pid file; `member` is started again by healing. */
  async function start(member: string): Promise<{ child: ChildProcess; start: string; beats: () => number }> {
    const child = spawn(process.execPath, ['-e', `setInterval(() => process.stdout.write('.'), ${BEAT_MS})`], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    children.add(child);
    let beats = 0;
    child.stdout.on('data', (chunk: Buffer) => (beats += chunk.length));
    await once(child.stdout, 'data');
    await writeFile(join(folder, `${member}.pid`), `${child.pid}\n`);
    const info = await table.get(child.pid ?? 0);
    return { child, start: info?.start ?? '', beats: () => beats };
  }

  async function target(): Promise<LabTarget> {
    const member = `lab-${++count}`;
    let now = await start(member);
    const { pid = 0 } = now.child;
    return {
      id: targetId({ group: 'lab', member, pid, start: now.start }),
      async harmed() {
        for (let look = 0; look < LOOKS && alive(now.child); look++) {
          const before = now.beats();
          // Longer than a stutter's run, shorter than its stop: some beats may come, most must not.
          await new Promise((resolve) => setTimeout(resolve, STILL_MS));
          if ((await table.get(now.child.pid ?? 0))?.state === 'stopped') return true;
          if (now.beats() - before >= STILL_MS / BEAT_MS / 4) return false;
        }
        return true;
      },
      async remove() {
        await end(now.child);
      },
      async heal() {
        if (!supervised) return;
        // The signal may still be on its way.
        for (let i = 0; i < 50 && alive(now.child); i++) await new Promise((resolve) => setTimeout(resolve, 10));
        if (!alive(now.child)) now = await start(member);
      },
    };
  }

  return {
    driver: new URL(`../../activities/faults/host/${fault}.ts`, import.meta.url),
    params,
    settings: { host: { groups: { lab: { pidFiles: join(folder, '*.pid') } } } },
    // A holder, and whoever injects and dies, are processes that a busy machine may take seconds to start.
    shortTtlMs: 6_000,
    target,
    async close() {
      await Promise.all([...children].map(end));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function alive(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}

async function end(child: ChildProcess): Promise<void> {
  if (!alive(child)) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}
