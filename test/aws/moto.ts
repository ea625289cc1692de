/**
 * moto, which answers as an AWS account does: installed under `.cache`, and a server of it.
 *
 * Owns how it is installed, in user space and from a list with a hash for each package, and the server's process, which ends
 * when this one does, in whatever way. What moto tells otherwise than AWS is put right in `moto/untruths.py`, and by the shim.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startGuarded } from '../../workers/guarded.ts';
import type { Guarded } from '../../workers/guarded.ts';
import { until } from '../until.ts';

const REQUIREMENTS = join(import.meta.dirname, 'moto-requirements.txt');
const PARTS = join(import.meta.dirname, 'moto');
/** Longer takes no installation, in milliseconds. */
const INSTALL_MS = 600_000;

const run = promisify(execFile);
let installed: Promise<string | false> | undefined;

/** Why moto cannot be had on this machine, and how to get it; false where it can: then it is installed. */
export function whyNoMoto(): Promise<string | false> {
  return (installed ??= install());
}

async function install(): Promise<string | false> {
  if (existsSync(installation())) return false;
  try {
    await run('python3', ['-c', 'import ensurepip, fcntl, venv']);
  } catch {
    return 'no python3 with venv, for moto: apt-get install python3-venv';
  }
  try {
    await run('python3', [join(PARTS, 'install.py'), installation(), REQUIREMENTS], { timeout: INSTALL_MS });
    return false;
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim().split('\n').at(-1) ?? String(error);
    return `moto cannot be installed (${said}): see that pip reaches a package index, then run it again`;
  }
}

/** Another list, or another Python, is another folder. */
function installation(): string {
  const hash = createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex').slice(0, 16);
  return join(import.meta.dirname, '..', '..', '.cache', `moto-${hash}`);
}

/** A server, and so one account, which nobody else uses. */
export class Moto {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly pid: number;
  /** Its log is there, and all of it is gone with the server. */
  readonly folder: string;
  readonly #server: Guarded;

  private constructor(port: string, folder: string, server: Guarded) {
    this.url = `http://127.0.0.1:${port}`;
    this.pid = server.pid;
    this.folder = folder;
    this.#server = server;
  }

  /** Throws where moto cannot be had, and where it does not come up: with what it said. */
  static async open(): Promise<Moto> {
    const why = await whyNoMoto();
    if (why !== false) throw new Error(why);
    const own = await mkdtemp(join(tmpdir(), 'squall-moto-'));
    const [log, portFile] = [join(own, 'log'), join(own, 'port')];
    const output = openSync(log, 'a');
    const python = ['MOTO_EC2_LOAD_DEFAULT_AMIS=false', join(installation(), 'bin', 'python'), '-B'];
    const server = await startGuarded('/usr/bin/env', [...python, join(PARTS, 'server.py'), portFile], {
      output,
      folder: own,
    });
    closeSync(output);
    await until(() => existsSync(portFile) || server.ended(), 'moto says its port');
    if (server.ended()) {
      const said = await readFile(log, 'utf8');
      await rm(own, { recursive: true, force: true });
      throw new Error(`moto does not start: ${said}`);
    }
    return new Moto(await readFile(portFile, 'utf8'), own, server);
  }

  /** All that the account has is gone. */
  async close(): Promise<void> {
    await this.#server.stop();
  }
}
