/**
 * The resources of one kind that a site has, in all of its regions.
 *
 * Owns how they are found by their tags, and rid of the last trace of ours. Must never decide what a slot means for a fault.
 */
import type { Fault, TargetId } from '../../../domain/fault.ts';
import { cloudOf } from '../../aws/cloud.ts';
import type { Cloud, RegionClients } from '../../aws/cloud.ts';
import { isDenied } from '../../aws/denied.ts';
import { slownessMs, usableAws } from '../../targets/aws-settings.ts';
import type { AwsSettings } from '../../targets/aws-settings.ts';
import { NoLeave } from '../driver.ts';
import type { Attempt, Leftover, Site } from '../driver.ts';
import { mayPass } from './passing.ts';
import { readTagSlot, tidySlot } from './tag-slot.ts';
import type { TagPatch, Tags, TagSlot } from './tag-slot.ts';
import type { Tagged, TaggedKind, TaggedRegion } from './tagged.ts';
import { awsTargetId, parseAwsTarget } from './target.ts';
import type { AwsTarget } from './target.ts';

/** Why nothing can be done at a site without an account. */
export const NO_AWS = 'this site has no `aws:` section';

/** A resource as it was read. */
export interface Read<Live> {
  readonly target: AwsTarget;
  readonly live: Live;
  readonly slot: TagSlot;
}

/** How a fault looks beyond its resource, and acts. */
export interface Looking {
  readonly settings: AwsSettings;
  /** For reading: requests are tried again. */
  readonly clients: RegionClients;
  /** For changing: requests are sent once. */
  readonly once: RegionClients;
  /** The installation, for what is made and not only changed. */
  readonly installation: string;
  /** AWS's time, in milliseconds since 1970. */
  nowMs(): number;
  /** The same in another region of the site. */
  in(region: string): Looking;
}

/** The resources of one kind at one site. */
export class TaggedSite<Live extends Tagged> {
  /** Undefined where the site has no account. */
  readonly settings: AwsSettings | undefined;
  readonly #site: Site;
  readonly #resource: TaggedKind<Live>;
  readonly #reading = new Map<string, TaggedRegion<Live>>();
  readonly #writing = new Map<string, TaggedRegion<Live>>();

  constructor(site: Site, resource: TaggedKind<Live>) {
    this.settings = usableAws(site.settings['aws']);
    this.#site = site;
    this.#resource = resource;
  }

  /** What every wait for AWS is a multiple of, in milliseconds. */
  get requestMs(): number {
    return this.settings === undefined ? 0 : slownessMs(this.settings);
  }

  get #cloud(): Cloud {
    if (this.settings === undefined) throw new Error(NO_AWS);
    return cloudOf(this.settings);
  }

  looking(region: string): Looking {
    const cloud = this.#cloud;
    const clients = cloud.region(region);
    return {
      settings: cloud.settings,
      clients,
      once: cloud.once(region),
      installation: this.#site.installation,
      nowMs: () => clients.nowMs(),
      in: (other) => this.looking(other),
    };
  }

  /** Where a target is, or was. */
  lookingAt(id: TargetId): Looking {
    return this.looking(parseAwsTarget(id, [this.#resource.kind]).region);
  }

  /** Where it does not matter in which region. */
  anywhere(): Looking {
    return this.looking(this.#cloud.settings.regions[0] ?? '');
  }

  #read(region: string): TaggedRegion<Live> {
    const known = this.#reading.get(region) ?? this.#resource.open(this.#cloud.region(region));
    this.#reading.set(region, known);
    return known;
  }

  /** A record that is written or freed by a request which comes late would be another fault's: none is sent twice by itself. */
  #write(region: string): TaggedRegion<Live> {
    const known = this.#writing.get(region) ?? this.#resource.open(this.#cloud.once(region));
    this.#writing.set(region, known);
    return known;
  }

  /** The fault's resource, if it is the very one. Throws where its slot cannot be read. */
  async read(id: TargetId): Promise<Read<Live> | undefined> {
    const target = parseAwsTarget(id, [this.#resource.kind]);
    const live = await this.#read(target.region).read(target);
    return live && { target, live, slot: slotOf(live.tags, id) };
  }

  /** Waits until it is the turn of one more resource. Rejects when the attempt is over before. */
  turn(id: TargetId, what: 'put on' | 'take off', { signal }: Attempt): Promise<void> {
    return this.#cloud.turns(parseAwsTarget(id, [this.#resource.kind]).region).next(what, signal);
  }

  async write(target: AwsTarget, patch: TagPatch): Promise<void> {
    if (Object.keys(patch).length > 0) await this.#write(target.region).write(target, patch);
  }

  /**
   * The faults of `kind` that this installation has on, in every region, each of which is tidied after it. Throws at the end: {@link NoLeave} where it may look
   * nowhere, and the first problem where something could not be read.
   */
  async *leftovers<Params>(kind: string, tidy?: (looking: Looking) => Promise<void>): AsyncGenerator<Leftover<Params>> {
    const denied: unknown[] = [];
    const problems: unknown[] = [];
    for (const region of this.settings?.regions ?? []) {
      try {
        for await (const { target, live } of this.#read(region).marked()) {
          try {
            const found = await this.#found<Params>(kind, target, live);
            if (found !== undefined) yield found;
          } catch (error) {
            problems.push(error);
          }
        }
        await tidy?.(this.looking(region));
      } catch (error) {
        (isDenied(error) ? denied : problems).push(error);
      }
    }
    if (problems.length > 0) throw problems[0];
    if (denied.length > 0) throw new NoLeave(`this worker may not list the ${this.#resource.kind}s of its account`);
  }

  async #found<Params>(kind: string, target: AwsTarget, live: Live): Promise<Leftover<Params> | undefined> {
    const slot = slotOf(live.tags, awsTargetId(target));
    const { record } = slot;
    const nowMs = this.looking(target.region).nowMs();
    // What cannot be tidied now is tidied when somebody comes by again.
    if (record === undefined) await this.write(target, tidySlot(slot, nowMs)).catch(mayPass);
    if (record?.kind !== kind || record.installation !== this.#site.installation) return undefined;
    const { installation, id, run, ttlMs, notAfterMs } = record;
    const params = record.params as Params;
    const fault: Fault<Params> = { installation, id, run, target: awsTargetId(target), params, ttlMs, notAfterMs };
    return { fault, expired: record.expiresMs <= nowMs };
  }
}

/** The slot of a resource. A record that names another one was copied with its tags: it says nothing of this one. */
function slotOf(tags: Tags, id: TargetId): TagSlot {
  const slot = readTagSlot(tags, id);
  return slot.record === undefined || slot.record.target === id ? slot : { ...slot, record: undefined };
}
