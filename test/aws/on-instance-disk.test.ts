/**
 * The scripts that run on an instance: its disk, which is a small file system of the test's own, in a mount namespace of its own. Both are
 * gone with the process that keeps the namespace.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { until } from '../until.ts';
import { Instance, NOT_HERE } from './on-instance.ts';
import { ends } from './on-instance-life.ts';

const MEBIBYTE = 2 ** 20;

/** A file system of 32 MiB that only those see who enter. */
class Disk {
  readonly #folder = mkdtempSync(join(tmpdir(), 'squall-disk-'));
  readonly #options: readonly string[];
  #keeper: ReturnType<typeof spawn> | undefined;
  #instance: Instance | undefined;

  constructor(options: readonly string[]) {
    this.#options = options;
  }

  get path(): string {
    return join(this.#folder, 'disk');
  }

  get instance(): Instance {
    return this.#instance ?? assert.fail('it is not open');
  }

  async open(): Promise<void> {
    mkdirSync(this.path);
    const image = join(this.#folder, 'image');
    run('truncate', '--size=32M', image);
    run('mkfs.ext4', '-q', '-F', ...this.#options, image);
    const keep = 'mount -o loop "$1" "$2" && echo mounted && exec cat';
    this.#keeper = spawn('unshare', ['--mount', 'sh', '-c', keep, 'sh', image, this.path], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    assert.ok(this.#keeper.stdout);
    await once(this.#keeper.stdout, 'data');
    this.#instance = new Instance(this.#enter());
  }

  #enter(): string[] {
    return ['nsenter', `--mount=/proc/${this.#keeper?.pid ?? 0}/ns/mnt`, `--wdns=/`];
  }

  /** Runs a command that sees it. */
  inside(...command: string[]): string {
    const [first = '', ...rest] = [...this.#enter(), ...command];
    return run(first, ...rest);
  }

  /** How many bytes of it are used. */
  used(): number {
    return Number(this.inside('df', '-B1', '--output=used', this.path).split('\n')[1]);
  }

  async close(): Promise<void> {
    this.#keeper?.stdin?.end();
    if (this.#keeper) await once(this.#keeper, 'exit');
    rmSync(this.#folder, { recursive: true });
  }
}

function run(command: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  assert.equal(status, 0, `${command} ${args.join(' ')}: ${stderr}`);
  return stdout;
}

/** The second is one that cannot reserve room: what is taken must be written. */
for (const [kind, options] of [
  ['ext4', []],
  ['one without extents', ['-O', '^extent,^64bit,^metadata_csum']],
] as const)
  void describe(`on an instance: a disk, ${kind}`, { skip: NOT_HERE, concurrency: 1 }, () => {
    const disk = new Disk(options);
    before(() => disk.open());
    const harm = ['percent=70', `path=${disk.path}`];
    ends(() => ({
      instance: disk.instance,
      resource: 'disk',
      harm,
      isOn: () => disk.used() > 10 * MEBIBYTE,
      dies: true,
    }));
    void it('is as full as was asked, while others take and give', async () => {
      const { instance } = disk;
      const before = disk.used();
      const fault = instance.fault('disk', harm);
      const { measured: { totalBytes = 0 } = {} } = await fault.putOn();
      const full = (): number => disk.used() / totalBytes;
      const asAsked = (): boolean => full() > 0.65 && full() < 0.72;
      assert.ok(asAsked(), `${full()}`);
      disk.inside('sh', '-c', `head -c ${5 * MEBIBYTE} /dev/urandom >${disk.path}/theirs`);
      await until(asAsked, 'it has given way');
      disk.inside('rm', `${disk.path}/theirs`);
      await until(asAsked, 'it has taken what was given back');
      assert.equal(disk.inside('ls', '-A', disk.path).trim(), 'lost+found', 'it has no name');
      await fault.takeOff();
      await until(() => disk.used() <= before + MEBIBYTE, 'all of it is given back');
      await instance.nothingLeft();
    });
    void it('refuses what must not be filled', async () => {
      const { instance, path } = disk;
      for (const [words, why] of [
        [['percent=1', `path=${path}`], /full already/],
        [['percent=96', `path=${path}`], /1 to 95/],
        [['percent=90', 'path=/'], /not to be filled/],
        [['percent=90', 'path=/proc/self'], /not to be filled/],
        [['percent=90', `path=${path}/nowhere`], /no folder/],
        [['percent=90', 'path=/dev/shm'], /not to be filled/],
      ] as const) {
        disk.inside('sh', '-c', `head -c ${MEBIBYTE} /dev/urandom >${path}/theirs`);
        const said = await instance.fault('disk', words).putOn();
        assert.equal(said.result, 'failed', said.detail);
        assert.match(said.detail ?? '', why);
      }
      disk.inside('sh', '-c', `rm ${path}/theirs; mkdir ${path}/memory; mount -t tmpfs none ${path}/memory`);
      const said = await instance.fault('disk', ['percent=90', `path=${path}/memory`]).putOn();
      assert.match(said.detail ?? '', /tmpfs: expected/);
      disk.inside('sh', '-c', `umount ${path}/memory; rmdir ${path}/memory`);
      await instance.nothingLeft();
    });
    after(() => disk.close());
  });
