/**
 * Faults that are a script on an instance, which ends them by itself when it is not told to go on.
 *
 * Owns the order: the record in the instance's tags first, then the command. Who holds an instance, for how long, and what may never be
 * put on again is what the instance itself knows (`on-instance/`), by compare-and-swap. Must never know what the harm is.
 */
import type {
  Fault,
  InjectResult,
  Outcome,
  RenewResult,
  RevertResult,
  TargetId,
  Verification,
} from '../../../domain/fault.ts';
import { TARGET_MS } from '../../aws/turns.ts';
import { toFind } from '../../targets/aws-permissions.ts';
import type { Attempt, DriverFactory, FaultDriver, Leftover, Permission, Site } from '../driver.ts';
import { instances } from './instances.ts';
import type { LiveInstance } from './instances.ts';
import { installationKey, look, putOn, renew, takeOff } from './on-instance/command.ts';
import type { Scripted } from './on-instance/params.ts';
import { refusals } from './refusals.ts';
import { ScriptRecords } from './script-records.ts';
import type { Heard } from './ssm-commands.ts';
import { fenceOf, isTaggedBy } from './tag-slot.ts';
import { NO_AWS } from './tagged-site.ts';
import type { Read } from './tagged-site.ts';
import { inTurn, Telling } from './telling.ts';
import type { Reads, Told, Turn } from './telling.ts';

/** What differs between them, besides what is told to an instance. */
export interface ScriptFault<Params> extends Scripted<Params> {
  readonly kind: `aws/instance-${string}`;
  readonly summary: string;
  /** How an instance takes it off. */
  readonly undo: string;
}

/** A command may go to many instances, but each starts a shell for it. */
const RENEWALS_PER_SECOND = 20;
/** What an instance gets to put a fault on whole, and what its answer may take on its way, in milliseconds. */
const WHOLE_MS = 8_000;
const WAY_MS = 6_000;
/** An answer that takes longer is asked for by another command; what is done with it afterwards takes no longer than these. In milliseconds. */
const ANSWER_MS = 20_000;
const RENEWAL_MS = 8_000;
const LAST_LOOK_MS = 4_000;
const LAST_WORDS_MS = 1_500;
/** A command that an instance reads so much later, by its own clock, puts nothing on any more, in milliseconds. */
const BEFORE_MS = 60_000;
/** What an instance says where it needs longer: it goes on, and ends it in time all the same. */
const NOT_WHOLE = 'it is not on yet';

const PERMISSIONS: readonly Permission[] = [
  {
    needs: 'to look at instances and at the agents of AWS Systems Manager, and to read what commands have printed',
    actions: [{ actions: ['ec2:DescribeInstances', 'ssm:DescribeInstanceInformation', 'ssm:ListCommandInvocations'] }],
  },
  {
    needs: 'to tag instances, and to run a script on them by AWS Systems Manager',
    actions: [
      { actions: ['ec2:CreateTags', 'ec2:DeleteTags', 'ssm:SendCommand'], resources: ['ec2:instance/*'] },
      { actions: ['ssm:SendCommand'], resources: ['ssm:document/AWS-RunShellScript'], of: 'others' },
      { actions: ['ssm:CancelCommand'] },
    ],
  },
  toFind('instance'),
];

/** Builds the driver of such a fault. */
export function scriptFault<Params>(what: ScriptFault<Params>): DriverFactory<Params> {
  return (site) => new ScriptDriver(what, site);
}

class ScriptDriver<Params> implements FaultDriver<Params> {
  readonly kind;
  readonly summary;
  readonly params;
  readonly reversal = 'reverted';
  readonly expiry = 'renewed';
  readonly renewalsPerSecond = RENEWALS_PER_SECOND;
  readonly targetMs = TARGET_MS;
  readonly revertMs = 2 * ANSWER_MS;
  readonly permissions = PERMISSIONS;
  readonly undo;
  readonly #what: ScriptFault<Params>;
  readonly #installation: string;
  readonly #records: ScriptRecords<Params>;
  readonly #telling: Telling<Params>;

  constructor(what: ScriptFault<Params>, site: Site) {
    ({ kind: this.kind, summary: this.summary, params: this.params, undo: this.undo } = what);
    this.#what = what;
    this.#installation = installationKey(site.installation);
    this.#records = new ScriptRecords(what.kind, site);
    this.#telling = new Telling(what.kind, (region) => this.#records.looking(region));
  }

  async check(): Promise<readonly string[]> {
    return this.#records.settings === undefined ? [NO_AWS] : [];
  }

  async occupied(targets: readonly TargetId[]): Promise<ReadonlyMap<TargetId, string>> {
    const reads = await Promise.all(targets.map((target) => this.#records.read(target)));
    const held = targets.map((target, i): [TargetId, string | undefined] => [target, reads[i]?.slot.record?.id]);
    return new Map(held.filter((entry): entry is [TargetId, string] => entry[1] !== undefined));
  }

  async unfit(targets: readonly TargetId[]): Promise<ReadonlyMap<TargetId, string>> {
    if (this.#records.settings === undefined) return new Map();
    return refusals(instances, targets, this.#records.anywhere(), (live, { clients }) =>
      this.#records.whyAway(live, clients.region),
    );
  }

  async inject(faults: readonly Fault<Params>[], attempt: Attempt): Promise<readonly Outcome<InjectResult>[]> {
    const claim = (fault: Fault<Params>): Promise<Turn<InjectResult>> => this.#records.claim(fault, attempt);
    return inTurn(faults, claim, async (claimed) => {
      const heard = await this.#putOn(claimed, attempt);
      const told = new Map([...heard].map(([id, answer]) => [id, injectedOf(answer)]));
      // What has waited for others, or to be whole, has less time left than whoever renews it next counts on.
      const short = [...claimed].filter(([{ id, ttlMs }]) => leftMsOf(heard.get(id)) < ttlMs / 2);
      for (const [id, answer] of await this.#prolong(new Map(short), attempt))
        if (resultOf(answer) === 'lapsed') told.set(id, { result: 'lapsed', detail: wordsOf(answer) });
      return told;
    });
  }

  async #putOn(claimed: Reads<Params>, attempt: Attempt): Promise<ReadonlyMap<string, Heard>> {
    const { resource, harm } = this.#what;
    return this.#telling.tell(claimed, attempt, {
      verb: 'put on',
      of: ({ run, params, ttlMs, notAfterMs }) => [run, params, ttlMs, notAfterMs],
      words: (faults, { run, params, ttlMs, notAfterMs }, looking) =>
        putOn({
          resource,
          faults,
          installation: this.#installation,
          record: JSON.stringify({ kind: this.kind, run }),
          ttlMs,
          notAfterMs,
          notLaterThanS: (looking.nowMs() + BEFORE_MS) / 1_000,
          waitMs: Math.min(WHOLE_MS, Math.max(0, attempt.remainingMs() - WAY_MS)),
          harm: harm(params, looking.clients.region),
        }),
      withinMs: attempt.remainingMs() - LAST_WORDS_MS,
      calledOff: true,
    });
  }

  async #prolong(reads: Reads<Params>, attempt: Attempt): Promise<ReadonlyMap<string, Heard>> {
    return this.#telling.tell(reads, attempt, {
      verb: 'renew',
      of: ({ ttlMs }) => ttlMs,
      words: (faults, { ttlMs }) => renew(faults, ttlMs),
      withinMs: Math.min(RENEWAL_MS, attempt.remainingMs() - LAST_WORDS_MS),
    });
  }

  async renew(faults: readonly Fault<Params>[], attempt: Attempt): Promise<readonly Outcome<RenewResult>[]> {
    const held = (fault: Fault<Params>): Promise<Turn<RenewResult>> => this.#records.held(fault, attempt);
    const outcomes = await inTurn(faults, held, async (left) => {
      const heard = await this.#prolong(left, attempt);
      const renewed = [...left].filter(([{ id }]) => resultOf(heard.get(id)) === 'renewed');
      await this.#records.move(renewed, attempt);
      return new Map([...left].map(([fault, read]) => [fault.id, this.#renewedOf(fault, read, heard.get(fault.id))]));
    });
    return outcomes.map(({ id, result, detail }) => {
      // All are tried before the first that nobody can tell of is an error.
      if (result === 'failed') throw new Error(`${id} cannot be renewed: ${detail ?? 'nobody knows why'}`);
      return { id, result, ...(detail === undefined ? {} : { detail }) };
    });
  }

  #renewedOf(fault: Fault<Params>, read: Read<LiveInstance>, answer: Heard | undefined): Told<RenewResult | 'failed'> {
    const result = resultOf(answer);
    if (result === 'renewed') return { result };
    const detail = wordsOf(answer);
    if (result === 'lapsed') return { result, detail };
    const endedMs = this.#records.endedMs(fault, read) ?? 0;
    return this.#records.isPast(endedMs, read)
      ? { result: 'lapsed', detail: `${detail}, and its time was over` }
      : { result: 'failed', detail };
  }

  async revert(faults: readonly Fault<Params>[], attempt: Attempt): Promise<readonly Outcome<RevertResult>[]> {
    await this.#telling.callOff(faults.map(({ id }) => id));
    const fenced = (fault: Fault<Params>): Promise<Turn<RevertResult>> => this.#records.fence(fault, attempt);
    return inTurn(faults, fenced, async (left) => {
      const heard = await this.#telling.tell(left, attempt, {
        verb: 'take off',
        of: () => '',
        words: (there) => takeOff(this.#what.resource, there),
        withinMs: Math.min(ANSWER_MS, attempt.remainingMs() - LAST_LOOK_MS),
      });
      const told = [...left].map(async ([fault, read]): Promise<[string, Told<RevertResult>]> => {
        const outcome = this.#revertedOf(fault, read, heard.get(fault.id));
        try {
          if (outcome.result !== 'failed') await this.#records.free(fault, attempt);
          return [fault.id, outcome];
        } catch (error) {
          return [fault.id, { result: 'failed', detail: `its tags cannot be freed: ${String(error)}` }];
        }
      });
      return new Map(await Promise.all(told));
    });
  }

  #revertedOf(fault: Fault<Params>, read: Read<LiveInstance>, answer: Heard | undefined): Told<RevertResult> {
    const result = resultOf(answer);
    const detail = wordsOf(answer);
    if (result === 'reverted' || result === 'absent') return { result, detail };
    if (result !== undefined) return { result: 'failed', detail };
    const endedMs = this.#records.endedMs(fault, read);
    // Nothing was told to an instance without a record.
    if (endedMs === undefined) return { result: 'absent' };
    if (this.#records.isPast(endedMs, read)) return { result: 'absent', detail: 'its time was over' };
    return {
      result: 'failed',
      detail: `${detail}; the instance ends it by itself by ${new Date(endedMs).toISOString()}`,
    };
  }

  async verify(faults: readonly Fault<Params>[], attempt: Attempt): Promise<readonly Verification[]> {
    const found = async (fault: Fault<Params>): Promise<Turn<Verification>> => {
      const read = await this.#records.read(fault.target);
      if (read === undefined) return { result: 'absent' };
      if (isTaggedBy(read.slot, fault)) return { result: 'active' };
      return read.live.state === 'stopped' ? { result: 'absent' } : { read };
    };
    const outcomes = await inTurn(faults, found, async (left) => {
      const heard = await this.#telling.tell(left, attempt, {
        verb: 'look for',
        of: () => '',
        words: (there) => look(this.#what.resource, there),
        withinMs: Math.min(ANSWER_MS, attempt.remainingMs() - LAST_WORDS_MS),
      });
      return new Map(
        [...left].map(([fault, read]) => [fault.id, { result: seenOf(fault, read, heard.get(fault.id)) }]),
      );
    });
    return outcomes.map(({ result }) => (result === 'failed' ? 'unknown' : result));
  }

  leftovers(): AsyncIterable<Leftover<Params>> {
    return this.#records.leftovers();
  }
}

function injectedOf(answer: Heard): Told<InjectResult> {
  const result = resultOf(answer);
  const detail = wordsOf(answer);
  switch (result) {
    case 'injected':
    case 'fenced':
    case 'occupied':
    case 'lapsed':
      return { result, detail };
    case 'failed':
      return detail === NOT_WHOLE ? { result: 'injected', detail: 'it is being put on' } : { result, detail };
    default:
      return { result: 'failed', detail };
  }
}

/** Nobody who does not answer has ended anything; but a fence is only kept without a record where the instance has. */
function seenOf(fault: Fault<unknown>, { slot }: Read<LiveInstance>, answer: Heard | undefined): Verification {
  const result = resultOf(answer);
  if (result === 'active' || result === 'absent') return result;
  return result === undefined && fenceOf(slot, fault) !== undefined ? 'absent' : 'unknown';
}

function resultOf(answer: Heard | undefined): string | undefined {
  return answer !== undefined && 'said' in answer ? answer.said.result : undefined;
}

function wordsOf(answer: Heard | undefined): string {
  if (answer === undefined) return 'nobody has heard of it';
  return 'said' in answer ? (answer.said.detail ?? answer.said.result) : answer.why;
}

/** How long a fault has by what its instance says; for ever where it says nothing. */
function leftMsOf(answer: Heard | undefined): number {
  return answer !== undefined && 'said' in answer ? (answer.said.leftMs ?? Infinity) : Infinity;
}
