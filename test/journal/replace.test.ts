/** Replacing a file: a writer that others took for dead publishes nothing, and starts anew. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { replaceFile } from '../../activities/journal/replace.ts';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'squall-replace-'));
});
after(() => rm(folder, { recursive: true, force: true }));

it('a writer whose lock was taken over in the middle starts anew from what the other wrote', async () => {
  const place = { file: join(folder, 'f'), writers: join(folder, 'writers') };
  let tries = 0;
  await replaceFile(place, async () => {
    tries += 1;
    if (tries > 1) return `${await readFile(place.file, 'utf8')} and mine`;
    // What a takeover does, at the worst time: after this writer has read, before it publishes.
    for (const name of await readdir(place.writers)) await rm(join(place.writers, name));
    await replaceFile(place, () => Promise.resolve('theirs'));
    return 'mine alone';
  });
  assert.equal(tries, 2);
  assert.equal(await readFile(place.file, 'utf8'), 'theirs and mine');
});

it('a failure in computing the next version leaves the file, and no lock', async () => {
  const place = { file: join(folder, 'g'), writers: join(folder, 'writers-g') };
  await replaceFile(place, () => Promise.resolve('first'));
  await assert.rejects(
    replaceFile(place, () => Promise.reject(new Error('no'))),
    /no/,
  );
  assert.equal(await readFile(place.file, 'utf8'), 'first');
  await replaceFile(place, () => Promise.resolve('second'));
  assert.equal(await readFile(place.file, 'utf8'), 'second');
});
