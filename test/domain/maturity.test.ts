/** Maturity: only what was done raises a level, what is old lowers it, and every level has its proof. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { FAULT_CLASSES, faultClassOf, isClassed } from '../../domain/fault-class.ts';
import type { FaultClass } from '../../domain/fault-class.ts';
import { LEVELS, maturityOf, nextRung } from '../../domain/maturity.ts';
import type { Assessment } from '../../domain/maturity.ts';
import { evidenceOf, servicesOf } from '../../domain/maturity-evidence.ts';
import type { Evidence, RunEvidence } from '../../domain/maturity-evidence.ts';
import { programOf, startedByProgram } from '../../domain/program.ts';
import { defaultConfig } from '../../workers/config.ts';
import { openSite } from '../../workers/open-site.ts';
import { abortedRun, endedRun, heldRun, refusedRun, stuckRun } from '../report/journals.ts';
import { EXPERIMENT, LADDER, Story } from '../report/story.ts';

const DAY_MS = 86_400_000;
const NOW_MS = Date.UTC(2026, 10, 30, 12);

let drawn = 0;
/** A run that ended so many days ago. */
const run = (daysAgo: number, more: Partial<RunEvidence> = {}): RunEvidence => ({
  run: `run-${(drawn += 1)}`,
  experiment: 'one',
  endedAtMs: NOW_MS - daysAgo * DAY_MS,
  site: 'prod',
  services: ['payments'],
  faultClass: 'loss',
  held: true,
  labels: [],
  told: [],
  ...more,
});

/** A run that CI started so many days ago. */
const inCi = (daysAgo: number, more: Partial<RunEvidence> = {}): RunEvidence =>
  run(daysAgo, { site: 'test', labels: ['ci'], ...more });

const ALERTS = { name: 'routing', type: 'alertmanager', pages: true };
const MONKEY = { program: 'monkey', cadence: 'hourly' };

const evidence = (more: Partial<Evidence> = {}): Evidence => ({
  nowMs: NOW_MS,
  runs: [],
  schedules: { found: [] },
  receivers: [],
  productionSites: ['prod'],
  services: [],
  ...more,
});

const days = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);
/** Everything that level 5 takes. */
const CLASSES: readonly FaultClass[] = ['loss', 'stall', 'resources', 'network'];
const full = (): Evidence =>
  evidence({
    runs: [
      run(10, { day: 'november' }),
      ...[1, 1, 2].map((day) => inCi(day)),
      ...days(0, 27).map((day) => run(day, { program: 'monkey', faultClass: CLASSES[day % 4] ?? 'loss' })),
    ],
    schedules: { found: [MONKEY] },
    receivers: [ALERTS],
  });

const whole = (of: Evidence): Assessment => maturityOf(of).whole;
const missing = (of: Evidence, level: number): string => whole(of).rungs[level - 1]?.missing.join('; ') ?? '';

test('every fault that is built in has a class', async () => {
  const { drivers } = await openSite(defaultConfig(), 'catalogue');
  assert.ok(drivers.size > 30);
  assert.deepEqual(
    [...drivers.keys()].filter((kind) => !isClassed(kind)),
    [],
  );
  assert.equal(faultClassOf('noop/noop'), undefined);
  assert.equal(faultClassOf('file/missing'), 'other');
});

test('who started a run is told from what its journal says', () => {
  assert.equal(programOf(startedByProgram('chaos-monkey', 'alice on a laptop')), 'chaos-monkey');
  assert.equal(programOf('ada@build-7 (not authenticated)'), undefined);
});

describe('a run', () => {
  test('proves what was done to whom, once it has a verdict', () => {
    const { run: name, endedAtMs, ...proof } = evidenceOf(heldRun()) as RunEvidence;
    assert.equal(name, heldRun().run);
    assert.equal(endedAtMs, heldRun().events.at(-1)?.atMs);
    assert.deepEqual(proof, {
      experiment: EXPERIMENT.name,
      site: 'prod-eu',
      services: ['payments'],
      faultClass: 'stall',
      held: true,
      labels: [],
      told: [],
    });
    assert.equal((evidenceOf(abortedRun()) as RunEvidence).held, false);
  });

  test('proves nothing that is open, was refused, ended too early, harmed nobody, or lost its beginning', () => {
    assert.equal(evidenceOf(stuckRun()), 'open');
    assert.equal(evidenceOf(refusedRun()), 'verdict');
    assert.equal(evidenceOf(endedRun('cancelled')), 'verdict');
    const held = heldRun();
    assert.equal(evidenceOf({ ...held, events: held.events.filter(({ type }) => type !== 'started') }), 'beginning');
    assert.equal(evidenceOf({ ...held, events: held.events.filter(({ type }) => type !== 'stage-held') }), 'nobody');
    const noop = new Story('noop-1')
      .begin({ ...EXPERIMENT, fault: 'noop/noop' })
      .widen(1, LADDER, 1)
      .at(9, { type: 'closed', status: 'completed', deviated: false, reason: 'it held' });
    assert.equal(evidenceOf(noop.journal()), 'harmless');
  });

  test('is about the services that its selector names, and about none where it names none', () => {
    const cases: readonly [Parameters<typeof servicesOf>[0], string[], label?: string][] = [
      [{ group: 'payments' }, ['payments']],
      [{ kind: 'pod', namespace: 'shop', labels: { app: 'orders' } }, ['orders']],
      [{ kind: 'pod', labels: { team: 'bank', app: 'orders' } }, ['bank'], 'team'],
      [{ kind: 'pod', owner: 'deployment/web', labels: {} }, ['web']],
      [{ kind: 'deployment', names: ['web', 'api'], labels: {} }, ['web', 'api']],
      [{ kind: 'instance', tags: { service: 'web', chaos: 'allowed' } }, ['web']],
      [{ kind: 'database', ids: ['cluster:orders'], tags: {} }, ['orders']],
      [{ kind: 'node', labels: { app: 'web' }, names: ['node-1'] }, []],
      [{ kind: 'instance', ids: ['i-0123'], tags: {} }, []],
      [{ kind: 'template', ids: ['EXT1'] }, []],
      [{ kind: 'pod', labels: { app: '' } }, []],
      [{}, []],
    ];
    for (const [selector, services, label] of cases)
      assert.deepEqual(servicesOf(selector, label), services, JSON.stringify(selector));
  });
});

describe('a level', () => {
  test('is proved step by step', () => {
    const dev = [1, 2, 2].map((day) => inCi(day));
    const byHand = [...dev, run(40, { day: 'october' })];
    const regular = [...byHand, ...[1, 30, 60].map((day) => run(day, { program: 'monkey' }))];
    const active = { found: [MONKEY] };
    const steps: readonly Evidence[] = [
      evidence({ runs: dev.slice(1) }),
      evidence({ runs: dev }),
      evidence({ runs: byHand }),
      evidence({ runs: regular, schedules: active }),
      { ...full(), receivers: [] },
      full(),
    ];
    for (const [level, step] of steps.entries()) {
      const found = whole(step);
      assert.equal(found.level, level, JSON.stringify(found, null, 1));
      assert.equal(found.name, LEVELS[level]);
      for (const rung of found.rungs.slice(0, level)) {
        assert.ok(rung.proof.length > 0 && rung.runs.length > 0, `${rung.name} names its proof`);
        assert.deepEqual([rung.missing, rung.next], [[], []]);
      }
      const next = nextRung(found);
      if (level < 5) assert.ok(next && next.missing.length > 0 && next.next.length > 0, 'says what is missing');
      else assert.equal(next, undefined);
    }
  });

  test('is nothing that can be claimed: without runs it is 0, whatever is configured or scheduled', () => {
    const anything = fc.record({
      schedules: fc.array(fc.record({ program: fc.string(), cadence: fc.string() })),
      receivers: fc.array(fc.record({ name: fc.string(), type: fc.string(), pages: fc.boolean() })),
      productionSites: fc.array(fc.string()),
      services: fc.array(fc.string()),
    });
    fc.assert(
      fc.property(anything, ({ schedules, ...more }) => {
        const { whole: all, services } = maturityOf(evidence({ ...more, schedules: { found: schedules } }));
        for (const { level } of [all, ...services]) assert.equal(level, 0);
      }),
    );
  });

  test('is lowered by time alone', () => {
    for (const [later, level] of [
      [0, 5],
      [8, 3],
      [36, 2],
      [81, 1],
      [88, 1],
      [89, 0],
    ] as const)
      assert.equal(whole({ ...full(), nowMs: NOW_MS + later * DAY_MS }).level, level, `${later} days later`);
  });

  test('is not raised by what will only have been', () => {
    const ahead = full().runs.map((one) => ({ ...one, endedAtMs: one.endedAtMs + 400 * DAY_MS }));
    assert.equal(whole({ ...full(), runs: ahead }).level, 0);
    assert.equal(maturityOf({ ...full(), runs: ahead }).coverage.length, 0);
  });

  test('1 takes what CI started', () => {
    const others = { ...full(), runs: full().runs.map((one) => ({ ...one, labels: ['nightly'] })) };
    assert.equal(whole(others).level, 0);
    assert.match(missing(others, 1), /^0 runs labelled ci with a verdict in 90 days, expected 3/);
  });

  test('2 takes a game day, and production that the policy names', () => {
    const byProgram = { ...full(), runs: full().runs.filter(({ day }) => day === undefined) };
    assert.equal(whole(byProgram).level, 1);
    assert.match(missing(byProgram, 2), /no run of a game day in production in 90 days/);
    assert.equal(whole({ ...full(), productionSites: [] }).level, 1);
    assert.match(missing({ ...full(), productionSites: [] }, 2), /the policy has no environment `production`/);
  });

  test('3 takes schedules that begin something, and runs of theirs', () => {
    const idle = { ...full(), schedules: { found: [{ ...MONKEY, idle: 'is paused: the sale' }] } };
    assert.equal(whole(idle).level, 2);
    assert.match(missing(idle, 3), /no schedule is active: monkey\/hourly is paused: the sale/);
    const other = { ...full(), schedules: { found: [{ program: 'another', cadence: 'daily' }] } };
    assert.equal(whole(other).level, 2);
    assert.match(missing(other, 3), /on 0 days of the last 90, expected 3/);
  });

  test('3 and 4 are not known where nobody could be asked, and are not taken for proved', () => {
    const found = whole({ ...full(), schedules: { unasked: 'it is away' } });
    assert.equal(found.level, 2);
    assert.deepEqual(
      found.rungs.map(({ state }) => state),
      ['proved', 'proved', 'unknown', 'unknown', 'proved'],
    );
  });

  test('4 takes runs in every week', () => {
    const isEarlier = ({ program, endedAtMs }: RunEvidence): boolean =>
      program === undefined || endedAtMs < NOW_MS - 7 * DAY_MS;
    const gap = { ...full(), runs: full().runs.filter(isEarlier) };
    assert.equal(whole(gap).level, 3);
    assert.match(missing(gap, 4), /on 0, 6, 7, 7 days of the last 4 weeks, latest first; expected at least 3 of each/);
  });

  test('5 takes somebody who is paged and hears it, and wide coverage', () => {
    const silent = { ...full(), receivers: [{ ...ALERTS, pages: false }] };
    assert.match(missing(silent, 5), /no destination of `notify:` pages/);
    const told = [{ to: 'routing', delivered: false, atMs: NOW_MS }];
    const deaf = { ...full(), runs: [run(1, { told }), ...full().runs] };
    assert.match(missing(deaf, 5), /routing did not take what it was last told of/);
    const narrow = { ...full(), runs: full().runs.map((one) => ({ ...one, faultClass: 'loss' as const })) };
    assert.equal(whole(narrow).level, 4);
    assert.match(missing(narrow, 5), /^0 of 1 service tested in production with at least 4 classes/);
    const wider = { ...full(), services: ['orders'] };
    assert.equal(whole(wider).level, 4, 'a service that nobody tests counts');
  });
});

describe('a service', () => {
  test('stands where its own runs put it', () => {
    const { services, whole: all } = maturityOf({
      ...full(),
      runs: [...full().runs, ...[1, 2, 3].map((day) => inCi(day, { services: ['orders'] }))],
      services: ['search'],
    });
    assert.deepEqual(
      services.map(({ service, level }) => [service, level]),
      [
        ['orders', 1],
        ['payments', 5],
        ['search', 0],
      ],
    );
    assert.equal(all.level, 4);
    const next = nextRung(services[1] ?? assert.fail());
    assert.equal(next, undefined);
  });

  test('names the classes that it is not tested with', () => {
    const runs = full().runs.filter(({ faultClass }) => faultClass !== 'network');
    const [payments] = maturityOf({ ...full(), runs }).services;
    assert.match(
      payments?.rungs[4]?.missing.join() ?? '',
      /3 classes of faults .*\(loss, stall, resources\), expected 4 of 7/,
    );
    assert.match(payments?.rungs[4]?.next.join() ?? '', /messages come late, damaged, or not at all \(network\)/);
  });
});

describe('coverage', () => {
  const cell = (runs: readonly RunEvidence[]) => {
    const [row] = maturityOf(evidence({ runs })).coverage;
    const { faultClass, ...found } = row?.cells[0] ?? assert.fail();
    assert.equal(faultClass, 'loss');
    return found;
  };

  test('is never, passed, failed or stale, by the last run', () => {
    assert.deepEqual(cell([run(1, { faultClass: 'stall' })]), { state: 'never' });
    const [old, failed, passed] = [run(91), run(5, { held: false }), run(1)];
    assert.equal(cell([old]).state, 'stale');
    assert.equal(cell([old, failed]).state, 'failed');
    assert.deepEqual(cell([passed, old, failed]), {
      state: 'passed',
      run: passed.run,
      atMs: passed.endedAtMs,
      held: true,
      production: true,
    });
  });

  test('shows the worst of production and anywhere else, and of all experiments', () => {
    const failed = run(5, { held: false });
    assert.equal(cell([failed, run(1, { experiment: 'another' })]).run, failed.run);
    assert.equal(cell([failed, run(1, { site: 'test' })]).run, failed.run);
    const elsewhere = run(5, { held: false, site: 'test' });
    assert.deepEqual([cell([run(1), elsewhere]).state, cell([run(1), elsewhere]).production], ['failed', false]);
    assert.equal(cell([run(100, { held: false }), run(1, { site: 'test' })]).state, 'passed');
  });

  test('has a row for what is of no service, and a column for what has no class, where there is such a run', () => {
    const { coverage, services } = maturityOf(
      evidence({ runs: [run(1, { services: [], faultClass: 'zone' }), run(1, { faultClass: 'other' })] }),
    );
    assert.deepEqual(
      coverage.map(({ service }) => service),
      ['payments', null],
    );
    assert.deepEqual(
      coverage[0]?.cells.map(({ faultClass }) => faultClass),
      Object.keys(FAULT_CLASSES),
    );
    assert.equal(services.length, 1);
  });
});
