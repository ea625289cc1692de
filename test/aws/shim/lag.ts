/**
 * Eventual consistency: after a write, reads are answered for a while as they were before it, and what is new is not there.
 *
 * Owns the answers that were given before. Only writes through the same shim are lagged behind. A stale answer is a true one of a
 * moment before the write; it is never made up.
 */
import { CUT, refusal } from './answer.ts';
import type { AnswerOrCut } from './answer.ts';
import { isDry, isRead, sameAs } from './call.ts';
import type { Call } from './call.ts';
import type { Note, Pass } from './roughness.ts';
import { mapItems, own } from './xml.ts';

/** No answer is staler than this, in milliseconds. */
const OLDEST_MS = 5_000;
/** So many answers are kept. */
const MOST_KEPT = 200;

/** What says that there is no such thing, by how its ids begin. */
const UNKNOWN: Readonly<Record<string, string>> = {
  i: 'InvalidInstanceID.NotFound',
  acl: 'InvalidNetworkAclID.NotFound',
  sg: 'InvalidGroup.NotFound',
};
/** Where ids of new things are in answers: the list, and what names its items. */
const LISTS: readonly (readonly [list: string, id: string])[] = [
  ['networkAclSet', 'networkAclId'],
  ['securityGroupInfo', 'groupId'],
  ['instancesSet', 'instanceId'],
  ['instanceStatusSet', 'instanceId'],
  ['tagSet', 'resourceId'],
];
const MADE = /<(?:networkAclId|groupId|instanceId)>([^<]+)</g;
const MAKES = /^(?:CreateNetworkAcl|CreateSecurityGroup|RunInstances)$/;

interface Settings {
  readonly rate: number;
  readonly inARow: number;
  readonly lagMs: number;
  readonly stale: boolean;
  readonly unseen: boolean;
}

interface Kept {
  readonly atMs: number;
  readonly answer: AnswerOrCut;
  /** How often it was told in a row when it was true no more. */
  told: number;
}

export class Lag {
  readonly #settings: Settings;
  /** The last answers to reads, by what was asked, the oldest first. */
  readonly #kept = new Map<string, Kept>();
  /** Until when reads of a service in a region lag behind, by both. */
  readonly #untilMs = new Map<string, number>();
  /** Writes that are under way, by the same. */
  readonly #writing = new Map<string, number>();
  /** Until when new things are not seen, by id. */
  readonly #unseen = new Map<string, number>();

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  async answer(call: Call, pass: Pass, random: () => number, note: Note): Promise<AnswerOrCut> {
    const hidden = [...this.#unseen].filter(([, untilMs]) => performance.now() < untilMs).map(([id]) => id);
    const asked = hidden.find((id) => Object.values(call.params).includes(id));
    const code = UNKNOWN[asked?.split('-')[0] ?? ''];
    if (asked !== undefined && code !== undefined && call.service === 'ec2') {
      note('unseen');
      return refusal(call, code, `The ID '${asked}' does not exist`);
    }
    return isRead(call) ? this.#read(call, pass, random, note, hidden) : this.#write(call, pass, random);
  }

  async #read(
    call: Call,
    pass: Pass,
    random: () => number,
    note: Note,
    hidden: readonly string[],
  ): Promise<AnswerOrCut> {
    const key = sameAs(call);
    const kept = this.#kept.get(key);
    if (kept !== undefined && this.#mayBeStale(call, kept) && random() < 0.7) {
      note('stale');
      kept.told += 1;
      return kept.answer;
    }
    if (kept !== undefined) kept.told = 0;
    const atMs = performance.now();
    const answer = await pass(call);
    if (answer === CUT || answer.status >= 300 || isDry(call)) return answer;
    // What is read while writes are told late is not what was before them.
    if (!this.#lags(call)) this.#keep(key, { atMs, answer, told: 0 });
    const body = hidden.length > 0 && call.service === 'ec2' ? without(answer.body, hidden) : answer.body;
    if (body !== answer.body) note('unseen');
    return { ...answer, body };
  }

  async #write(call: Call, pass: Pass, random: () => number): Promise<AnswerOrCut> {
    const place = placeOf(call);
    this.#writing.set(place, (this.#writing.get(place) ?? 0) + 1);
    try {
      const answer = await pass(call);
      if (answer === CUT || answer.status >= 300) return answer;
      // It was found, and so it is there.
      for (const value of Object.values(call.params)) this.#unseen.delete(String(value));
      const { rate, lagMs, unseen } = this.#settings;
      if (random() >= 2 * rate) return answer;
      const untilMs = performance.now() + lagMs * (0.3 + 0.7 * random());
      this.#untilMs.set(place, Math.max(untilMs, this.#untilMs.get(place) ?? 0));
      if (unseen && call.service === 'ec2' && MAKES.test(call.action))
        for (const [, id = ''] of answer.body.matchAll(MADE))
          if (!Object.values(call.params).includes(id)) this.#unseen.set(id, untilMs);
      return answer;
    } finally {
      this.#writing.set(place, (this.#writing.get(place) ?? 1) - 1);
    }
  }

  #mayBeStale(call: Call, { atMs, told }: Kept): boolean {
    const { stale, inARow } = this.#settings;
    return stale && told < inARow && this.#lags(call) && performance.now() - atMs < OLDEST_MS;
  }

  #lags(call: Call): boolean {
    const place = placeOf(call);
    return performance.now() < (this.#untilMs.get(place) ?? 0) || (this.#writing.get(place) ?? 0) > 0;
  }

  #keep(key: string, kept: Kept): void {
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MOST_KEPT && oldest !== undefined) this.#kept.delete(oldest);
  }
}

function placeOf({ service, region }: Call): string {
  return `${service} ${region}`;
}

function without(body: string, hidden: readonly string[]): string {
  const shown = LISTS.reduce(
    (text, [list, id]) => mapItems(text, list, (item) => (hidden.includes(own(item, id) ?? '') ? undefined : item)),
    body,
  );
  return shown === body
    ? body
    : mapItems(shown, 'reservationSet', (item) => (/<instanceId>/.test(item) ? item : undefined));
}
