/**
 * Faults that change a resource of an account, with the undo record in its tags.
 *
 * Owns what differs between them; the order in which all of them are put on and taken off is `putting-on.ts`'s and `taking-off.ts`'s.
 * Nothing on AWS's side ends such a fault by itself; the sweep does. See docs/decisions/018.
 */
import type { z } from 'zod';
import type {
  Fault,
  InjectResult,
  Outcome,
  Reversal,
  RevertResult,
  TargetId,
  Verification,
} from '../../../domain/fault.ts';
import { RENEWALS_PER_SECOND, TARGET_MS } from '../../aws/turns.ts';
import { toFind } from '../../targets/aws-permissions.ts';
import { isOver } from '../driver.ts';
import type { Attempt, DriverFactory, FaultDriver, Leftover, Permission, Site } from '../driver.ts';
import { OVER, told } from './outcomes.ts';
import { patiently } from './patience.ts';
import { PuttingOn } from './putting-on.ts';
import type { Mine } from './putting-on.ts';
import type { Tagged, TaggedKind } from './tagged.ts';
import { NO_AWS, TaggedSite } from './tagged-site.ts';
import type { Looking } from './tagged-site.ts';
import { QUIET, TakingOff } from './taking-off.ts';

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
  /** Whether nothing brings back what it does with these parameters. Default: not. */
  readonly irreversible?: (params: Params) => boolean;
  /** How long it may take until a resource is as it was, once AWS was asked for that, in milliseconds. Default: moments. */
  readonly revertMs?: number;
  readonly undoRecord: z.ZodType<Undo>;
  /** How the resource is, for the record, or why the fault must not be put on it; undefined where it is gone. Changes nothing of it. */
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

class TaggedDriver<Params, Live extends Tagged, Undo> implements FaultDriver<Params> {
  readonly kind;
  readonly summary;
  readonly params;
  readonly reversal;
  readonly expiry = 'none';
  readonly permissions;
  readonly undo;
  readonly targetMs = TARGET_MS;
  readonly renewalsPerSecond = RENEWALS_PER_SECOND;
  readonly revertMs;
  /** What heals by itself is not held, and needs nobody who goes on saying that it is wanted. */
  readonly renew?: NonNullable<FaultDriver<Params>['renew']>;
  readonly #what: TaggedFault<Params, Live, Undo>;
  readonly #site: TaggedSite<Live>;
  readonly #puttingOn: PuttingOn<Params, Live, Undo>;
  readonly #takingOff: TakingOff<Params, Live, Undo>;

  constructor(what: TaggedFault<Params, Live, Undo>, site: Site) {
    ({ kind: this.kind, summary: this.summary, params: this.params } = what);
    this.permissions = [...what.permissions, toFind(what.resource.kind)];
    this.undo = what.undo;
    this.reversal = what.reversal ?? 'reverted';
    if (this.reversal === 'reverted')
      this.renew = (faults, attempt) =>
        Promise.all(
          faults.map(async (fault) => {
            const renewed = await patiently(attempt, this.#site.requestMs, () => this.#puttingOn.renew(fault));
            return { id: fault.id, ...renewed };
          }),
        );
    this.#what = what;
    this.#site = new TaggedSite(site, what.resource);
    this.#takingOff = new TakingOff(what, this.#site);
    this.#puttingOn = new PuttingOn(what, this.#site, this.#takingOff);
    // A revert's second look, and what who verifies waits for at most, are besides.
    this.revertMs = (what.revertMs ?? 0) + 2 * QUIET * this.#site.requestMs;
  }

  async check(params: Params): Promise<readonly string[]> {
    if (this.#site.settings === undefined) return [NO_AWS];
    return (await this.#what.check?.(params, this.#site.anywhere())) ?? [];
  }

  irreversible(params: Params): boolean {
    return this.#what.irreversible?.(params) ?? false;
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
      await this.#site.turn(fault.target, 'put on', attempt);
      return isOver(attempt)
        ? OVER
        : patiently(attempt, this.#site.requestMs, () => this.#puttingOn.inject(fault, attempt, mine));
    });
  }

  async revert(faults: readonly Fault<Params>[], attempt: Attempt): Promise<readonly Outcome<RevertResult>[]> {
    return told(faults, async (fault) => {
      await this.#site.turn(fault.target, 'take off', attempt);
      return isOver(attempt)
        ? OVER
        : patiently(attempt, this.#site.requestMs, () => this.#takingOff.revert(fault, attempt));
    });
  }

  async verify(faults: readonly Fault<Params>[]): Promise<readonly Verification[]> {
    return Promise.all(
      faults.map(async (fault): Promise<Verification> => {
        try {
          return await this.#takingOff.verify(fault);
        } catch {
          return 'unknown';
        }
      }),
    );
  }

  leftovers(): AsyncIterable<Leftover<Params>> {
    return this.#site.leftovers<Params>(this.kind, this.#what.tidy);
  }
}
