/**
 * The services of docker-compose.yml with Temporal's own server on PostgreSQL, by hand: building that server takes minutes, and
 * it is on no registry but Docker's. docs/service.md has the commands.
 *
 * Argument: the folder with `temporal-server` and `temporal-sql-tool`. Ends with 0 when everything was as it should be.
 */
import assert from 'node:assert/strict';
import { appendFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { eventsOf } from '../cli/squall.ts';
import { until } from '../until.ts';
import { Arrangement } from './arrangement.ts';
import { SKIP } from './container.ts';
import { oneReplicaFreezes } from './experiment.ts';

const BINARIES = '/usr/lib/postgresql/15/bin';
const DATA = '/var/lib/postgresql/data';
const folder = resolve(process.argv[2] ?? '.');
if (SKIP) throw new Error(SKIP);

const say = (line: string): void => void process.stdout.write(`${new Date().toISOString()} ${line}\n`);
const names = ['temporal-server', 'temporal-sql-tool'];
const services = await Arrangement.open({
  programs: {
    ...Object.fromEntries(names.map((name) => [name, join(folder, name)])),
    pg_isready: join(BINARIES, 'pg_isready'),
  },
});
// What the entry point of the server's image finds out.
const own = { TEMPORAL_BROADCAST_ADDRESS: services.addressOf('temporal') };
try {
  // What the entry point of PostgreSQL's image does with an empty volume.
  const asked = ['-U', 'temporal', '--pwfile=/run/secrets/postgres-password', '-A', 'scram-sha-256', '--no-locale'];
  const made = await services.runIn('postgresql', [join(BINARIES, 'initdb'), '-D', DATA, '-E', 'UTF8', ...asked]);
  assert.equal(made.code, 0, made.err);
  await appendFile(join(services.volume('postgresql'), 'pg_hba.conf'), 'host all all all scram-sha-256\n');

  await services.start('postgresql');
  await services.healthy('postgresql');
  for (const time of ['first', 'second']) {
    await services.complete('temporal-schema');
    say(`the schema is set up, the ${time} time`);
  }
  await services.start('temporal', own);
  for (const time of ['first', 'second']) {
    await services.complete('temporal-namespace');
    say(`the namespace is there, the ${time} time`);
  }
  for (const name of ['alertmanager', 'prometheus', 'shop', 'control', 'site', 'shop-site']) {
    await services.start(name);
    await services.healthy(name);
    say(`${name} is healthy`);
  }

  await writeFile(join(services.volume('control'), 'run.yaml'), oneReplicaFreezes('20s'));
  let started = await services.squall('--json', 'run', '/var/lib/squall/run.yaml');
  // Rates need a few samples first.
  await until(async () => {
    if (started.code !== 3) return true;
    started = await services.squall('--json', 'run', '/var/lib/squall/run.yaml');
    return started.code !== 3;
  });
  assert.equal(started.code, 0, `${started.out}${started.err}`);
  say('a run held');

  const second = await services.squall('--json', 'run', '/var/lib/squall/run.yaml', '--detach');
  const run = String(eventsOf(second.out).find((event) => 'run' in event)?.['run']);
  await until(async () => /holding/.test((await services.squall('--json', 'status', run)).out));
  await services.end('temporal', 'SIGKILL');
  await services.end('postgresql', 'SIGQUIT');
  say('in mid-run Temporal was killed, and PostgreSQL with it');
  await services.start('postgresql');
  await services.healthy('postgresql');
  await services.start('temporal', own);
  await until(async () => /"event":"finished"/.test((await services.squall('--json', 'watch', run)).out));
  const ended = await services.squall('--json', 'watch', run);
  say(`the run has ended: ${ended.out.trim().split('\n').at(-1) ?? ''}`);
  say('all was as it should be');
} finally {
  await services.close();
}
