/** What samples add up to: known time, areas, availability and what was lost; a gap is never up, never down, and never a loss. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { gameDayReport } from '../../domain/game-day-report.ts';
import type { AvailabilityFigure, GameDayReport, ImpactFigure } from '../../domain/game-day-summary.ts';
import type { WatchedProbe } from '../../domain/game-day.ts';
import { apart, areaBelow, knownIn, knownMs, meanOf } from '../../domain/integral.ts';
import type { Window } from '../../domain/integral.ts';
import type { Series } from '../../domain/probe.ts';
import { downsample } from '../../domain/samples.ts';
import type { Point } from '../../domain/samples.ts';
import { Day, GAME_DAY } from '../report/game-day-story.ts';
import { MINUTE_MS, START_MS } from '../report/story.ts';

const EVERY_MS = 1_000;
const WHOLE: Window = { fromMs: 0, toMs: 10_000 };

/** Readings one interval apart, from 0 on. */
const each = (...values: readonly (number | null)[]): Point[] => values.map((value, i) => [i * EVERY_MS, value]);
const lostIn = (points: readonly Point[], level: number, window = WHOLE): number =>
  areaBelow(knownIn(points, window, EVERY_MS), level);

describe('the integral below a level', () => {
  const cases: readonly (readonly [name: string, values: readonly (number | null)[], area: number, known: number])[] = [
    ['of nothing', [], 0, 0],
    ['of one reading', [0], 0, 0],
    ['of what is on the level', [10, 10, 10], 0, 2_000],
    ['of what is above', [12, 20, 11], 0, 2_000],
    ['of what is below all the time', [4, 4, 4], 12_000, 2_000],
    ['of a slope', [10, 0], 5_000, 1_000],
    ['of what crosses in the middle: only the triangle below', [14, 6], 1_000, 1_000],
    ['of what crosses after three quarters, down', [16, 8], 250, 1_000],
    ['and up', [8, 16], 250, 1_000],
    ['with a gap: nothing on either side of it', [4, null, 4], 0, 0],
    ['with a gap in the middle', [4, 4, null, 4, 4], 12_000, 2_000],
    ['of gaps alone', [null, null, null], 0, 0],
  ];
  for (const [name, values, area, known] of cases) {
    it(name, () => {
      assert.equal(lostIn(each(...values), 10), area);
      assert.equal(knownMs(knownIn(each(...values), WHOLE, EVERY_MS)), known);
    });
  }

  it('is of the window alone, which cuts a stretch where it begins', () => {
    assert.equal(lostIn(each(10, 0, 0, 10), 10, { fromMs: 500, toMs: 2_000 }), 3_750 + 10_000);
    assert.equal(lostIn(each(4, 4, 4), 10, { fromMs: 5_000, toMs: 9_000 }), 0);
    assert.equal(lostIn(each(4, 4, 4), 10, { fromMs: 2_000, toMs: 1_000 }), 0);
  });

  it('does not bridge a pause in which nobody read', () => {
    const paused: Point[] = [...each(4, 4, 4), [9_000, 4], [10_000, 4]];
    assert.equal(knownMs(knownIn(paused, WHOLE, EVERY_MS)), 3_000);
    assert.equal(lostIn(paused, 10), 18_000);
    assert.deepEqual(
      apart(paused, EVERY_MS).filter(([, value]) => value === null),
      [[2_001, null]],
    );
  });

  it('of a series that was thinned out goes by its own rhythm', () => {
    const thin: Point[] = each(4, 4, 4, 4, 4).map(([atMs, value]) => [atMs * 20, value]);
    assert.equal(knownMs(knownIn(thin, { fromMs: 0, toMs: 80_000 }, EVERY_MS)), 80_000);
    const full = each(...Array.from({ length: 3_600 }, (_, i) => 10 + Math.sin(i / 50) * 4));
    const window = { fromMs: 0, toMs: 3_599_000 };
    const [exact, thinned] = [full, downsample(full, 240)].map((points) => lostIn(points, 10, window));
    assert.ok(
      exact !== undefined && thinned !== undefined && Math.abs(thinned / exact - 1) < 0.1,
      `${exact} ${thinned}`,
    );
  });
});

const value = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: -50, max: 50 }) },
  { weight: 1, arbitrary: fc.constant(null) },
);
const points = fc
  .array(fc.record({ afterMs: fc.integer({ min: 0, max: 5_000 }), value }), { maxLength: 40 })
  .map((steps) => {
    let atMs = 0;
    return steps.map((step): Point => [(atMs += step.afterMs), step.value]);
  });
const window = fc
  .tuple(fc.integer({ min: 0, max: 60_000 }), fc.integer({ min: 0, max: 60_000 }))
  .map(([a, b]): Window => ({ fromMs: Math.min(a, b), toMs: Math.max(a, b) }));
const near = (a: number, b: number): void => assert.ok(Math.abs(a - b) <= 1e-6 * Math.max(1, Math.abs(a)), `${a} ${b}`);

describe('whatever was read', () => {
  it('the integral is never negative, and known time never more than there is', () =>
    fc.assert(
      fc.property(points, window, fc.integer({ min: -60, max: 60 }), (some, where, level) => {
        const known = knownIn(some, where, EVERY_MS);
        assert.ok(areaBelow(known, level) >= 0);
        assert.ok(knownMs(known) <= where.toMs - where.fromMs);
        const mean = meanOf(known);
        assert.ok(mean === null ? known.length === 0 : mean >= -50 - 1e-9 && mean <= 50 + 1e-9);
      }),
    ));

  it('the parts of a window are the whole of it', () =>
    fc.assert(
      fc.property(points, window, fc.double({ min: 0, max: 1, noNaN: true }), (some, where, share) => {
        const cutMs = where.fromMs + Math.round(share * (where.toMs - where.fromMs));
        const parts = [
          { ...where, toMs: cutMs },
          { ...where, fromMs: cutMs },
        ].map((part) => knownIn(some, part, EVERY_MS));
        const whole = knownIn(some, where, EVERY_MS);
        near(
          areaBelow(whole, 10),
          parts.reduce((sum, part) => sum + areaBelow(part, 10), 0),
        );
        near(
          knownMs(whole),
          parts.reduce((sum, part) => sum + knownMs(part), 0),
        );
      }),
    ));

  it('what is below and what is above are the mean’s distance from the level', () =>
    fc.assert(
      fc.property(points, window, fc.integer({ min: -60, max: 60 }), (some, where, level) => {
        const known = knownIn(some, where, EVERY_MS);
        const mirrored = known.map((one) => ({ ...one, from: -one.from, to: -one.to }));
        near(
          areaBelow(known, level) - areaBelow(mirrored, -level),
          knownMs(known) * (level - (meanOf(known) ?? level)),
        );
      }),
    ));

  it('a reading that is lost makes less known, and no loss larger', () =>
    fc.assert(
      fc.property(points, fc.nat(), (some, index) => {
        const lost = some.map((point, i): Point => (i === index % Math.max(1, some.length) ? [point[0], null] : point));
        const all: Window = { fromMs: 0, toMs: 200_000 };
        assert.ok(knownMs(knownIn(lost, all, EVERY_MS)) <= knownMs(knownIn(some, all, EVERY_MS)));
        assert.ok(lostIn(lost, 10, all) <= lostIn(some, 10, all) + 1e-6);
      }),
    ));
});

/** A day of ten minutes whose one probe was read so. */
function dayWith(stands: WatchedProbe['stands'], series: Series | undefined, baseline?: number): GameDayReport {
  const day = new Day('d')
    .call({ ...GAME_DAY, watched: [{ probe: 'p', stands }], sampleEveryMs: 60_000 })
    .at(0, { type: 'begun', by: 'ada' })
    .at(0, { type: 'baseline', readings: baseline === undefined ? {} : { p: baseline } })
    .at(2, { type: 'scenario-begun', scenario: 0, by: 'ada' })
    .at(4, { type: 'scenario-ended', scenario: 0, ending: 'done', why: '' })
    .at(10, { type: 'day-ended', ending: 'completed', why: '' });
  if (series !== undefined) day.at(10, { type: 'samples', series: { p: series } });
  const report = gameDayReport(day.record(), []);
  assert.ok(report);
  return report;
}

/** Readings at each full minute. */
const minutely = (dimension: Series['dimension'], ...values: readonly (number | null)[]): Series => ({
  dimension,
  points: values.map((one, minutes) => [START_MS + minutes * MINUTE_MS, one]),
});

describe('availability', () => {
  const figure = (series: Series | undefined): AvailabilityFigure => {
    const [one] = dayWith('availability', series).availability;
    assert.ok(one);
    return one.whole;
  };
  const ones = (count: number): number[] => Array.from({ length: count }, () => 1);

  it('is the mean of a share over time', () => {
    assert.deepEqual(figure(minutely('ratio', ...ones(11))), { share: 1, atLeast: 1, knownMs: 600_000, unknownMs: 0 });
    assert.equal(figure(minutely('ratio', ...ones(5), 0.5, 0.5, ...ones(4))).share, 0.9);
  });

  it('takes a count for up while it is one or more', () => {
    assert.equal(figure(minutely('count', 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3)).share, 1);
    assert.equal(figure(minutely('count', 1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1)).share, 0.8);
  });

  it('neither takes a gap for up nor for down, and says how long it was', () => {
    const gap = figure(minutely('ratio', 1, 1, 1, null, null, 1, 1, 1, 1, 1, 1));
    assert.deepEqual(gap, { share: 1, atLeast: 0.7, knownMs: 420_000, unknownMs: 180_000 });
    assert.deepEqual(figure(minutely('ratio', null, null)), {
      share: null,
      atLeast: 0,
      knownMs: 0,
      unknownMs: 600_000,
    });
    assert.deepEqual(figure(undefined), { share: null, atLeast: 0, knownMs: 0, unknownMs: 600_000 });
  });

  it('is of each scenario that began, and of no other', () => {
    const [one] = dayWith('availability', minutely('ratio', 1, 1, 1, 0, 1, ...ones(6))).availability;
    assert.deepEqual(
      one?.scenarios.map((scenario) => scenario?.share ?? null),
      [0.5, null, null],
    );
  });

  it('is not made of what is no share', () => {
    const [one] = dayWith('availability', minutely('duration', ...ones(11))).availability;
    assert.match(one?.why ?? '', /^it measures duration: expected a ratio/);
    assert.equal(one?.whole.share, null);
    assert.equal(dayWith('availability', undefined).availability[0]?.why, 'it was never read');
  });

  it('a reading that is lost never makes it higher at least', () =>
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 11, maxLength: 11 }),
        fc.nat(10),
        (read, i) => {
          const before = figure(minutely('ratio', ...read));
          const after = figure(minutely('ratio', ...read.with(i, NaN).map((one) => (Number.isNaN(one) ? null : one))));
          assert.ok(after.atLeast <= before.atLeast + 1e-9);
          assert.ok(after.share === null || (after.share <= 1 && after.atLeast <= after.share + 1e-9));
        },
      ),
      { numRuns: 50 },
    ));
});

describe('customer impact', () => {
  const impact = (series: Series | undefined, baseline?: number) => {
    const [one] = dayWith('business', series, baseline).impact;
    assert.ok(one);
    return one;
  };
  const round = ({ lost, expected, knownMs: known, unknownMs }: ImpactFigure): readonly (number | null)[] => [
    lost,
    expected,
    known,
    unknownMs,
  ];

  it('of a rate is what it lost against its baseline, in the day, in each scenario and between them', () => {
    const one = impact(minutely('rate', 10, 10, 10, 4, 10, 10, 10, 7, 10, 10, 12), 10);
    assert.deepEqual(round(one.whole), [360 + 180, 6_000, 600_000, 0]);
    assert.deepEqual(
      one.scenarios.map((scenario) => scenario?.lost ?? null),
      [360, null, null],
    );
    assert.equal(one.between, 180);
    assert.deepEqual([one.whole.lowest, one.whole.highest, one.why], [4, 12, null]);
  });

  it('leaves out what was not measured, and what was regained', () => {
    const gap = impact(minutely('rate', 10, 10, 10, null, 0, 10, 10, 10, 20, 10, 10), 10);
    assert.deepEqual(round(gap.whole), [300, 4_800, 480_000, 120_000]);
  });

  it('is not summed up without a baseline, nor of what is no rate', () => {
    const bare = impact(minutely('rate', 10, 4, 10));
    assert.deepEqual(
      [bare.why, bare.whole.lost, bare.between, bare.whole.lowest],
      ['no baseline was taken', null, null, 4],
    );
    const slow = impact(minutely('duration', 300, 900, 300), 300);
    assert.deepEqual(
      [slow.why, slow.whole.lost, slow.whole.highest],
      ['it measures duration, and only a rate adds up to a number', null, 900],
    );
    const unread = impact(undefined, 10);
    assert.deepEqual([unread.why, unread.whole.lost, unread.whole.mean], ['it was never read', null, null]);
  });

  it('of a probe that is called as a part of every object is its own', () => {
    const day = new Day('d').call({ ...GAME_DAY, watched: [{ probe: 'constructor', stands: 'business' }] });
    const report = gameDayReport(day.at(0, { type: 'begun', by: 'ada' }).record(), []);
    assert.deepEqual([report?.impact[0]?.baseline, report?.impact[0]?.why], [null, 'it was never read']);
  });
});
