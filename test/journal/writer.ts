/**
 * A process that appends to a journal and to the audit, for the tests of concurrent writers.
 *
 * `node writer.ts PLACE RUN WRITER FIRST COUNT`: appends events one by one, each of its own `seq`, and audits each, and prints
 * every `seq` that the store has promised to keep. PLACE is `journal:` of a `squall.yaml`, as JSON. Every writer also audits
 * one record that they all have.
 */
import { writeSync } from 'node:fs';
import type { Config } from '../../workers/config.ts';
import { openJournal } from '../../workers/journal.ts';
import { offered } from './offered.ts';

const [place = '', run = '', writer = '', first = '0', count = '0'] = process.argv.slice(2);
await using store = openJournal({ journal: JSON.parse(place) as Config['journal'] });
const audited = (key: string, atMs: number) => ({ key, atMs, what: 'note', who: writer, run }) as const;
for (let seq = Number(first); seq < Number(first) + Number(count); seq++) {
  await offered(() => store.append(run, [{ seq, atMs: 1_000 + seq, type: 'blind', what: 'watch', why: writer }]));
  await offered(() => store.audit.append([audited(`event ${seq}`, seq), audited('of all', seq)]));
  writeSync(1, `${seq}\n`);
}
