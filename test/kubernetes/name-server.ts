/**
 * A name server in a pod's network: it answers every question about an address, over UDP and TCP, with the same one.
 *
 * Owns that process. Started as a program it is the server, which ends with its input; imported, it starts one.
 */
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Cluster } from './cluster/cluster.ts';
import { nodeCommand, onNode } from './fault-image.ts';
import type { RunningPod } from './running-pods.ts';

const PORT = 53;
const HEADER = 12;
const ANSWER = [10, 9, 9, 9];
/** What every name resolves to. */
export const ADDRESS = ANSWER.join('.');

/** Serves in the network of `pod`, until it is disposed of. */
export async function serveNames(cluster: Cluster, { ip }: RunningPod): Promise<AsyncDisposable> {
  const find = `for n in /run/netns/*; do nsenter --net=$n ip -4 addr | grep -q 'inet ${ip}/' && echo $n; done; true`;
  const [network = ''] = onNode(cluster, ['sh', '-c', find]).split('\n');
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', import.meta.filename, ip];
  const child = spawn(...nodeCommand(cluster, ['nsenter', `--net=${network}`, ...node]), {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  await Promise.race([once(child.stdout, 'data'), ended]);
  if (child.exitCode !== null) throw new Error(`no name server in ${network}`);
  return {
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await ended;
    },
  };
}

/** The answer to a question, which is all of the message behind its header. */
function answerTo(message: Buffer): Buffer {
  const answer = Buffer.concat([
    message.subarray(0, questionEnd(message)),
    Buffer.from([0xc0, HEADER, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, ...ANSWER]),
  ]);
  answer.writeUInt16BE(0x8180, 2);
  answer.writeUInt16BE(1, 4);
  answer.writeUInt16BE(1, 6);
  answer.fill(0, 8, HEADER);
  return answer;
}

function questionEnd(message: Buffer): number {
  let at = HEADER;
  while ((message[at] ?? 0) > 0) at += 1 + (message[at] ?? 0);
  return at + 5;
}

async function serve(ip: string): Promise<void> {
  const datagrams = createSocket('udp4', (message, { address, port }) =>
    datagrams.send(answerTo(message), port, address),
  );
  datagrams.bind(PORT, ip);
  const streams = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    // A question comes in one piece from who asks here.
    socket.on('data', (piece) => {
      const answer = answerTo(piece.subarray(2));
      const length = Buffer.alloc(2);
      length.writeUInt16BE(answer.length);
      socket.write(Buffer.concat([length, answer]));
    });
  }).listen(PORT, ip);
  await Promise.all([once(datagrams, 'listening'), once(streams, 'listening')]);
  process.stdout.write('serving\n');
  process.stdin.resume().once('end', () => process.exit());
}

if (process.argv[1] === import.meta.filename) await serve(process.argv[2] ?? '');
