/**
 * What many faults tell their instances, in as few commands as it takes.
 *
 * Owns who goes into one command: those of one region to whom the same is to be said. What goes wrong with one command is nothing to those
 * of another.
 */
import type { Fault, Outcome } from '../../../domain/fault.ts';
import { reasonOf } from '../../probes/reading.ts';
import type { Attempt } from '../driver.ts';
import type { LiveInstance } from './instances.ts';
import { faultKey, INSTANCES_MAX } from './on-instance/command.ts';
import type { FaultThere } from './on-instance/command.ts';
import { ask, callOff } from './ssm-commands.ts';
import type { Heard } from './ssm-commands.ts';
import type { Looking, Read } from './tagged-site.ts';

/** What is told of one fault. */
export type Told<Result extends string> = Omit<Outcome<Result>, 'id'>;
/** Faults, and their instances as they were read. */
export type Reads<Params> = ReadonlyMap<Fault<Params>, Read<LiveInstance>>;
/** What is to be told of a fault, or its instance, where that has to be asked. */
export type Turn<Result extends string> = Told<Result> | { readonly read: Read<LiveInstance> };

/** First each by itself, then those that are left together; one outcome a fault, in order. */
export async function inTurn<Params, Result extends string>(
  faults: readonly Fault<Params>[],
  first: (fault: Fault<Params>) => Promise<Turn<Result>>,
  then: (left: Reads<Params>) => Promise<ReadonlyMap<string, Told<Result | 'failed'>>>,
): Promise<readonly Outcome<Result | 'failed'>[]> {
  const turns = await Promise.all(
    faults.map((fault) =>
      first(fault).catch((error: unknown) => ({ result: 'failed' as const, detail: reasonOf(error) })),
    ),
  );
  const left = new Map(
    faults.flatMap((fault, i): [Fault<Params>, Read<LiveInstance>][] => {
      const turn = turns[i];
      return turn !== undefined && 'read' in turn ? [[fault, turn.read]] : [];
    }),
  );
  const told = left.size === 0 ? new Map<string, Told<Result | 'failed'>>() : await then(left);
  return faults.map(({ id }, i) => {
    const turn = turns[i];
    const nobody = { result: 'failed' as const, detail: 'nobody has said anything' };
    return { id, ...(turn !== undefined && !('read' in turn) ? turn : (told.get(id) ?? nobody)) };
  });
}

/** What is to be told. */
export interface Message<Params> {
  /** For whoever looks at the commands of an account. */
  readonly verb: string;
  /** What must be the same for two faults of one command. */
  readonly of: (fault: Fault<Params>) => unknown;
  /** The command; `fault` is one of them, whichever. Throws where it would be too large. */
  readonly words: (faults: readonly FaultThere[], fault: Fault<Params>, looking: Looking) => readonly string[];
  /** For so long the answers are waited for, in milliseconds. */
  readonly withinMs: number;
  /** Whether it is called off where nobody waits for it any more. Default: not. */
  readonly calledOff?: boolean;
}

type Entry<Params> = readonly [fault: Fault<Params>, read: Read<LiveInstance>];

/** What is told by one kind of fault. */
export class Telling<Params> {
  readonly #kind: string;
  readonly #looking: (region: string) => Looking;
  /** By fault, commands of this process that may be called off. */
  readonly #underWay = new Map<string, () => Promise<void>>();

  constructor(kind: string, looking: (region: string) => Looking) {
    this.#kind = kind;
    this.#looking = looking;
  }

  /** What each instance answers, by fault. */
  async tell(reads: Reads<Params>, attempt: Attempt, message: Message<Params>): Promise<ReadonlyMap<string, Heard>> {
    const heard = new Map<string, Heard>();
    const seen = new Map<string, number>();
    const groups = Map.groupBy(reads, ([fault, { target }]) => {
      // An instance finds only one of its own in a command.
      const nth = (seen.get(fault.target) ?? 0) + 1;
      seen.set(fault.target, nth);
      return JSON.stringify([target.region, nth, message.of(fault)]);
    });
    await Promise.all([...groups.values()].map((group) => this.#tellAll(group, attempt, message, heard)));
    return heard;
  }

  /** As one command where that is possible. */
  async #tellAll(
    entries: readonly Entry<Params>[],
    attempt: Attempt,
    message: Message<Params>,
    heard: Map<string, Heard>,
  ): Promise<void> {
    const halved = async (at: number): Promise<void> => {
      const halves = [entries.slice(0, at), entries.slice(at)];
      await Promise.all(halves.map((half) => this.#tellAll(half, attempt, message, heard)));
    };
    if (entries.length > INSTANCES_MAX) return halved(INSTANCES_MAX);
    const [first] = entries;
    if (first === undefined) return;
    const looking = this.#looking(first[1].target.region);
    let commands: readonly string[];
    try {
      commands = message.words(entries.map(thereOf), first[0], looking);
    } catch (error) {
      if (entries.length > 1) return halved(Math.ceil(entries.length / 2));
      heard.set(first[0].id, { why: reasonOf(error) });
      return;
    }
    const instances = entries.map(([, { target }]) => target.name);
    const { verb, withinMs, calledOff = false } = message;
    const command = { instances, commands, comment: `squall: ${verb} ${this.#kind}`, withinMs, calledOff };
    try {
      const answers = await ask(command, looking, attempt, (id) => {
        for (const [fault, { target }] of calledOff ? entries : [])
          this.#underWay.set(fault.id, () => callOff(id, [target.name], looking));
      });
      for (const [{ id }, { target }] of entries)
        heard.set(id, answers.get(target.name) ?? { why: 'nobody has heard of it' });
    } catch (error) {
      for (const [{ id }] of entries) heard.set(id, { why: reasonOf(error) });
    } finally {
      for (const [{ id }] of entries) this.#underWay.delete(id);
    }
  }

  /** Calls off what is under way for these faults, as far as this process knows. */
  async callOff(ids: readonly string[]): Promise<void> {
    await Promise.all(ids.map(async (id) => this.#underWay.get(id)?.()));
  }
}

function thereOf([{ installation, id }, { target }]: Entry<unknown>): FaultThere {
  return { instance: target.name, key: faultKey(installation, id), id };
}
