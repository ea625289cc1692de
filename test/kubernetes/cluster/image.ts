/**
 * The images of the cluster's pods, made on the spot: nothing is pulled. All pods have one of this machine's own busybox.
 *
 * Owns the layout of an OCI archive. A cluster that `KUBECONFIG` names pulls the public one instead.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const OWN_IMAGE = 'squall.test/busybox:1';
/** What pods name; our own serves as the pause image too. */
export const IMAGE = process.env['KUBECONFIG'] ? 'busybox:stable' : OWN_IMAGE;
/** Linked statically, so that it needs nothing else. */
export const BUSYBOX = '/bin/busybox';

const REPRODUCIBLE = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner'];

/** Writes the archive of that image into `folder`; returns its path. */
export function buildImage(folder: string): string {
  const root = join(folder, 'root');
  for (const name of ['bin', 'etc', 'tmp', 'proc', 'sys', 'dev']) mkdirSync(join(root, name), { recursive: true });
  copyFileSync(BUSYBOX, join(root, 'bin', 'busybox'));
  const applets = execFileSync(BUSYBOX, ['--list'], { encoding: 'utf8' }).trim().split('\n');
  for (const name of applets) if (name !== 'busybox') symlinkSync('busybox', join(root, 'bin', name));
  return archive(folder, OWN_IMAGE, root, { Entrypoint: ['/bin/sleep', '2147483647'], Env: ['PATH=/bin'] });
}

/** Writes the archive of an image called `name`, of all that is in `root`, into `folder`; returns its path. */
export function archive(folder: string, name: string, root: string, runs: Readonly<Record<string, unknown>>): string {
  const layout = join(folder, 'layout');
  const blobs = join(layout, 'blobs', 'sha256');
  mkdirSync(blobs, { recursive: true });
  const put = (bytes: Buffer): { digest: string; size: number } => {
    const hex = createHash('sha256').update(bytes).digest('hex');
    writeFileSync(join(blobs, hex), bytes);
    return { digest: `sha256:${hex}`, size: bytes.length };
  };
  const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
  const layer = put(tar(root, join(folder, 'layer.tar'), ['.']));
  const platform = { architecture: process.arch === 'x64' ? 'amd64' : process.arch, os: 'linux' };
  const config = put(
    json({
      ...platform,
      config: runs,
      rootfs: { type: 'layers', diff_ids: [layer.digest] },
    }),
  );
  const oci = (kind: string): string => `application/vnd.oci.image.${kind}`;
  const manifest = put(
    json({
      schemaVersion: 2,
      mediaType: oci('manifest.v1+json'),
      config: { mediaType: oci('config.v1+json'), ...config },
      layers: [{ mediaType: oci('layer.v1.tar'), ...layer }],
    }),
  );
  const annotations = { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': '1' };
  const index = { mediaType: oci('manifest.v1+json'), ...manifest, annotations, platform };
  writeFileSync(join(layout, 'index.json'), json({ schemaVersion: 2, manifests: [index] }));
  writeFileSync(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  const written = join(folder, 'image.tar');
  tar(layout, written, ['oci-layout', 'index.json', 'blobs']);
  return written;
}

function tar(from: string, to: string, what: readonly string[]): Buffer {
  execFileSync('tar', [...REPRODUCIBLE, '-C', from, '-cf', to, ...what]);
  return readFileSync(to);
}
