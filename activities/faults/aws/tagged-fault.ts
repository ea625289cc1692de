/**
 * Faults that change a resource of an account, with the undo record in its tags.
 *
 * Owns the order: the record is written, read again, and only then is anything changed, each time after a new look; a revert
 * fences first, and looks once more when no request can be under way any more. Nothing on AWS's side ends such a fault by itself;
 * the sweep does. See docs/decisions/018.
 */
import type { z } from 'zod';
import type {
  Fault,
  InjectResult,
  Outcome,
  RenewResult,
  Reversal,
  RevertResult,
  TargetId,
  Verification,
} from '../../../domain/fault.ts';
import { pause } from '../../pause.ts';
import { reasonOf } from '../../probes/reading.ts';
import { toFind } from '../../targets/aws-permissions.ts';
import { isOver } from '../driver.ts';
import type { Attempt, DriverFactory, FaultDriver, Leftover, Permission, Site } from '../driver.ts';
import { said, told } from './outcomes.ts';
import type { Told } from './outcomes.ts';
import { mayPass } from './passing.ts';
import { AGAIN, patiently, waitAgain } from './patience.ts';
import { fenceOf, fenceSlot, freeSlot, isTaggedBy, moveExpiry, rewriteUndo, takeSlot, whyNotHeld } from './tag-slot.ts';
import type { TagPatch, TagSlot } from './tag-slot.ts';
import type { Tagged, TaggedKind } from './tagged.ts';
import { NO_AWS, TaggedSite } from './tagged-site.ts';
import type { Looking, Read } from './tagged-site.ts';
import type { AwsTarget } from './target.ts';

/** How far something has come that may take a while. */
export interface Progress {
  readonly done: boolean;
  /** What is still to come, or what is to be told of it. */
  readonly detail?: string;
}

/** What differs between faults of resources with tags. */
export interface TaggedFault<Params, Live extends Tagged, Undo> {
  readonly kind: `aws/${string}`;
  readonly summary: string;
  readonly params: z.ZodType<Params>;
  readonly resource: TaggedKind<Live>;
  readonly permissions: readonly Permission[];
  readonly undo: string;
  /** Default: reverted. */
  readonly reversal?: Reversal;
  readonly undoRecord: z.ZodType<Undo>;
  /** How the resource is, for the record, or why the fault must not be put on it; undefined where it is gone. Changes nothing. */
  readonly record: (
    live: Live,
    fault: Fault<Params>,
    looking: Looking,
  ) => Promise<{ readonly undo: Undo } | string | undefined>;
  /**
   * Makes the change, or what is left of it, by requests that are sent once. What can be done only once writes down first that it was asked
   * for (`keep`). Called again until `isOn`.
   */
  readonly act: (live: Live, undo: Undo, fault: Fault<Params>, acting: Acting<Undo>) => Promise<void>;
  /** Whether the change is there, whole; where it is not, false, or what has become of it. */
  readonly isOn: (
    live: Live,
    undo: Undo,
    fault: Fault<Params>,
    looking: Looking,
  ) => boolean | string | Promise<boolean | string>;
  /** Once it is on: what is to be told of how it was put on. */
  readonly told?: (live: Live, undo: Undo, fault: Fault<Params>, looking: Looking) => Promise<string | undefined>;
  /** Takes the change back, or what is left of it; what others have changed since is theirs, and told. Called again until it is done. */
  readonly heal: (live: Live, undo: Undo, fault: Fault<Params>, looking: Looking) => Promise<Progress>;
  /** What of it is to heal by itself, and has not; undefined when all has. For faults that heal. */
  readonly unhealed?: (live: Live, undo: Undo, fault: Fault<Params>, looking: Looking) => Promise<string | undefined>;
  /** Which of these it must not be put on, and why, besides what `record` says of each; looks, and rehearses. */
  readonly unfit?: (targets: readonly TargetId[], params: Params, looking: Looking) => Promise<Map<TargetId, string>>;
  /** What of it is elsewhere, and is to be taken back although its resource is gone, and its record with it. */
  readonly whenGone?: (fault: Fault<Params>, looking: Looking) => Promise<void>;
  /** Takes away what faults of this kind have left elsewhere in a region and nobody needs any more. Asked whenever leftovers are. */
  readonly tidy?: (looking: Looking) => Promise<void>;
  /** What is missing at this site for it to work. */
  readonly check?: (params: Params, looking: Looking) => Promise<readonly string[]>;
}

/** How a fault acts while it holds its resource. */
export interface Acting<Undo> extends Looking {
  /** Writes down what becomes of the record, before it is done. */
  keep(undo: Undo): Promise<void>;
  /** Whether it holds it still, read anew. To be asked before each request that comes after another one, or a while after the look. */
  holds(): Promise<boolean>;
  /** Says that it is on, since AWS has answered so: it is not looked at any more, which some resources let nobody while they change. */
  answered(): void;
}

/** Builds the driver of such a fault. */
export function taggedFault<Params, Live extends Tagged, Undo>(
  what: TaggedFault<Params, Live, Undo>,
): DriverFactory<Params> {
  return (site) => new TaggedDriver(what, site);
}

/**
 * A revert's second look comes this many times the longest request after its fence: a request may have been sent just before it, and what is
 * read may be as old as one takes.
 */
const QUIET = 2.25;
/** AWS tells its time in whole seconds, in milliseconds. */
const COARSE_MS = 1_000;
/** A renewal that does not find the change looks so many times: what a resource says may be some moments old. */
const LOOKS = 7;

const OVER = { result: 'failed', detail: 'the attempt is over' } as const;
const UNDONE = 'somebody else has undone it';

/** What an attempt has done: how the resource was before it. */
interface Mine<Undo> {
  acted?: Undo;
}

class TaggedDriver<Params, Live extends Tagged, Undo> implements FaultDriver<Params> {
  readonly kind;
  readonly summary;
  readonly params;
  readonly reversal;
  readonly expiry = 'none';
  readonly permissions;
  readonly undo;
  /** What heals by itself is not held, and needs nobody who goes on saying that it is wanted. */
  readonly renew?: NonNullable<FaultDriver<Params>['renew']>;
  readonly #what: TaggedFault<Params, Live, Undo>;
  readonly #site: TaggedSite<Live>;

  constructor(what: TaggedFault<Params, Live, Undo>, site: Site) {
    ({ kind: this.kind, summary: this.summary, params: this.params } = what);
    this.permissions = [...what.permissions, toFind(what.resource.kind)];
    this.undo = what.undo;
    this.reversal = what.reversal ?? 'reverted';
    if (this.reversal === 'reverted')
      this.renew = (faults, attempt) =>
        Promise.all(
          faults.map(async (fault) => {
            const renewed = await patiently(attempt, this.#site.requestMs, () => this.#renewOne(fault));
            return { id: fault.id, ...renewed };
          }),
        );
    this.#what = what;
    this.#site = new TaggedSite(site, what.resource);
  }

  async check(params: Params): Promise<readonly string[]> {
    if (this.#site.settings === undefined) return [NO_AWS];
    return (await this.#what.check?.(params, this.#site.anywhere())) ?? [];
  }

  async occupied(targets: readonly TargetId[]): Promise<ReadonlyMap<TargetId, string>> {
    const reads = await Promise.all(targets.map((target) => this.#site.read(target)));
    const held = targets.map((target, i): [TargetId, string | undefined] => [target, reads[i]?.slot.record?.id]);
    return new Map(held.filter((entry): entry is [TargetId, string] => entry[1] !== undefined));
  }

  async unfit(targets: readonly TargetId[], params: Params): Promise<ReadonlyMap<TargetId, string>> {
    if (this.#site.settings === undefined) return new Map();
    return (await this.#what.unfit?.(targets, params, this.#site.anywhere())) ?? new Map();
  }

  async inject(faults: readonly Fault<Params>[], attempt: Attempt): Promise<readonly Outcome<InjectResult>[]> {
    return told(faults, async (fault) => {
      const mine: Mine<Undo> = {};
      return isOver(attempt)
        ? OVER
        : patiently(attempt, this.#site.requestMs, () => this.#injectOne(fault, attempt, mine));
    });
  }

  async #injectOne(fault: Fault<Params>, attempt: Attempt, mine: Mine<Undo>): Promise<Told<InjectResult>> {
    const { act, isOn, kind, record, undoRecord } = this.#what;
    for (let tries = 0; ; tries += 1) {
      const read = await this.#site.read(fault.target);
      // Whoever ends its target, and what can be read of it with it, has done so.
      if (read === undefined)
        return { result: mine.acted !== undefined && this.reversal === 'heals' ? 'injected' : 'gone' };
      const { live, slot, target } = read;
      const looking = this.#site.looking(target.region);
      if (fenceOf(slot, fault) !== undefined) return this.#takenBack(fault, read, mine.acted, attempt);
      if (slot.record !== undefined && !isTaggedBy(slot, fault))
        return { result: 'occupied', detail: `${slot.record.kind} ${slot.record.id}` };
      if (slot.record !== undefined) {
        if (slot.record.expiresMs <= looking.nowMs()) return { result: 'lapsed' };
        const undo = undoRecord.parse(slot.record.undo);
        if ((await isOn(live, undo, fault, looking)) === true) return this.#injected(read, undo, fault);
        if (isOver(attempt)) return OVER;
        mine.acted = undo;
        const holds = (): Promise<boolean> => this.#holds(fault, attempt);
        const keep = (kept: Undo): Promise<void> => this.#site.write(target, rewriteUndo(slot, kept));
        const told = { on: false };
        const answered = (): void => void (told.on = true);
        await act(live, undo, fault, { ...looking, keep, holds, answered }).catch(mayPass);
        if (told.on) return this.#injected(read, undo, fault);
      } else {
        const found = await record(live, fault, looking);
        if (found === undefined) return { result: 'gone' };
        if (typeof found === 'string') return { result: 'failed', detail: found };
        if (isOver(attempt)) return OVER;
        await this.#site.write(target, takeSlot(slot, kind, fault, found.undo, looking.nowMs())).catch(mayPass);
      }
      if (tries > 0) await waitAgain(attempt, this.#site.requestMs, tries);
      if (isOver(attempt)) return OVER;
    }
  }

  async #injected({ live, target }: Read<Live>, undo: Undo, fault: Fault<Params>): Promise<Told<InjectResult>> {
    // It is on, whether or not that can be told.
    const detail = await this.#what.told?.(live, undo, fault, this.#site.looking(target.region)).catch(() => undefined);
    return { result: 'injected', ...said(detail) };
  }

  /**
   * A fault that was ended meanwhile: what this attempt may have done after it is taken back. A record is freed as by a revert: whoever
   * has written the fence may be dead, and what the fault has done may be there still.
   */
  async #takenBack(
    fault: Fault<Params>,
    { slot, target }: Read<Live>,
    acted: Undo | undefined,
    attempt: Attempt,
  ): Promise<Told<InjectResult>> {
    if (isTaggedBy(slot, fault)) await this.#freed(fault, this.#quietMs(slot, fault, target), attempt);
    else if (acted !== undefined) await this.#healed(fault, attempt, acted);
    return { result: 'fenced' };
  }

  async #holds(fault: Fault<Params>, attempt: Attempt): Promise<boolean> {
    const { slot, target } = (await this.#site.read(fault.target)) ?? {};
    if (slot === undefined || target === undefined || isOver(attempt)) return false;
    return whyNotHeld(slot, fault, this.#site.looking(target.region).nowMs()) === undefined;
  }

  async #renewOne(fault: Fault<Params>): Promise<Told<RenewResult>> {
    const { isOn, undoRecord } = this.#what;
    for (let looks = 1; ; looks += 1) {
      const read = await this.#site.read(fault.target);
      if (read === undefined) return { result: 'gone' };
      const { live, slot, target } = read;
      const looking = this.#site.looking(target.region);
      let why = whyNotHeld(slot, fault, looking.nowMs());
      if (why === undefined && slot.record !== undefined) {
        const on = await isOn(live, undoRecord.parse(slot.record.undo), fault, looking);
        if (on === true) {
          // Of whole seconds, so that what is renewed together is one request.
          const laterMs = Math.ceil((looking.nowMs() + fault.ttlMs) / COARSE_MS) * COARSE_MS;
          await this.#site.write(target, moveExpiry(Math.min(laterMs, slot.record.endsMs)));
          return { result: 'renewed' };
        }
        why = on || UNDONE;
      }
      if (looks >= LOOKS || fenceOf(slot, fault) !== undefined)
        return { result: 'lapsed', ...(why === undefined ? {} : { detail: why }) };
      await pause(this.#site.requestMs * AGAIN, new AbortController().signal);
    }
  }

  async revert(faults: readonly Fault<Params>[], attempt: Attempt): Promise<readonly Outcome<RevertResult>[]> {
    return told(faults, async (fault) =>
      isOver(attempt) ? OVER : patiently(attempt, this.#site.requestMs, () => this.#revertOne(fault, attempt)),
    );
  }

  async #revertOne(fault: Fault<Params>, attempt: Attempt): Promise<Told<RevertResult>> {
    for (let tries = 0; ; tries += 1) {
      const read = await this.#site.read(fault.target);
      if (read === undefined) return this.#whenGone(fault);
      const { slot, target } = read;
      const isFenced = fenceOf(slot, fault) !== undefined;
      if (!isFenced && (tries === 0 || isTaggedBy(slot, fault)))
        await this.#site.write(target, this.#fencing(read, fault));
      if (isTaggedBy(slot, fault)) return this.#freed(fault, this.#quietMs(slot, fault, target), attempt);
      // What is read without the fence may be older than a record.
      if (isFenced) return { result: 'absent', ...said(await this.#unhealed(read, fault)) };
      if (tries > 0) await waitAgain(attempt, this.#site.requestMs, tries);
      if (isOver(attempt)) return OVER;
    }
  }

  /** How long from now a request may be under way that was sent before the fence, which has just been written where it was not there. */
  #quietMs(slot: TagSlot, fault: Fault<Params>, { region }: AwsTarget): number {
    const quietMs = this.#site.requestMs * QUIET;
    const fence = fenceOf(slot, fault);
    return fence === undefined ? quietMs : fence.atMs + quietMs + COARSE_MS - this.#site.looking(region).nowMs();
  }

  /** Takes the change back, looks once more after `quietMs`, and frees the slot. */
  async #freed(fault: Fault<Params>, quietMs: number, attempt: Attempt): Promise<Told<RevertResult>> {
    const sinceMs = performance.now();
    const first = await this.#healed(fault, attempt);
    if (!first.done) return { result: 'failed', ...first };
    await pause(quietMs - (performance.now() - sinceMs), attempt.signal);
    const last = await this.#healed(fault, attempt);
    if (!last.done) return { result: 'failed', ...last };
    if (isOver(attempt)) return OVER;
    const then = await this.#site.read(fault.target);
    if (then === undefined) return this.#whenGone(fault);
    // Whoever has written the fence may have read the slot before the record was there, or was as it is now.
    const again = this.#left(then.slot, fault) === undefined ? {} : this.#fencing(then, fault);
    if (isTaggedBy(then.slot, fault)) await this.#site.write(then.target, { ...again, ...freeSlot(then.slot) });
    return { result: 'reverted', ...said(first.detail ?? last.detail) };
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
  async #healed(fault: Fault<Params>, attempt: Attempt, acted?: Undo): Promise<Progress> {
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

  async verify(faults: readonly Fault<Params>[]): Promise<readonly Verification[]> {
    return Promise.all(
      faults.map(async (fault): Promise<Verification> => {
        try {
          return await this.#verifyOne(fault);
        } catch {
          return 'unknown';
        }
      }),
    );
  }

  /** Who finds neither the fault nor its fence may have read what is some moments old, and looks for as long as that can be. */
  async #verifyOne(fault: Fault<Params>): Promise<Verification> {
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

  leftovers(): AsyncIterable<Leftover<Params>> {
    return this.#site.leftovers<Params>(this.kind, this.#what.tidy);
  }
}
