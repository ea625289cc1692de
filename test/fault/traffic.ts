/**
 * What talks over the network inside a namespace of the tests: answers what it is sent, and asks when it is told to.
 *
 * Owns nothing but sockets. One command a line on standard input, one answer a line on standard output; see `endpoint.ts`.
 */
import dgram from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { PATIENCE, type Command, type Pinged } from './endpoint.ts';

/**
 * So many are sent in one go. The next go waits until these are answered, or until none has been for a moment, in milliseconds: what
 * is lost is to be lost by the fault, and not because a buffer runs over.
 */
const TOGETHER = 25;
const MOMENT_MS = 20 * PATIENCE;

/** At one address, so that answers come from where the question went. */
async function serve({ host, port }: Command & { do: 'serve' }): Promise<void> {
  const datagrams = dgram.createSocket(net.isIPv6(host) ? 'udp6' : 'udp4');
  datagrams.on('message', (message, { address, port: from }) => datagrams.send(message, from, address));
  datagrams.bind(port, host);
  await once(datagrams, 'listening');
  const streams = net.createServer((socket) => {
    socket.on('error', () => socket.destroy());
    // Answers as many bytes as each line asks for; what comes after the last line is not an answer to anybody.
    createInterface({ input: socket }).on('line', (line) => socket.write(Buffer.alloc(Number(line), 'x')));
  });
  streams.listen(port, host);
  await once(streams, 'listening');
}

/** Until no more are out than were before, or their number stays the same for a moment; which it is then. */
async function settled(out: () => number, before: number): Promise<number> {
  for (let last = Infinity; out() > before && out() < last;) {
    last = out();
    await sleep(MOMENT_MS);
  }
  return out();
}

async function ping({ host, port, count, waitMs }: Command & { do: 'ping' }): Promise<Pinged> {
  const socket = dgram.createSocket(net.isIPv6(host) ? 'udp6' : 'udp4');
  const sentAtMs = new Map<string, number>();
  const roundTripsMs: number[] = [];
  let refused = 0;
  let unanswered = 0;
  const all = new Promise<void>((resolve) => {
    socket.on('message', (message) => {
      const sent = sentAtMs.get(message.toString());
      if (sent === undefined) return;
      sentAtMs.delete(message.toString());
      roundTripsMs.push(performance.now() - sent);
      if (roundTripsMs.length === count) resolve();
    });
  });
  for (let number = 0; number < count; number += 1) {
    const text = `${number} ${process.pid} ${performance.now()}`;
    sentAtMs.set(text, performance.now());
    // A packet dropped on its way out may be an error to who sends it.
    socket.send(text, port, host, (error) => void (refused += error === null ? 0 : 1));
    if (number % TOGETHER === TOGETHER - 1 && number < count - 1)
      unanswered = await settled(() => sentAtMs.size, unanswered);
  }
  const patience = new AbortController();
  await Promise.race([all, sleep(waitMs, undefined, { signal: patience.signal })]);
  patience.abort();
  socket.close();
  return { sent: count, answered: roundTripsMs.length, refused, roundTripsMs };
}

/** How long the bytes took to come, in milliseconds; -1 where they did not. */
async function fetchBytes({ host, port, bytes, waitMs }: Command & { do: 'fetch' }): Promise<number> {
  const socket = net.connect({ host, port });
  const failed = new AbortController();
  socket.on('error', () => failed.abort());
  const began = performance.now();
  let left = bytes;
  const all = new Promise<void>((resolve) => {
    socket.on('data', (data) => {
      left -= data.length;
      if (left <= 0) resolve();
    });
  });
  socket.write(`${bytes}\n`);
  await Promise.race([all, sleep(waitMs, undefined, { signal: failed.signal }).catch(() => undefined)]);
  failed.abort();
  socket.destroy();
  return left <= 0 ? performance.now() - began : -1;
}

/** Datagrams that arrived with a wrong checksum, as this namespace's kernel counts. */
function wrongChecksums(): number {
  const [names, values] = readFileSync('/proc/self/net/snmp', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('Udp: '));
  return Number(values?.split(' ')[names?.split(' ').indexOf('InCsumErrors') ?? -1]);
}

async function carryOut(command: Command): Promise<unknown> {
  switch (command.do) {
    case 'serve':
      return await serve(command);
    case 'ping':
      return await ping(command);
    case 'fetch':
      return await fetchBytes(command);
    case 'wrongChecksums':
      return wrongChecksums();
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const answer = await carryOut(JSON.parse(line) as Command);
  process.stdout.write(`${JSON.stringify(answer ?? null)}\n`);
}
process.exit();
