/** The chain of the audit: whatever is done to it afterwards is found, at the entry where it was done. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it, test } from 'node:test';
import fc from 'fast-check';
import { AUDITED, canonical, chained, ChainCheck, GENESIS, recordOf, signedBy, TEXT_MAX } from '../../domain/audit.ts';
import type { AuditEntry, AuditRecord, ChainBreak } from '../../domain/audit.ts';
import { auditOfEvent, auditOfResume, auditOfStop } from '../../domain/audit-events.ts';
import type { JournalEntry } from '../../domain/journal.ts';
import type { AbortCause } from '../../domain/run.ts';
import { EXPERIMENT } from '../report/story.ts';

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');
const check = (entries: readonly AuditEntry[], kept?: string): ChainBreak | undefined => {
  const chain = new ChainCheck(digestOf, kept);
  for (const entry of entries) chain.take(entry);
  return chain.end();
};
const at = (entries: readonly AuditEntry[], index: number): AuditEntry => entries[index] ?? assert.fail();

const text = fc.string({ unit: 'binary', maxLength: 20 });
const record: fc.Arbitrary<AuditRecord> = fc
  .record(
    {
      key: text,
      atMs: fc.integer(),
      what: fc.constantFrom(...AUDITED),
      who: text,
      from: text,
      why: text,
      run: text,
      hash: text,
    },
    { requiredKeys: ['key', 'atMs', 'what', 'who'] },
  )
  .map((made) => ({ ...made }));
const chain = (minLength: number): fc.Arbitrary<AuditEntry[]> =>
  fc.array(record, { minLength, maxLength: 12 }).map((records) => chained(undefined, records, digestOf));
/** A chain and places in it, the first before the second. */
const places = (minLength: number) =>
  chain(minLength).chain((entries) =>
    fc.record({
      entries: fc.constant(entries),
      places: fc
        .uniqueArray(fc.nat(entries.length - 1), { minLength: 2, maxLength: 2 })
        .map(([a = 0, b = 0]) => [Math.min(a, b), Math.max(a, b)] as const),
    }),
  );

describe('a chain', () => {
  it('holds as it was made, in one piece or many, and from any digest that was kept', () => {
    fc.assert(
      fc.property(fc.array(record), fc.nat(), (records, cut) => {
        const whole = chained(undefined, records, digestOf);
        const first = whole.slice(0, cut % (records.length + 1));
        const pieces = [...first, ...chained(first.at(-1), records.slice(first.length), digestOf)];
        assert.deepEqual(pieces, whole);
        assert.equal(check(whole), undefined);
        for (const { digest } of whole) assert.equal(check(whole, digest), undefined);
      }),
    );
  });

  it('breaks at whatever entry any field was changed in', () => {
    const fields = ['seq', 'atMs', 'what', 'who', 'from', 'why', 'run', 'hash', 'key', 'previous', 'digest'] as const;
    fc.assert(
      fc.property(places(2), fc.constantFrom(...fields), fc.option(text, { nil: undefined }), (made, field, value) => {
        const [index] = made.places;
        const entry = at(made.entries, index);
        const isNumber = field === 'seq' || field === 'atMs';
        const other = isNumber ? entry[field] + 1 + (value?.length ?? 0) : value;
        fc.pre(other !== entry[field]);
        const changed = { ...entry, [field]: other };
        const found = check(made.entries.with(index, changed));
        assert.deepEqual([found?.seq, found?.why], [index, 'changed']);
      }),
    );
  });

  it('breaks behind an entry that was changed and given a digest that fits', () => {
    fc.assert(
      fc.property(places(2), text, ({ entries, places: [index] }, who) => {
        const entry = { ...at(entries, index), who };
        fc.pre(who !== at(entries, index).who);
        const forged = entries.with(index, { ...entry, digest: digestOf(canonical(entry)) });
        const found = check(forged);
        assert.deepEqual([found?.seq, found?.why], [index + 1, 'changed']);
      }),
    );
  });

  it('breaks where an entry was removed, wherever it is not the last; and there with a digest that was kept', () => {
    fc.assert(
      fc.property(places(2), ({ entries, places: [index, later] }) => {
        const found = check(entries.toSpliced(index, 1));
        assert.deepEqual([found?.seq, found?.why], [index, 'removed']);
        const cut = entries.slice(0, later);
        assert.equal(check(cut), undefined, 'nobody can tell');
        const told = check(cut, at(entries, later).digest);
        assert.deepEqual([told?.seq, told?.why], [later, 'cut off']);
      }),
    );
  });

  it('breaks where two entries changed places, and where one stands twice', () => {
    fc.assert(
      fc.property(places(2), ({ entries, places: [a, b] }) => {
        const swapped = check(entries.with(a, at(entries, b)).with(b, at(entries, a)));
        assert.deepEqual([swapped?.seq, swapped?.why], [a, 'reordered']);
        const twice = check(entries.toSpliced(b, 0, at(entries, a)));
        assert.deepEqual([twice?.seq, twice?.why], [b, 'reordered']);
      }),
    );
  });

  it('that was written anew to its end breaks only for who has kept a digest', () => {
    fc.assert(
      fc.property(places(2), text, ({ entries, places: [index] }, who) => {
        fc.pre(who !== at(entries, index).who);
        const records = entries.map(({ seq: _seq, previous: _previous, digest: _digest, ...made }) => made);
        const anew = chained(undefined, records.with(index, { ...at(entries, index), who }), digestOf);
        assert.equal(check(anew), undefined);
        assert.equal(check(anew, entries.at(-1)?.digest)?.why, 'cut off');
      }),
    );
  });

  it('begins with the same digest for everybody', () => {
    const [entry] = chained(undefined, [{ key: 'k', atMs: 1, what: 'stop', who: 'ada' }], digestOf);
    const words = `["squall/audit/v1",0,1,"stop","ada",null,null,null,null,"k","${GENESIS}"]`;
    assert.equal(entry?.digest, digestOf(words));
  });
});

describe('what is audited', () => {
  const stamped = (entry: JournalEntry) => ({ seq: 3, atMs: 5_000, ...entry });
  const abort = (cause: AbortCause, by?: string) =>
    auditOfEvent(
      'r',
      stamped({ type: 'abort', cause, mode: 'immediate', evidence: 'too slow', ...(by ? { by } : {}) }),
      'plan',
    );

  it('a start, with the hash that was computed of it', () => {
    const started = stamped({
      type: 'started',
      experiment: EXPERIMENT,
      documentHash: 'abc',
      seed: 's',
      startedBy: 'ada@laptop',
      installation: 'i',
      versions: {},
    });
    assert.deepEqual(auditOfEvent('r', started, 'abd'), {
      key: 'run r 3 5000 started',
      atMs: 5_000,
      what: 'start',
      who: 'ada@laptop',
      from: 'laptop',
      why: EXPERIMENT.hypothesis,
      run: 'r',
      hash: 'abd',
    });
  });

  it('an abort that somebody asked for, and no other', () => {
    assert.deepEqual(abort('person', 'bob@desk'), {
      key: 'run r 3 5000 abort',
      atMs: 5_000,
      what: 'abort',
      who: 'bob@desk (not authenticated)',
      from: 'desk',
      why: 'too slow',
      run: 'r',
      hash: 'plan',
    });
    assert.equal(abort('emergency-stop', 'the file /stop')?.who, 'the file /stop');
    assert.equal(abort('emergency-stop', 'the file /stop')?.from, undefined);
    assert.match(abort('cancelled')?.who ?? '', /nobody is named/);
    for (const cause of ['stop-condition', 'no-data', 'lease-lost', 'error', 'admission'] as const)
      assert.equal(abort(cause), undefined);
    assert.equal(auditOfEvent('r', stamped({ type: 'phase', phase: 'holding' })), undefined);
  });

  it('whatever somebody does, with the machine that they say, and unproven where nobody proved it', () => {
    const said = { from: 'laptop' } as const;
    const cases: readonly (readonly [JournalEntry, who: string])[] = [
      [{ type: 'note', by: 'alice', text: 'x', ...said }, 'alice (not authenticated)'],
      [
        { type: 'abort', cause: 'person', mode: 'immediate', evidence: 'x', by: 'alice', ...said },
        'alice (not authenticated)',
      ],
      [{ type: 'approved', by: 'alice', plan: 'p', ...said }, 'alice'],
      [
        { type: 'rejected', by: 'root@db-1 (not authenticated)', plan: 'p', reason: 'x', ...said },
        'root@db-1 (not authenticated)',
      ],
    ];
    for (const [entry, who] of cases) {
      const made = auditOfEvent('r', stamped(entry));
      assert.deepEqual([made?.who, made?.from], [who, 'laptop'], entry.type);
    }
  });

  it('a stop and its end, each by the stop that it was', () => {
    const stop = auditOfStop('stop/everything 1', { reason: 'down', by: 'ada@laptop' }, 7);
    assert.deepEqual([stop.what, stop.why, stop.atMs], ['stop', 'everything: down', 7]);
    assert.deepEqual([stop.who, stop.from], ['ada@laptop (not authenticated)', 'laptop']);
    const resume = auditOfResume('stop/everything 1', 'eu', { reason: 'up', by: 'ada@laptop' }, 8);
    assert.deepEqual([resume.what, resume.why], ['resume', 'site eu: up']);
    // Whoever writes it knows whether it was proven.
    assert.deepEqual([resume.who, resume.from], ['ada@laptop', 'laptop']);
    assert.notEqual(stop.key, resume.key);
    assert.notEqual(stop.key, auditOfStop('stop/everything 2', { reason: 'down', by: 'ada@laptop' }, 7).key);
  });
});

test('texts are cut to what a store takes; a key is not', () => {
  const long = 'x'.repeat(5_000);
  const made = recordOf({
    key: long,
    atMs: 0,
    what: 'note',
    who: long,
    from: long,
    why: long,
    run: long,
    hash: long,
  });
  assert.equal(made.key, long);
  for (const field of ['who', 'from', 'why', 'run', 'hash'] as const)
    assert.equal(made[field]?.length, TEXT_MAX[field], field);
  assert.ok(made.why?.endsWith('x…'));
});

test('who did it did so from where they say, or from the host of their name', () => {
  assert.deepEqual(signedBy('ada@laptop'), { who: 'ada@laptop', from: 'laptop' });
  assert.deepEqual(signedBy('a probe'), { who: 'a probe' });
  assert.deepEqual(signedBy('root@db-1 (not authenticated)'), { who: 'root@db-1 (not authenticated)', from: 'db-1' });
  // Who signs with a key has no host in the name, and says it beside it.
  assert.deepEqual(signedBy('alice', 'laptop'), { who: 'alice', from: 'laptop' });
  assert.deepEqual(signedBy('ada@desk', 'laptop'), { who: 'ada@desk', from: 'laptop' });
});
