/**
 * An account for a lab: moto behind a shim of its own, a network in three zones, and resources made in it on demand.
 *
 * Owns what is in the account, which is made and looked at past the shim: no roughness hides from a test what is true.
 */
import { cloudOf } from '../../activities/aws/cloud.ts';
import type { RegionClients } from '../../activities/aws/cloud.ts';
import { awsSettings } from '../../activities/targets/aws-settings.ts';
import type { AwsSettings } from '../../activities/targets/aws-settings.ts';
import { makeAurora, makeCache, makeDatabase } from './account/data.ts';
import type { Aurora, Cache, Database } from './account/data.ts';
import { makeGroup, makeInstance, makeTargetGroup } from './account/machines.ts';
import type { Group, InstanceOptions } from './account/machines.ts';
import { makeNetwork } from './account/network.ts';
import type { Network } from './account/network.ts';
import { makeTemplate } from './account/template.ts';
import { Moto } from './moto.ts';
import { Shim } from './shim.ts';
import type { Rough } from './shim.ts';

export { zonesOf } from './account/network.ts';

const REGION = 'eu-west-1';
/** How long a request of a driver may be under way, in milliseconds: short, so that what takes too long can be waited for. */
const REQUEST_MS = 1_000;
/** The same for a test's own, which nobody slows down but the machine. */
const PATIENT_MS = 60_000;

/** How an account is opened. */
export interface AccountOptions {
  /** What is drawn is drawn from it. Default: 0. */
  readonly seed?: number;
  /** Whether its shim is rough, or how. Default: it is calm. */
  readonly rough?: boolean | Rough;
  /** Of the driver's site, in milliseconds. Default: one second. */
  readonly requestTimeout?: number;
  /** Whether it has a moto of its own, which answers nobody else. Default: false. */
  readonly alone?: boolean;
}

/** One moto for all accounts of this process: each has a network of its own. */
let shared: { readonly moto: Promise<Moto>; users: number } | undefined;

export class Account {
  readonly region = REGION;
  readonly moto: Moto;
  readonly shim: Shim;
  /** Of the driver's site: through the shim. */
  readonly settings: AwsSettings;
  /** Past the shim. */
  readonly observe: RegionClients;
  readonly network: Network;
  readonly #leave: () => Promise<void>;
  #names = 0;

  private constructor(
    { moto, leave }: Taken,
    shim: Shim,
    observe: RegionClients,
    network: Network,
    requestTimeout: number,
  ) {
    this.moto = moto;
    this.#leave = leave;
    this.shim = shim;
    this.observe = observe;
    this.network = network;
    this.settings = reached(shim.url, requestTimeout);
  }

  /** Throws where moto cannot be had: a test is skipped for what `whyNoMoto` says. */
  static async open({
    seed = 0,
    rough = false,
    requestTimeout = REQUEST_MS,
    alone = false,
  }: AccountOptions = {}): Promise<Account> {
    beSomebody();
    const taken = alone ? await own() : await take();
    const { moto } = taken;
    try {
      const roughly = rough === true ? {} : rough;
      const shim = await Shim.open({
        to: moto.url,
        seed,
        ...(roughly === false ? {} : { rough: { requestTimeout, ...roughly } }),
      });
      const observe = cloudOf(reached(moto.url, PATIENT_MS)).region(REGION);
      return new Account(taken, shim, observe, await makeNetwork(await observe.ec2(), REGION), requestTimeout);
    } catch (error) {
      await taken.leave();
      throw error;
    }
  }

  /** The account is gone with the last one of this process. */
  async close(): Promise<void> {
    await this.shim.close();
    await this.#leave();
  }

  /** Another way to the same account, which the caller closes. */
  async another(seed: number, rough: Rough = {}): Promise<{ readonly shim: Shim; readonly settings: AwsSettings }> {
    const { requestTimeout } = this.settings;
    const shim = await Shim.open({ to: this.moto.url, seed, rough: { requestTimeout, ...rough } });
    return { shim, settings: reached(shim.url, requestTimeout) };
  }

  /** A name that nothing else in this process has. */
  name(kind: string): string {
    return `${kind}-${this.network.vpc.slice(-6)}-${(this.#names += 1)}`;
  }

  /** An instance that runs; its id. */
  async instance(options: InstanceOptions = {}): Promise<string> {
    return makeInstance(await this.observe.ec2(), this.network, options);
  }

  /** An Auto Scaling group of `size` instances, evenly over `zones`. */
  group(
    options: { size?: number; zones?: readonly string[]; tags?: Readonly<Record<string, string>> } = {},
  ): Promise<Group> {
    return makeGroup(this.observe, this.network, { name: this.name('group'), size: 3, tags: {}, ...options });
  }

  /** A target group in which `instances` are; its ARN. They are healthy while they run. */
  async targetGroup(instances: readonly string[] = []): Promise<string> {
    return makeTargetGroup(await this.observe.loadBalancing(), this.network, this.name('targets'), instances);
  }

  /** A cluster with a writer and a reader. */
  async aurora(tags: Readonly<Record<string, string>> = {}): Promise<Aurora> {
    return makeAurora(await this.observe.rds(), this.name('cluster'), this.network, tags);
  }

  /** A database that has a standby in another zone. */
  async database(options: { multiAz?: boolean; tags?: Readonly<Record<string, string>> } = {}): Promise<Database> {
    return makeDatabase(await this.observe.rds(), this.name('database'), this.network, {
      multiAz: true,
      tags: {},
      ...options,
    });
  }

  /** A replication group with a primary and `replicas`, in as many zones. */
  async cache(options: { replicas?: number; tags?: Readonly<Record<string, string>> } = {}): Promise<Cache> {
    return makeCache(await this.observe.elastiCache(), this.name('cache'), this.network, {
      replicas: 1,
      tags: {},
      ...options,
    });
  }

  /** A template of FIS that waits; its id. */
  async template(tags: Readonly<Record<string, string>> = {}): Promise<string> {
    return makeTemplate(await this.observe.fis(), tags);
  }
}

function reached(endpoint: string, requestTimeout: number): AwsSettings {
  return awsSettings.parse({ regions: [REGION], endpoint, requestTimeout });
}

/** A moto, and what ends it, or leaves it to others. */
interface Taken {
  readonly moto: Moto;
  readonly leave: () => Promise<void>;
}

async function own(): Promise<Taken> {
  const moto = await Moto.open();
  return { moto, leave: () => moto.close() };
}

async function take(): Promise<Taken> {
  shared ??= { moto: Moto.open(), users: 0 };
  const mine = shared;
  mine.users += 1;
  try {
    return { moto: await mine.moto, leave: giveBack };
  } catch (error) {
    if (shared === mine) shared = undefined;
    throw error;
  }
}

async function giveBack(): Promise<void> {
  if (shared === undefined || (shared.users -= 1) > 0) return;
  const { moto } = shared;
  shared = undefined;
  await (await moto).close();
}

/** Whoever asks must be somebody, also in processes that tests start. No file of this machine's user is read. */
export function beSomebody(): void {
  process.env['AWS_ACCESS_KEY_ID'] = 'AKIAIOSFODNN7EXAMPLE';
  process.env['AWS_SECRET_ACCESS_KEY'] = 'moto';
  process.env['AWS_EC2_METADATA_DISABLED'] = 'true';
  process.env['AWS_CONFIG_FILE'] = process.env['AWS_SHARED_CREDENTIALS_FILE'] = '/dev/null';
  delete process.env['AWS_SESSION_TOKEN'];
  delete process.env['AWS_PROFILE'];
}
