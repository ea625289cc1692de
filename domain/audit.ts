/**
 * The audit: who did what, in a chain that shows when somebody changed it afterwards.
 *
 * Owns the canonical text of an entry, how one is chained to the one before it, and the check of a chain: at which entry it
 * breaks, and why. Hashing is handed in. What it cannot show: a chain that was written anew from the entry that was changed
 * to its end, for whoever has not kept a later digest elsewhere.
 */

import { UNPROVEN } from './identity.ts';

/** What is audited. */
export const AUDITED = [
  'start',
  'approve',
  'reject',
  'note',
  'abort',
  'stop',
  'resume',
  'policy',
  'acknowledge',
  'game-day',
] as const;

/** What was done. */
export type AuditAct = (typeof AUDITED)[number];

/** What is to be audited. Texts are as long as {@link recordOf} leaves them. */
export interface AuditRecord {
  /** Names what happened: the same, offered twice, is audited once. */
  readonly key: string;
  /** When it was done, in milliseconds since the Unix epoch on the clock of whoever saw it. */
  readonly atMs: number;
  readonly what: AuditAct;
  /** Who did it, as the starter or Temporal says; a name that nobody proved says so. */
  readonly who: string;
  /** From which machine. */
  readonly from?: string;
  readonly why?: string;
  readonly run?: string;
  /** SHA-256 of what it was done to, in hex: the run's plan, its experiment before there is one, the game day, or the policy. Never the starter's word. */
  readonly hash?: string;
}

/** An audited record in its place in the chain. */
export interface AuditEntry extends AuditRecord {
  /** From 0. */
  readonly seq: number;
  /** The digest of the entry before; {@link GENESIS} for the first. */
  readonly previous: string;
  /** SHA-256 of {@link canonical}, in hex. */
  readonly digest: string;
}

/** SHA-256 of a text as UTF-8, in hex. */
export type DigestOf = (text: string) => string;

/** What the first entry of a chain follows. */
export const GENESIS = '0'.repeat(64);

/** The longest texts of a record, in UTF-16 code units. */
export const TEXT_MAX = { key: 600, who: 200, from: 200, why: 1_000, run: 400, hash: 200 } as const;

/** A record whose texts are cut to {@link TEXT_MAX}; a key is not, since it would name something else. */
export function recordOf(record: AuditRecord): AuditRecord {
  const { key, atMs, what, who, from, why, run, hash } = record;
  return {
    key,
    atMs,
    what,
    who: cut(who, TEXT_MAX.who),
    ...(from === undefined ? {} : { from: cut(from, TEXT_MAX.from) }),
    ...(why === undefined ? {} : { why: cut(why, TEXT_MAX.why) }),
    ...(run === undefined ? {} : { run: cut(run, TEXT_MAX.run) }),
    ...(hash === undefined ? {} : { hash: cut(hash, TEXT_MAX.hash) }),
  };
}

/** Who it was, and from where: as the starter says, or else the host of `user@host`. A lever has no place. */
export function signedBy(by: string, from?: string): Pick<AuditRecord, 'who' | 'from'> {
  const name = by.endsWith(UNPROVEN) ? by.slice(0, -UNPROVEN.length) : by;
  const at = name.lastIndexOf('@');
  const place = from ?? (at < 0 ? undefined : name.slice(at + 1));
  return place === undefined ? { who: by } : { who: by, from: place };
}

/** The text whose SHA-256 is the entry's digest: every field in a fixed order, so that anybody can compute it. */
export function canonical({
  seq,
  atMs,
  what,
  who,
  from,
  why,
  run,
  hash,
  key,
  previous,
}: Omit<AuditEntry, 'digest'>): string {
  return JSON.stringify([
    'squall/audit/v1',
    seq,
    atMs,
    what,
    who,
    from ?? null,
    why ?? null,
    run ?? null,
    hash ?? null,
    key,
    previous,
  ]);
}

/** The entries that `records` become behind `last`. */
export function chained(
  last: Pick<AuditEntry, 'seq' | 'digest'> | undefined,
  records: readonly AuditRecord[],
  digestOf: DigestOf,
): AuditEntry[] {
  let seq = last === undefined ? 0 : last.seq + 1;
  let previous = last?.digest ?? GENESIS;
  return records.map((record) => {
    const entry = { ...record, seq: seq++, previous };
    previous = digestOf(canonical(entry));
    return { ...entry, digest: previous };
  });
}

/** Where a chain breaks: at the entry that should be number `seq`. */
export interface ChainBreak {
  readonly seq: number;
  readonly why: 'changed' | 'removed' | 'reordered' | 'cut off';
  /** In words. */
  readonly found: string;
}

/** A chain as far as it was looked at. */
export class ChainCheck {
  readonly #digestOf: DigestOf;
  /** A digest that was kept elsewhere: some entry must have it. */
  readonly #kept: string | undefined;
  #keptSeen = false;
  #broken: ChainBreak | undefined;
  #length = 0;
  #digest = GENESIS;

  constructor(digestOf: DigestOf, kept?: string) {
    this.#digestOf = digestOf;
    this.#kept = kept;
  }

  /** How many entries hold together. */
  get length(): number {
    return this.#length;
  }

  /** The digest of the last of them; {@link GENESIS} where there is none. */
  get digest(): string {
    return this.#digest;
  }

  /** Looks at the next entry, in the order in which the store gives them. */
  take(entry: AuditEntry): void {
    if (this.#broken) {
      // What was missing comes later: so nothing was removed.
      if (this.#broken.why === 'removed' && entry.seq === this.#broken.seq)
        this.#broken = { ...this.#broken, why: 'reordered', found: `entry ${entry.seq} stands behind a later one` };
      return;
    }
    const seq = this.#length;
    this.#broken = this.#breakAt(seq, entry);
    if (this.#broken) return;
    this.#length += 1;
    this.#digest = entry.digest;
    this.#keptSeen ||= entry.digest === this.#kept;
  }

  /** Where the chain breaks, once every entry was looked at; undefined where it holds. */
  end(): ChainBreak | undefined {
    if (this.#broken || this.#kept === undefined || this.#keptSeen) return this.#broken;
    const found = `no entry has the digest ${this.#kept}: the chain was cut off, or written anew, before it`;
    return { seq: this.#length, why: 'cut off', found };
  }

  #breakAt(seq: number, entry: AuditEntry): ChainBreak | undefined {
    if (this.#digestOf(canonical(entry)) !== entry.digest)
      return { seq, why: 'changed', found: `entry ${seq} is not what its digest was made of` };
    if (entry.seq > seq)
      return { seq, why: 'removed', found: `entry ${seq} is missing, entry ${entry.seq} stands in its place` };
    if (entry.seq < seq)
      return { seq, why: 'reordered', found: `entry ${entry.seq} stands in the place of entry ${seq}` };
    if (entry.previous !== this.#digest)
      return {
        seq,
        why: 'changed',
        found: `entry ${seq} follows another entry than the one before it, which was changed and given a new digest`,
      };
    return undefined;
  }
}

function cut(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max - 1)}…`;
}
