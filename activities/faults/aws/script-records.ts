/**
 * The records of faults that are scripts on instances: in tags, for people, for the sweep, and for an instance that does not answer.
 *
 * Owns when an instance is to be told anything at all, and when one that does not answer has ended a fault by itself. The slot of such a
 * fault, by compare-and-swap, is on the instance: what is read here may be some moments old.
 */
import type { Fault, InjectResult, RenewResult, RevertResult, TargetId } from '../../../domain/fault.ts';
import { pause } from '../../pause.ts';
import { isOver } from '../driver.ts';
import type { Attempt, Leftover, Site } from '../driver.ts';
import { instances } from './instances.ts';
import type { LiveInstance } from './instances.ts';
import { mayPass } from './passing.ts';
import { patiently } from './patience.ts';
import { agentsIn, whyAway } from './ssm-agents.ts';
import { LATE_MS } from './ssm-commands.ts';
import { fenceOf, fenceSlot, freeSlot, isTaggedBy, moveExpiry, takeSlot } from './tag-slot.ts';
import { TaggedSite } from './tagged-site.ts';
import type { Looking, Read } from './tagged-site.ts';
import type { AwsSettings } from '../../targets/aws-settings.ts';
import type { Turn } from './telling.ts';

/** A renewal that does not find its record looks so many times; between them it waits for this share of the longest request. */
const LOOKS = 4;
const AGAIN = 0.2;

/** What is told where an attempt is over. */
const OVER = { result: 'failed', detail: 'the attempt is over' } as const;

type InstanceRead = Read<LiveInstance>;

/** Those of one kind at one site. */
export class ScriptRecords<Params> {
  readonly #kind: string;
  readonly #site: TaggedSite<LiveInstance>;

  constructor(kind: string, site: Site) {
    this.#kind = kind;
    this.#site = new TaggedSite(site, instances);
  }

  /** Undefined where the site has no account. */
  get settings(): AwsSettings | undefined {
    return this.#site.settings;
  }

  looking(region: string): Looking {
    return this.#site.looking(region);
  }

  anywhere(): Looking {
    return this.#site.anywhere();
  }

  read(target: TargetId): Promise<InstanceRead | undefined> {
    return this.#site.read(target);
  }

  leftovers(): AsyncIterable<Leftover<Params>> {
    return this.#site.leftovers<Params>(this.#kind);
  }

  /** Why an instance cannot be told anything; undefined where it can, by what was known some moments ago. */
  async whyAway({ id, state }: LiveInstance, region: string): Promise<string | undefined> {
    return state === 'running' ? whyAway(await agentsIn(this.looking(region).clients)(id)) : `it is ${state}`;
  }

  /** Writes the record, and reads it again. Who cannot be told anything gets none. */
  async claim(fault: Fault<Params>, attempt: Attempt): Promise<Turn<InjectResult>> {
    let claimed = false;
    await this.#site.turn(fault.target, 'put on', attempt);
    for (let tries = 0; ; tries += 1) {
      if (isOver(attempt)) return OVER;
      const read = await this.#site.read(fault.target);
      if (read === undefined) return { result: 'gone' };
      const { live, slot, target } = read;
      const nowMs = this.#nowMs(read);
      if (fenceOf(slot, fault) !== undefined) {
        // Nothing was sent for a record that came after its fence.
        if (claimed) await this.free(fault, attempt);
        return { result: 'fenced' };
      }
      if (slot.record !== undefined && !isTaggedBy(slot, fault))
        return { result: 'occupied', detail: `${slot.record.kind} ${slot.record.id}` };
      if (slot.record !== undefined) return slot.record.expiresMs <= nowMs ? { result: 'lapsed' } : { read };
      const whyNot = await this.whyAway(live, target.region);
      if (whyNot !== undefined) return { result: 'failed', detail: whyNot };
      if (isOver(attempt)) return OVER;
      await this.#site.write(target, takeSlot(slot, this.#kind, fault, {}, nowMs)).catch(mayPass);
      claimed = true;
      if (tries > 0) await this.#again(attempt);
    }
  }

  /** Finds the record. */
  async held(fault: Fault<Params>, attempt: Attempt): Promise<Turn<RenewResult>> {
    for (let looks = 1; ; looks += 1) {
      const read = await this.#site.read(fault.target);
      if (read === undefined) return { result: 'gone' };
      const { live, slot } = read;
      if (fenceOf(slot, fault) !== undefined) return { result: 'lapsed', detail: 'it was ended' };
      if (live.state === 'stopped') return { result: 'lapsed', detail: 'the instance is stopped' };
      if (isTaggedBy(slot, fault)) return { read };
      if (looks >= LOOKS || isOver(attempt)) return { result: 'lapsed', detail: 'its record is not on the instance' };
      await this.#again(attempt);
    }
  }

  /** After they were renewed: moves the time at which they may be swept. */
  async move(reads: readonly (readonly [Fault<Params>, InstanceRead])[], attempt: Attempt): Promise<void> {
    // One time for all of a region, so that it is one request.
    const nowMs = new Map(reads.map(([, read]) => [read.target.region, this.#nowMs(read)]));
    await Promise.all(
      reads.map(async ([{ ttlMs }, { target, slot }]) => {
        const { endsMs = 0 } = slot.record ?? {};
        const patch = moveExpiry(Math.min((nowMs.get(target.region) ?? 0) + ttlMs, endsMs));
        await patiently(attempt, this.#site.requestMs, () => this.#site.write(target, patch));
      }),
    );
  }

  /** Fences the fault. */
  async fence(fault: Fault<Params>, attempt: Attempt): Promise<Turn<RevertResult>> {
    await this.#site.turn(fault.target, 'take off', attempt);
    return patiently(attempt, this.#site.requestMs, () => this.#fenceOne(fault, attempt));
  }

  async #fenceOne(fault: Fault<Params>, attempt: Attempt): Promise<Turn<RevertResult>> {
    if (isOver(attempt)) return OVER;
    const read = await this.#site.read(fault.target);
    if (read === undefined) return { result: 'absent' };
    const { live, slot, target } = read;
    const isHeld = isTaggedBy(slot, fault);
    if (fenceOf(slot, fault) !== undefined) {
      if (!isHeld) return { result: 'absent' };
    } else await this.#site.write(target, fenceSlot(slot, fault, this.#nowMs(read)));
    if (live.state !== 'stopped') return { read };
    // No process outlives that, nor does what a kernel was told.
    await this.free(fault, attempt);
    return { result: isHeld ? 'reverted' : 'absent' };
  }

  /** Frees the fault's slot where it holds one. */
  async free(fault: Fault<Params>, attempt: Attempt): Promise<void> {
    await patiently(attempt, this.#site.requestMs, async () => {
      const read = await this.#site.read(fault.target);
      if (read !== undefined && isTaggedBy(read.slot, fault)) await this.#site.write(read.target, freeSlot(read.slot));
    });
  }

  /**
   * By when an instance that nobody hears has ended a fault by itself, in milliseconds since 1970; undefined where there is no record of
   * it. A renewal that was sent after the tags were last moved may have given it one more time-to-live.
   */
  endedMs(fault: Fault<Params>, { slot }: InstanceRead): number | undefined {
    const { record } = slot;
    if (record === undefined || !isTaggedBy(slot, fault)) return undefined;
    return Math.min(record.expiresMs + record.ttlMs, record.endsMs) + LATE_MS;
  }

  /** Whether that is over. */
  isPast(ms: number, read: InstanceRead): boolean {
    return ms <= this.#nowMs(read);
  }

  #nowMs({ target }: InstanceRead): number {
    return this.#site.looking(target.region).nowMs();
  }

  async #again({ signal }: Attempt): Promise<void> {
    await pause(this.#site.requestMs * AGAIN * (0.5 + Math.random()), signal);
  }
}
