/**
 * A process that appends to a journal, for the tests of concurrent writers.
 *
 * `node writer.ts FOLDER RUN WRITER FIRST COUNT`: appends events one by one, each of its own `seq`, and prints every `seq` that the
 * store has promised to keep.
 */
import { writeSync } from 'node:fs';
import { openFileStore } from '../../activities/journal/file.ts';

const [folder = '', run = '', writer = '', first = '0', count = '0'] = process.argv.slice(2);
const store = openFileStore(folder);
for (let seq = Number(first); seq < Number(first) + Number(count); seq++) {
  await store.append(run, [{ seq, atMs: 1_000 + seq, type: 'blind', what: 'watch', why: writer }]);
  writeSync(1, `${seq}\n`);
}
