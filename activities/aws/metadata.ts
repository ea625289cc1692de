/**
 * What the machine that this worker runs on says of itself: the service of instance metadata, that of tasks, and the firmware.
 *
 * Owns the three ways to ask, and what of their silence means that there is nobody to ask. Knows no account. Its own client of a few
 * lines, since the SDK's falls back to the first version of the service, and tells its errors apart by their text.
 */
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { boundedGet } from '../probes/bounded-fetch.ts';
import { reasonOf } from '../probes/reading.ts';

/** How long one request may take, in milliseconds: both services are on the machine itself. */
const REQUEST_MS = 1_000;
const TRIES = 3;
const PAUSE_MS = 100;
/** How long a token may be used, in seconds. */
const TOKEN_S = 60;

const INSTANCE = /^i-[0-9a-f]{8,32}$/;

/** What the instance metadata says. `foreign`: somebody answers, and not as EC2 does. */
export type InstanceMetadata =
  | { readonly kind: 'instance'; readonly id: string; readonly subnet: string | undefined }
  | { readonly kind: 'absent' }
  | { readonly kind: 'foreign' | 'failed'; readonly why: string };

/** Asks the service at `endpoint`. Never throws. */
export async function askInstance(endpoint: string): Promise<InstanceMetadata> {
  if (!(await listens(new URL(endpoint)))) return { kind: 'absent' };
  const at = (path: string): string => new URL(path, endpoint).href;
  try {
    const token = await patiently(() => tokenFrom(at('/latest/api/token')));
    const get = (path: string): Promise<string> =>
      patiently(() => textAt(at(`/latest/meta-data/${path}`), { 'x-aws-ec2-metadata-token': token }));
    const id = await get('instance-id');
    if (!INSTANCE.test(id)) return { kind: 'foreign', why: `it says that this is instance ${id.slice(0, 40)}` };
    const subnet = await get(`network/interfaces/macs/${await get('mac')}/subnet-id`);
    return { kind: 'instance', id, subnet: subnet.startsWith('subnet-') ? subnet : undefined };
  } catch (error) {
    return { kind: error instanceof Foreign ? 'foreign' : 'failed', why: reasonOf(error) };
  }
}

/** What a task of ECS is told of itself, as far as anybody asks. */
const taskSchema = z.object({
  AvailabilityZone: z.string().optional(),
  Containers: z
    .array(
      z.object({
        Networks: z
          .array(z.object({ NetworkMode: z.string().optional(), IPv4Addresses: z.array(z.string()).default([]) }))
          .default([]),
      }),
    )
    .default([]),
});

/** A task with a network interface of its own has its addresses in the network; others have none there. */
export interface Task {
  readonly zone: string | undefined;
  readonly addresses: readonly string[];
}

/** Asks the service of tasks at `uri`. Throws where it says nothing that can be read. */
export async function askTask(uri: string): Promise<Task> {
  const text = await patiently(() => textAt(`${uri}/task`));
  const { AvailabilityZone: zone, Containers } = taskSchema.parse(JSON.parse(text));
  const own = Containers.flatMap(({ Networks }) => Networks.filter(({ NetworkMode }) => NetworkMode === 'awsvpc'));
  return { zone, addresses: [...new Set(own.flatMap(({ IPv4Addresses }) => IPv4Addresses))] };
}

/** Whose machine it is, by its firmware: nobody need answer for that. */
export interface Firmware {
  readonly maker: 'amazon' | 'another' | 'unknown';
  readonly instance: string | undefined;
}

/** Reads the firmware's tables in `folder`: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/identify_ec2_instances.html */
export async function readFirmware(folder: string): Promise<Firmware> {
  const read = (name: string): Promise<string> => readFile(join(folder, name), 'utf8').catch(() => '');
  const [vendor, version, asset] = await Promise.all(['sys_vendor', 'bios_version', 'board_asset_tag'].map(read));
  const said = `${vendor} ${version}`.trim();
  // Xen's machines say `4.11.amazon` as their version.
  if (!/amazon/i.test(said)) return { maker: said === '' ? 'unknown' : 'another', instance: undefined };
  const id = asset?.trim() ?? '';
  return { maker: 'amazon', instance: INSTANCE.test(id) ? id : undefined };
}

/** Somebody answers who is not the service of EC2: other clouds have theirs at the same address. */
class Foreign extends Error {}

async function tokenFrom(url: string): Promise<string> {
  const headers = { 'x-aws-ec2-metadata-token-ttl-seconds': `${TOKEN_S}` };
  const answer = await fetch(url, {
    method: 'PUT',
    headers,
    redirect: 'manual',
    signal: AbortSignal.timeout(REQUEST_MS),
  });
  const text = (await answer.text()).trim();
  if (answer.status >= 500) throw new Error(`it answers a request for a token with status ${answer.status}`);
  if (answer.status !== 200 || !/^[\w=+/.-]{1,2048}$/.test(text))
    throw new Foreign(`it answers a request for a token with status ${answer.status}`);
  return text;
}

async function textAt(url: string, headers: Readonly<Record<string, string>> = {}): Promise<string> {
  const signal = AbortSignal.timeout(REQUEST_MS);
  const fetched = await boundedGet(url, { timeoutMs: REQUEST_MS, signal, headers });
  const path = new URL(url).pathname;
  if (!fetched.ok) throw new Error(`${path}: ${fetched.failure.why}`);
  if (fetched.answer.status !== 200) throw new Error(`${path}: status ${fetched.answer.status}`);
  return fetched.answer.body.trim();
}

async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await ask();
    } catch (error) {
      if (tries === TRIES || error instanceof Foreign) throw error;
      await sleep(PAUSE_MS * tries);
    }
  }
}

/** Whether anybody takes a connection. A refusal is certain at once, silence only after some tries. */
async function listens({ hostname, port, protocol }: URL): Promise<boolean> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const { promise, resolve } = Promise.withResolvers<boolean | undefined>();
    const socket = connect({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port || (protocol === 'https:' ? 443 : 80)),
    });
    socket.setTimeout(REQUEST_MS, () => resolve(undefined));
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    const answered = await promise;
    socket.destroy();
    if (answered !== undefined) return answered;
  }
  return false;
}
