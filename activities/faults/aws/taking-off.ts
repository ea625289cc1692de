/**
 * How a fault that changes a resource with tags is taken off again.
 *
 * Owns the order: a revert fences first, takes the change back, and looks once more when no request can be under way any more. Only then
 * is the record freed.
 */
import type { Fault, RevertResult, Verification } from '../../../domain/fault.ts';
import { pause } from '../../pause.ts';
import { reasonOf } from '../../probes/reading.ts';
import { isOver } from '../driver.ts';
import type { Attempt } from '../driver.ts';
import { OVER, said } from './outcomes.ts';
import type { Told } from './outcomes.ts';
import { isPassing, mayPass } from './passing.ts';
import { AGAIN, waitAgain } from './patience.ts';
import { fenceOf, fenceSlot, freeSlot, isTaggedBy, keyOf, moveExpiry } from './tag-slot.ts';
import type { TagPatch, TagSlot } from './tag-slot.ts';
import type { Tagged } from './tagged.ts';
import type { Progress, TaggedFault } from './tagged-fault.ts';
import type { Read, TaggedSite } from './tagged-site.ts';
import type { AwsTarget } from './target.ts';

/**
 * A revert's second look comes this many times the longest request after its fence: a request may have been sent just before it, and what is
 * read may be as old as one takes.
 */
export const QUIET = 2.25;
/** AWS tells its time in whole seconds, in milliseconds. */
export const COARSE_MS = 1_000;

const LOST = 'somebody has taken its undo record away: it was taken back by what this worker remembered';

/** Takes faults of one kind off the resources of a site. */
export class TakingOff<Params, Live extends Tagged, Undo> {
  readonly #what: TaggedFault<Params, Live, Undo>;
  readonly #site: TaggedSite<Live>;
  /** How resources were that this process has changed, by fault. Records can be lost: whoever manages tags may take them away. */
  readonly #known = new Map<string, { readonly undo: Undo; isLost: boolean }>();

  constructor(what: TaggedFault<Params, Live, Undo>, site: TaggedSite<Live>) {
    this.#what = what;
    this.#site = site;
  }

  /** Something is about to be changed that was as `undo` says. */
  remember(fault: Fault<Params>, undo: Undo): void {
    this.#known.set(keyOf(fault), { undo, isLost: false });
  }

  async revert(fault: Fault<Params>, attempt: Attempt): Promise<Told<RevertResult>> {
    for (let tries = 0; ; tries += 1) {
      const read = await this.#site.read(fault.target);
      if (read === undefined) return this.#whenGone(fault);
      const { slot, target } = read;
      const isFenced = fenceOf(slot, fault) !== undefined;
      const lost = this.#lostOf(fault, slot);
      if (!isFenced && (tries === 0 || isTaggedBy(slot, fault))) await this.#fence(read, fault);
      if (isTaggedBy(slot, fault) || lost !== undefined)
        return this.freed(fault, this.quietMs(slot, fault, target), attempt, lost);
      // What is read without the fence may be older than a record.
      if (isFenced) return { result: 'absent', ...said(await this.#unhealed(read, fault)) };
      if (tries > 0) await waitAgain(attempt, this.#site.requestMs, tries);
      if (isOver(attempt)) return OVER;
    }
  }

  /** What this process knows of a fault whose record has gone although nobody has ended it. */
  #lostOf(fault: Fault<Params>, slot: TagSlot): Undo | undefined {
    const known = this.#known.get(keyOf(fault));
    if (known === undefined || slot.record !== undefined) return undefined;
    known.isLost ||= fenceOf(slot, fault) === undefined;
    return known.isLost ? known.undo : undefined;
  }

  /** Fences the fault. Where there is no room for that its time is over, which takes none, and says the same as long as its record is there. */
  async #fence(read: Read<Live>, fault: Fault<Params>): Promise<void> {
    const { slot, target } = read;
    try {
      await this.#site.write(target, this.#fencing(read, fault));
    } catch (error) {
      if (isPassing(error) || !isTaggedBy(slot, fault)) throw error;
      await this.#site.write(target, moveExpiry(0));
    }
  }

  /** How long from now a request may be under way that was sent before the fence, which has just been written where it was not there. */
  quietMs(slot: TagSlot, fault: Fault<Params>, { region }: AwsTarget): number {
    const quietMs = this.#site.requestMs * QUIET;
    const atMs = fenceOf(slot, fault)?.atMs;
    return atMs === undefined ? quietMs : atMs + quietMs + COARSE_MS - this.#site.looking(region).nowMs();
  }

  /** Takes the change back, looks once more after `quietMs`, and frees the slot. */
  async freed(fault: Fault<Params>, quietMs: number, attempt: Attempt, lost?: Undo): Promise<Told<RevertResult>> {
    const sinceMs = performance.now();
    const first = await this.healed(fault, attempt, lost);
    if (!first.done) return { result: 'failed', ...first };
    await pause(quietMs - (performance.now() - sinceMs), attempt.signal);
    const last = await this.healed(fault, attempt, lost);
    if (!last.done) return { result: 'failed', ...last };
    if (isOver(attempt)) return OVER;
    const then = await this.#site.read(fault.target);
    if (then === undefined) return this.#whenGone(fault);
    if (isTaggedBy(then.slot, fault)) await this.#free(then, fault);
    this.#known.delete(keyOf(fault));
    return { result: 'reverted', ...said(lost === undefined ? (first.detail ?? last.detail) : LOST) };
  }

  async #free(then: Read<Live>, fault: Fault<Params>): Promise<void> {
    const { slot, target } = then;
    if (fenceOf(slot, fault) === undefined) {
      // There was no room for it before.
      await this.#site.write(target, freeSlot(slot));
      await this.#site.write(target, this.#fencing(then, fault));
      return;
    }
    // Whoever has written the fence may have read the slot before the record was there, or was as it is now.
    const again = this.#left(slot, fault) === undefined ? {} : this.#fencing(then, fault);
    await this.#site.write(target, { ...again, ...freeSlot(slot) });
  }

  async #whenGone(fault: Fault<Params>): Promise<Told<RevertResult>> {
    await this.#what.whenGone?.(fault, this.#site.lookingAt(fault.target));
    return { result: 'absent' };
  }

  /** The fence, as of when it was written first, with what is to heal as it is known now. */
  #fencing({ slot, target }: Read<Live>, fault: Fault<Params>): TagPatch {
    const fencedMs = fenceOf(slot, fault)?.atMs ?? this.#site.looking(target.region).nowMs();
    return fenceSlot(slot, fault, fencedMs, this.#left(slot, fault));
  }

  /** What a fence keeps of the record: what is to heal by itself. */
  #left(slot: TagSlot, fault: Fault<Params>): unknown {
    return this.#what.unhealed !== undefined && isTaggedBy(slot, fault) ? slot.record?.undo : undefined;
  }

  /**
   * Takes the change back, as often as it takes, for as long as the attempt lasts. Whoever has `acted` knows how the resource was
   * although its record was freed meanwhile.
   */
  async healed(fault: Fault<Params>, attempt: Attempt, acted?: Undo): Promise<Progress> {
    for (let tries = 0; ; tries += 1) {
      const read = await this.#site.read(fault.target);
      if (read === undefined) return { done: true };
      const { record } = read.slot;
      const isLeft = record === undefined && acted !== undefined;
      if (!isLeft && !isTaggedBy(read.slot, fault)) return { done: true };
      const undo = isLeft ? acted : this.#what.undoRecord.parse(record?.undo);
      const looking = this.#site.looking(read.target.region);
      const progress = await this.#what.heal(read.live, undo, fault, looking).catch((error: unknown): Progress => {
        mayPass(error);
        return { done: false, detail: reasonOf(error) };
      });
      if (progress.done || isOver(attempt)) return progress;
      await waitAgain(attempt, this.#site.requestMs, tries + 1);
    }
  }

  /** What of a fault that was ended has not healed; undefined where all has. */
  async #unhealed({ live, slot, target }: Read<Live>, fault: Fault<Params>): Promise<string | undefined> {
    const { unhealed, undoRecord } = this.#what;
    const left = fenceOf(slot, fault)?.left;
    if (unhealed === undefined || left === undefined) return undefined;
    return unhealed(live, undoRecord.parse(left), fault, this.#site.looking(target.region));
  }

  /** Who finds neither the fault nor its fence may have read what is some moments old, and looks for as long as that can be. */
  async verify(fault: Fault<Params>): Promise<Verification> {
    const oldestMs = performance.now() + this.#site.requestMs * QUIET;
    for (;;) {
      const read = await this.#site.read(fault.target);
      if (read !== undefined && isTaggedBy(read.slot, fault)) return 'active';
      if (read !== undefined && fenceOf(read.slot, fault) !== undefined)
        return (await this.#unhealed(read, fault)) === undefined ? 'absent' : 'active';
      if (performance.now() >= oldestMs) return 'absent';
      await pause(this.#site.requestMs * AGAIN, new AbortController().signal);
    }
  }
}
