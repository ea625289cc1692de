/**
 * Where this worker runs, if it runs in the account of its site: on which instance, in which subnets.
 *
 * Owns the judgement. What nobody can say must never be taken for somewhere else.
 */
import { networkInterfaces } from 'node:os';
import { reasonOf } from '../probes/reading.ts';
import type { AwsSettings } from '../targets/aws-settings.ts';
import type { RegionClients } from './cloud.ts';
import { askInstance, askTask, readFirmware } from './metadata.ts';

/** Where EC2 has the metadata of instances. */
const METADATA = 'http://169.254.169.254';

/** What is known of this worker's machine, whatever its account. */
export interface Whereabouts {
  readonly instances: readonly string[];
  readonly subnets: readonly string[];
  /** Of network interfaces that are its own. */
  readonly addresses: readonly string[];
  /** Where its addresses are; undefined where they may be anywhere. */
  readonly zone: string | undefined;
}

/** The machine, as this process finds it. */
export interface Machine {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where the firmware's tables are. */
  readonly firmware: string;
}

const THIS: Machine = { env: process.env, firmware: '/sys/class/dmi/id' };

const known = new Map<string, Promise<Whereabouts>>();

/** Where this worker runs: asked once, and remembered once it is known. Throws where nobody can say. */
export function whereabouts({ endpoint }: Pick<AwsSettings, 'endpoint'>, machine = THIS): Promise<Whereabouts> {
  const at = metadataAt(endpoint !== undefined, machine.env);
  const task = machine.env['ECS_CONTAINER_METADATA_URI_V4'] || undefined;
  const key = JSON.stringify([at, task, machine.firmware]);
  const found = known.get(key) ?? look(at, task, machine.firmware);
  known.set(key, found);
  found.catch(() => known.delete(key));
  return found;
}

/** Where the metadata of instances is asked for; undefined where it is not to be. An emulator has nothing to do with this machine. */
function metadataAt(isEmulated: boolean, env: Machine['env']): string | undefined {
  const named = env['AWS_EC2_METADATA_SERVICE_ENDPOINT'] || undefined;
  if (env['AWS_EC2_METADATA_DISABLED']?.toLowerCase() === 'true') return undefined;
  return named ?? (isEmulated ? undefined : METADATA);
}

async function look(at: string | undefined, uri: string | undefined, folder: string): Promise<Whereabouts> {
  const [firmware, metadata, task] = await Promise.all([
    readFirmware(folder),
    at === undefined ? undefined : askInstance(at),
    uri === undefined
      ? undefined
      : askTask(uri).catch((error: unknown) => unknown(`its task at ${uri}`, reasonOf(error))),
  ]);
  const said = metadata?.kind === 'instance' ? metadata : undefined;
  const instances = [...new Set([firmware.instance, said?.id].filter((id) => id !== undefined))];
  const inTask = task?.addresses ?? [];
  const isAmazons = firmware.maker === 'amazon' || task !== undefined;
  // Where nobody answers there is no such service, unless the machine is one of Amazon's. Other clouds have one of their own.
  const isCertain = { instance: true, absent: true, foreign: firmware.maker === 'another', failed: false };
  const isTold = instances.length > 0 || inTask.length > 0 || metadata === undefined;
  if (!isTold && (isAmazons || !isCertain[metadata.kind]))
    unknown(`the metadata of instances at ${at ?? ''}`, 'why' in metadata ? metadata.why : 'nobody answers');
  return {
    instances,
    subnets: said?.subnet === undefined ? [] : [said.subnet],
    // A pod may have a network interface of a machine that is in nobody's account.
    addresses: inTask.length > 0 || firmware.maker !== 'amazon' ? inTask : ownAddresses(),
    zone: task?.zone,
  };
}

function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((some) => some ?? []);
  return all.filter(({ internal, family }) => !internal && family === 'IPv4').map(({ address }) => address);
}

function unknown(what: string, why: string): never {
  throw new Error(
    `nobody can say whether this worker runs on an instance of the account: ${what}: ${why}; let it be read, or say AWS_EC2_METADATA_DISABLED=true where the worker runs elsewhere`,
  );
}

/** What of a region this worker runs on. */
export interface OwnPlaces {
  readonly instances: ReadonlySet<string>;
  readonly subnets: ReadonlySet<string>;
}

/** The instances and subnets of `clients`' region and account that are at `place`. */
export async function ownPlaces(
  clients: RegionClients,
  place: Whereabouts,
  abortSignal: AbortSignal,
): Promise<OwnPlaces> {
  const instances = new Set(place.instances);
  const subnets = new Set(place.subnets);
  const ec2 = await clients.ec2();
  const filter = (name: string, values: readonly string[]) => ({ Name: name, Values: [...values] });
  if (place.addresses.length > 0 && (place.zone ?? clients.region).startsWith(clients.region)) {
    const zone = place.zone === undefined ? [] : [filter('availability-zone', [place.zone])];
    const Filters = [filter('addresses.private-ip-address', place.addresses), ...zone];
    const { NetworkInterfaces = [] } = await ec2.describeNetworkInterfaces({ Filters }, { abortSignal });
    for (const { SubnetId, Attachment } of NetworkInterfaces) {
      if (SubnetId !== undefined) subnets.add(SubnetId);
      if (Attachment?.InstanceId !== undefined) instances.add(Attachment.InstanceId);
    }
  }
  if (instances.size > 0) {
    const Filters = [filter('instance-id', [...instances])];
    const { Reservations = [] } = await ec2.describeInstances({ Filters }, { abortSignal });
    const ours = Reservations.flatMap(({ Instances = [] }) => Instances);
    for (const { SubnetId, NetworkInterfaces = [] } of ours)
      for (const id of [SubnetId, ...NetworkInterfaces.map((one) => one.SubnetId)])
        if (id !== undefined) subnets.add(id);
  }
  return { instances, subnets };
}
