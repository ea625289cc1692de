/**
 * One replica of a service of the demo shop: a process with an HTTP server that does a little work for each request.
 *
 * Owns its pid file, by which Squall's host targets find it. Ends when its supervisor does. Plain JavaScript, since there
 * are twelve of these and the stripping of types would cost each 17 MB.
 *
 * Arguments: the service, the replica's number, the folder of the pid files.
 */
import { createHash } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';

const [service = '', number = '', runDir = ''] = process.argv.slice(2);

const server = createServer((request, response) => {
  // Real work of about a millisecond: a replica that shares a busy core is slower, as in life.
  const digest = createHash('sha512').update(Buffer.alloc(200_000, service)).digest('hex');
  response.end(JSON.stringify({ service, number, path: request.url, digest: digest.slice(0, 8) }));
});
server.keepAliveTimeout = 30_000;
server.listen(0, '127.0.0.1', () => {
  const file = join(runDir, `${service}-${number}.pid`);
  writeFileSync(`${file}.new`, `${process.pid}\n`);
  renameSync(`${file}.new`, file);
  process.send?.({ port: server.address().port });
});
process.on('disconnect', () => process.exit());
