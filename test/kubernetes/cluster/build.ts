/**
 * `npm run kubernetes`: builds the Kubernetes that tests run, from source.
 *
 * Owns how it is built. It takes Go, some 4 GB of disk and 7 to 12 minutes on two cores, once; a build of the present source
 * is kept in the user's cache folder.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { builtBinary, SOURCE } from './binary.ts';

const binary = builtBinary();
if (existsSync(binary)) process.stdout.write(`it is built already: ${binary}\n`);
else process.exitCode = await build();

async function build(): Promise<number> {
  const version = /^\s*k8s\.io\/kubernetes v(\S+)$/m.exec(readFileSync(join(SOURCE, 'go.mod'), 'utf8'))?.[1] ?? '';
  const [major = '', minor = ''] = version.split('.');
  // Without these it calls itself v0.0.0, by which clients misjudge it.
  const stamps = [
    `k8s.io/component-base/version.gitVersion=v${version}`,
    `k8s.io/component-base/version.gitMajor=${major}`,
    `k8s.io/component-base/version.gitMinor=${minor}`,
    `k8s.io/client-go/pkg/version.gitVersion=v${version}`,
  ];
  await mkdir(dirname(binary), { recursive: true });
  const partial = `${binary}.${process.pid}`;
  const flags = ['-trimpath', '-buildvcs=false', '-gcflags=all=-dwarf=false'];
  const linked = ['-ldflags', `-s -w ${stamps.map((stamp) => `-X ${stamp}`).join(' ')}`];
  process.stdout.write(`building Kubernetes ${version}: 7 to 12 minutes, once\n`);
  const { status, error } = spawnSync('go', ['build', ...flags, ...linked, '-o', partial, '.'], {
    cwd: SOURCE,
    env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly', GOGC: process.env['GOGC'] ?? '400' },
    stdio: 'inherit',
  });
  if (error) process.stderr.write(`go cannot be started: ${error.message}; see https://go.dev/dl\n`);
  if (status !== 0) return 1;
  await rename(partial, binary);
  process.stdout.write(`${binary}\n`);
  return 0;
}
