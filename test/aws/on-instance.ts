/**
 * An instance for the tests of the scripts: this machine, with a folder of its own for what is written, and an agent that runs commands.
 *
 * Owns that folder and every fault that was put on through it: `remove` leaves nothing. A test that is killed leaves faults that end by
 * themselves within a minute.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  faultKey,
  installationKey,
  list,
  look,
  putOn,
  renew,
  takeOff,
} from '../../activities/faults/aws/on-instance/command.ts';
import type { FaultThere } from '../../activities/faults/aws/on-instance/command.ts';
import type { Resource } from '../../activities/faults/aws/on-instance/params.ts';
import { saidIn } from '../../activities/faults/aws/on-instance/said.ts';
import type { Said } from '../../activities/faults/aws/on-instance/said.ts';
import { until } from '../until.ts';

/** Why these tests cannot run; false where they can. */
export const NOT_HERE: string | false =
  process.platform !== 'linux'
    ? 'needs Linux'
    : process.getuid?.() === 0
      ? false
      : 'needs root, as an agent is: run with sudo';

export const INSTALLATION = 'tests';
const TTL_MS = 40_000;
const NOT_AFTER_MS = 60_000;

/** When a fault ends. */
export interface Times {
  readonly ttlMs?: number;
  readonly notAfterMs?: number;
  readonly notLaterThanS?: number;
  readonly waitMs?: number;
}

let made = 0;

/** One fault, and what can be asked about it. */
export class Fault {
  readonly there: FaultThere;
  readonly #instance: Instance;
  readonly #resource: Resource;
  readonly #harm: readonly string[];

  constructor(instance: Instance, resource: Resource, harm: readonly string[]) {
    const id = `run-${process.pid}/${(made += 1)}`;
    this.there = { key: faultKey(INSTALLATION, id), id };
    this.#instance = instance;
    this.#resource = resource;
    this.#harm = harm;
  }

  /** The command, to be sent whenever. */
  putOnCommand(times: Times = {}, faults: readonly FaultThere[] = [this.there]): string[] {
    return putOn({
      resource: this.#resource,
      faults,
      installation: installationKey(INSTALLATION),
      record: '{"what":"a “record”"}',
      ttlMs: TTL_MS,
      notAfterMs: NOT_AFTER_MS,
      notLaterThanS: Date.now() / 1_000 + 60,
      waitMs: 30_000,
      harm: this.#harm,
      ...times,
    });
  }

  async putOn(times?: Times): Promise<Said> {
    return this.#instance.run(this.putOnCommand(times));
  }

  async renew(ttlMs: number): Promise<Said> {
    return this.#instance.run(renew([this.there], ttlMs));
  }

  async takeOff(): Promise<Said> {
    return this.#instance.run(takeOff(this.#resource, [this.there]));
  }

  async look(): Promise<Said> {
    return this.#instance.run(look(this.#resource, [this.there]));
  }

  /** The pids of everything that bears its mark, found without asking the program. */
  processes(): number[] {
    return readdirSync('/proc')
      .filter(
        (name) =>
          /^\d+$/.test(name) && linesOf(`/proc/${name}/environ`, '\0').includes(`SQUALL_FAULT=${this.there.key}`),
      )
      .map(Number);
  }

  /** The pid of its holder or watcher. */
  pid(role: 'holder' | 'watcher'): number {
    for (const slot of this.#instance.slots())
      if (linesOf(join(slot, 'key'))[0] === this.there.key)
        return Number(linesOf(join(slot, role))[0]?.split(' ')[0] ?? assert.fail(`no ${role}`));
    return assert.fail('it has no slot');
  }

  kill(signal: NodeJS.Signals, ...roles: ('holder' | 'watcher')[]): void {
    // Both are found before either is gone.
    for (const pid of roles.map((role) => this.pid(role))) process.kill(pid, signal);
  }
}

/** Lines of a file, which may have ended meanwhile. */
export function linesOf(path: string, end = '\n'): string[] {
  try {
    return readFileSync(path, 'utf8').split(end);
  } catch {
    return [];
  }
}

export class Instance {
  readonly folder = mkdtempSync(join(tmpdir(), 'squall-instance-'));
  readonly #faults: Fault[] = [];
  readonly #enter: readonly string[];
  readonly #shell: string;
  #commands = 0;

  /** `enter` comes before a command and leads into a namespace; `shell` is what `sh` is there. */
  constructor(enter: readonly string[] = [], shell?: string) {
    this.#enter = enter;
    mkdirSync(join(this.folder, 'bin'));
    this.#shell = shell === undefined ? 'sh' : join(this.folder, 'bin', 'sh');
    if (shell !== undefined) symlinkSync(shell, this.#shell);
  }

  /** Where the state is. */
  get state(): string {
    return join(this.folder, 'state');
  }

  slots(): string[] {
    return existsSync(this.state)
      ? readdirSync(this.state)
          .filter((name) => name.startsWith('slot-'))
          .map((name) => join(this.state, name))
      : [];
  }

  fault(resource: Resource, harm: readonly string[]): Fault {
    const fault = new Fault(this, resource, harm);
    this.#faults.push(fault);
    return fault;
  }

  async list(): Promise<Said> {
    return this.run(list());
  }

  async run(commands: readonly string[], instance = 'i-0123456789abcdef0'): Promise<Said> {
    return saidIn(await this.print(commands, instance));
  }

  /** As an agent does it: a file of the commands, whose process group is killed once it has ended, or when it is told to. */
  async print(commands: readonly string[], instance: string, killAfterMs?: number): Promise<string> {
    const script = join(this.folder, `_script-${(this.#commands += 1)}.sh`);
    writeFileSync(script, `${commands.join('\n')}\n`, { mode: 0o755 });
    const [first, ...rest] = [...this.#enter, this.#shell, '-c', script];
    const child = spawn(first, rest, {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: `${join(this.folder, 'bin')}:${process.env['PATH'] ?? ''}`,
        SQUALL_RUN: this.state,
        AWS_SSM_INSTANCE_ID: instance,
      },
    });
    const kill = (): void => {
      try {
        process.kill(-(child.pid ?? 0), 'SIGKILL');
      } catch {
        // Nobody of it is left.
      }
    };
    const cancelled = killAfterMs === undefined ? undefined : setTimeout(kill, killAfterMs);
    const printed = (await Promise.all([child.stdout, child.stderr].map((stream) => text(stream)))).map(String);
    clearTimeout(cancelled);
    kill();
    rmSync(script);
    assert.equal(printed[1], '', 'nothing is said on the side');
    return printed[0] ?? '';
  }

  /** Resolves once nothing of any of its faults is there but tombstones. */
  async nothingLeft(): Promise<void> {
    await until(() => this.#faults.every((fault) => fault.processes().length === 0), 'no process is left');
    await until(() => this.slots().length === 0, 'no slot is left');
    const left = existsSync(this.state) ? readdirSync(this.state) : [];
    assert.deepEqual(
      left.filter((name) => name !== 'lock' && !name.startsWith('ended-')),
      [],
    );
  }

  /** Takes off what a test that failed has left. */
  async clear(): Promise<void> {
    if (this.slots().length > 0) for (const fault of this.#faults) await fault.takeOff();
  }

  async remove(): Promise<void> {
    await this.clear();
    await this.nothingLeft();
    rmSync(this.folder, { recursive: true });
  }
}

async function text(stream: AsyncIterable<Buffer>): Promise<string> {
  return Buffer.concat(await Array.fromAsync(stream)).toString();
}
