/**
 * Chaos Toolkit, the peer that is measured beside Squall.
 *
 * Owns its installation (a Python virtual environment of pinned versions, kept in the checkout's cache) and the running of its
 * own no-op experiment: one process a run, as it is meant to be used.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { endedChildrenCpuS, PeakMemory } from '../process-cost.ts';

const run = promisify(execFile);
const REQUIREMENTS = join(import.meta.dirname, 'requirements.txt');
const CACHE = join(import.meta.dirname, '..', '..', '.cache');
/** Installing may take this long, in milliseconds. */
const INSTALL_MS = 300_000;

/** What a number of runs at once took. */
export interface PeerCost {
  readonly wallMs: number;
  readonly cpuS: number;
  /** All processes at once, in bytes. */
  readonly peakRssBytes: number;
}

/** Installed; runs its no-op experiment. */
export class ChaosToolkit {
  readonly version: string;
  readonly #chaos: string;

  private constructor(version: string, chaos: string) {
    this.version = version;
    this.#chaos = chaos;
  }

  /** Installs what `requirements.txt` pins, once. Throws when there is no Python that can. */
  static async install(): Promise<ChaosToolkit> {
    const requirements = await readFile(REQUIREMENTS, 'utf8');
    const version = /^chaostoolkit==(\S+)$/m.exec(requirements)?.[1] ?? 'unknown';
    const folder = join(
      CACHE,
      `chaos-toolkit-${version}-${createHash('sha256').update(requirements).digest('hex').slice(0, 8)}`,
    );
    const chaos = join(folder, 'bin', 'chaos');
    if (!(await exists(chaos))) {
      await mkdir(CACHE, { recursive: true });
      await rm(folder, { recursive: true, force: true });
      await run('python3', ['-m', 'venv', folder], { timeout: INSTALL_MS });
      const pip = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--disable-pip-version-check', '-r', REQUIREMENTS];
      await run(join(folder, 'bin', 'python'), pip, { timeout: INSTALL_MS });
    }
    return new ChaosToolkit(version, chaos);
  }

  /** Runs `count` experiments at once, each with a journal in `folder`. Throws when one does not complete. */
  async run(count: number, folder: string): Promise<PeerCost> {
    const cpuBefore = endedChildrenCpuS();
    const fromMs = performance.now();
    const children = Array.from({ length: count }, (_, i) =>
      spawn(
        this.#chaos,
        [
          '--no-version-check',
          '--no-log-file',
          'run',
          `--journal-path=${join(folder, `${i}.json`)}`,
          join(import.meta.dirname, 'no-op.json'),
        ],
        { stdio: 'ignore' },
      ),
    );
    const memory = new PeakMemory(() => children.flatMap(({ pid }) => pid ?? []), 20);
    try {
      const codes = await Promise.all(children.map(async (child) => (await once(child, 'exit'))[0] as unknown));
      if (codes.some((code) => code !== 0)) throw new Error(`chaos run ended with ${codes.join(', ')}`);
    } finally {
      for (const child of children) child.kill('SIGKILL');
    }
    const wallMs = performance.now() - fromMs;
    return { wallMs, cpuS: endedChildrenCpuS() - cpuBefore, peakRssBytes: memory.end() };
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
