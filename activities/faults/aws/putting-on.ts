/**
 * How a fault that changes a resource with tags is put on, and kept on.
 *
 * Owns the order: the record is written, read again, and only then is anything changed, each time after a new look.
 */
import type { Fault, InjectResult, RenewResult } from '../../../domain/fault.ts';
import { pause } from '../../pause.ts';
import { isOver } from '../driver.ts';
import type { Attempt } from '../driver.ts';
import { OVER, said } from './outcomes.ts';
import type { Told } from './outcomes.ts';
import { mayPass } from './passing.ts';
import { AGAIN, waitAgain } from './patience.ts';
import { fenceOf, isTaggedBy, moveExpiry, rewriteUndo, takeSlot, whyNotHeld } from './tag-slot.ts';
import type { Tagged } from './tagged.ts';
import type { TaggedFault } from './tagged-fault.ts';
import type { Read, TaggedSite } from './tagged-site.ts';
import { COARSE_MS } from './taking-off.ts';
import type { TakingOff } from './taking-off.ts';

/** A renewal that does not find the change looks so many times: what a resource says may be some moments old. */
const LOOKS = 7;

const UNDONE = 'somebody else has undone it';

/** What an attempt has done: how the resource was before it. */
export interface Mine<Undo> {
  acted?: Undo;
}

/** Puts faults of one kind on the resources of a site. */
export class PuttingOn<Params, Live extends Tagged, Undo> {
  readonly #what: TaggedFault<Params, Live, Undo>;
  readonly #site: TaggedSite<Live>;
  readonly #takingOff: TakingOff<Params, Live, Undo>;

  constructor(what: TaggedFault<Params, Live, Undo>, site: TaggedSite<Live>, takingOff: TakingOff<Params, Live, Undo>) {
    this.#what = what;
    this.#site = site;
    this.#takingOff = takingOff;
  }

  async inject(fault: Fault<Params>, attempt: Attempt, mine: Mine<Undo>): Promise<Told<InjectResult>> {
    const { act, isOn, kind, record, undoRecord } = this.#what;
    for (let tries = 0; ; tries += 1) {
      const read = await this.#site.read(fault.target);
      // Whoever ends its target, and what can be read of it with it, has done so.
      if (read === undefined)
        return { result: mine.acted !== undefined && this.#what.reversal === 'heals' ? 'injected' : 'gone' };
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
        this.#takingOff.remember(fault, undo);
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
    if (isTaggedBy(slot, fault))
      await this.#takingOff.freed(fault, this.#takingOff.quietMs(slot, fault, target), attempt);
    else if (acted !== undefined) await this.#takingOff.healed(fault, attempt, acted);
    return { result: 'fenced' };
  }

  async #holds(fault: Fault<Params>, attempt: Attempt): Promise<boolean> {
    const { slot, target } = (await this.#site.read(fault.target)) ?? {};
    if (slot === undefined || target === undefined || isOver(attempt)) return false;
    return whyNotHeld(slot, fault, this.#site.looking(target.region).nowMs()) === undefined;
  }

  async renew(fault: Fault<Params>): Promise<Told<RenewResult>> {
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
}
