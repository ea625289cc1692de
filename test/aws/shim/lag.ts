/**
 * Eventual consistency: after a write, reads are answered for a while as they were before it, and what is new is not there.
 *
 * Owns the answers that were given before. Only writes through the same shim are lagged behind. A stale answer was true until a
 * write that is no longer ago than the lag; it is never made up, and no later write keeps it alive.
 */
import { CUT, refusal } from './answer.ts';
import type { AnswerOrCut } from './answer.ts';
import { isDry, isRead, sameAs } from './call.ts';
import type { Call } from './call.ts';
import type { Note, Pass } from './roughness.ts';
import { mapItems, own } from './xml.ts';

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
  readonly place: string;
  readonly answer: AnswerOrCut;
  /** Until when it may be told since a write has made it untrue; undefined while it may be true. */
  untilMs?: number;
  /** How often it was told in a row when it was true no more. */
  told: number;
}

export class Lag {
  readonly #settings: Settings;
  /** The last answers to reads, by what was asked, the oldest first. */
  readonly #kept = new Map<string, Kept>();
  /** What is being read: a write that is done meanwhile may make it untrue. */
  readonly #reading = new Set<Kept>();
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
    if (kept !== undefined && this.#mayBeStale(kept) && random() < 0.7) {
      note('stale');
      kept.told += 1;
      return kept.answer;
    }
    if (kept !== undefined) kept.told = 0;
    const fresh: Kept = { place: placeOf(call), answer: CUT, told: 0 };
    this.#reading.add(fresh);
    const answer = await pass(call).finally(() => this.#reading.delete(fresh));
    if (answer === CUT || answer.status >= 300 || isDry(call)) return answer;
    // What is new is told now and then meanwhile, and what was before it again.
    if (kept === undefined || !isTold(kept)) this.#keep(key, { ...fresh, answer });
    const body = hidden.length > 0 && call.service === 'ec2' ? without(answer.body, hidden) : answer.body;
    if (body !== answer.body) note('unseen');
    return { ...answer, body };
  }

  async #write(call: Call, pass: Pass, random: () => number): Promise<AnswerOrCut> {
    const answer = await pass(call);
    const { rate, lagMs, unseen } = this.#settings;
    const nowMs = performance.now();
    const untilMs = random() < 2 * rate ? nowMs + lagMs * (0.3 + 0.7 * random()) : nowMs;
    const place = placeOf(call);
    for (const kept of [...this.#kept.values(), ...this.#reading]) if (kept.place === place) kept.untilMs ??= untilMs;
    if (answer === CUT || answer.status >= 300) return answer;
    // It was found, and so it is there.
    for (const value of Object.values(call.params)) this.#unseen.delete(String(value));
    if (unseen && untilMs > nowMs && call.service === 'ec2' && MAKES.test(call.action))
      for (const [, id = ''] of answer.body.matchAll(MADE))
        if (!Object.values(call.params).includes(id)) this.#unseen.set(id, untilMs);
    return answer;
  }

  #mayBeStale(kept: Kept): boolean {
    const { stale, inARow } = this.#settings;
    return stale && kept.told < inARow && isTold(kept);
  }

  #keep(key: string, kept: Kept): void {
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MOST_KEPT && oldest !== undefined) this.#kept.delete(oldest);
  }
}

/** Whether it is not true any more, and is told all the same. */
function isTold({ untilMs = 0 }: Kept): boolean {
  return performance.now() < untilMs;
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
