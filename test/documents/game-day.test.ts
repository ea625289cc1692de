/** Game days: what one says, and what is wrong with one. */
import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { parseAllDocuments } from 'yaml';
import { filesNamed } from '../../documents/game-day-files.ts';
import { parseFile } from '../../documents/file.ts';
import { documentJsonSchema } from '../../documents/json-schema.ts';
import { catalogue, VALID } from './experiment.ts';
import { DAY, dayOf, OTHER, wrongs } from './day.ts';

test('a game day is all that its document says', () => {
  const { gameDay, documentHash } = dayOf();
  const { scenarios, ...day } = gameDay;
  assert.match(documentHash, /^[0-9a-f]{64}$/);
  assert.deepEqual(day, {
    name: 'the-day',
    purpose: 'We learn whether it holds',
    planned: { atMs: Date.UTC(2026, 11, 4, 18), zone: 'America/Los_Angeles' },
    durationMs: 4 * 3_600_000,
    site: 'local',
    roles: { commander: 'alice', scribe: 'bob', communications: 'carol', observers: ['dan', 'erin'] },
    briefing: 'Nobody deploys.\n\nLook at **customers**.',
    abortOn: [{ probe: 'orders', breach: { kind: 'drops', share: 0.5 }, forMs: 60_000, abort: 'communicate' }],
    watched: [
      { probe: 'orders', stands: 'business' },
      { probe: 'availability', stands: 'availability' },
      { probe: 'latency-p99', stands: 'system' },
    ],
    sampleEveryMs: 10_000,
  });
  const [slow, gone] = scenarios;
  assert.ok(slow && gone);
  assert.deepEqual([slow.name, slow.offsetMs, slow.expected, slow.timeoutMs, slow.approve], ['slow', 0, 'It is slow', 3_600_000, 'commander']);
  assert.deepEqual([gone.name, gone.offsetMs, gone.approve], ['gone', 5_400_000, 'auto']);
  const min = { value: 0.99, dimension: 'ratio', text: '99%' };
  const count = (value: number): object => ({ value, dimension: 'count', text: `${value}` });
  assert.deepEqual(slow.criteria, [
    { name: 'recovery within 30s', kind: 'recovery', withinMs: 30_000 },
    { name: 'no experiment deviates', kind: 'hypothesis' },
    { name: 'nothing is lost', kind: 'measured', probe: 'lost-orders', accept: { kind: 'range', max: count(0) }, when: 'at-end' },
    { name: 'availability at least 99% throughout', kind: 'measured', probe: 'availability', accept: { kind: 'range', min }, when: 'throughout' },
    {
      name: 'dns-answer between 0 and 1 within 5m',
      kind: 'measured',
      probe: 'dns-answer',
      accept: { kind: 'range', min: count(0), max: count(1) },
      when: { withinMs: 300_000 },
    },
    {
      name: 'orders within 10% of its baseline within 2m',
      kind: 'measured',
      probe: 'orders',
      accept: { kind: 'baseline', share: 0.1 },
      when: { withinMs: 120_000 },
    },
    { name: 'alert HighErrorRate within 2m', kind: 'alert', alert: 'HighErrorRate', withinMs: 120_000 },
    { name: 'clear customer communication', kind: 'judged', by: 'communications' },
    { name: 'nobody panics', kind: 'judged', by: 'observer' },
  ]);
});

test('what is run has the experiments in it, of this file and of others, with the hash of each document', () => {
  const [slow, gone] = dayOf().gameDay.scenarios;
  assert.ok(slow?.work.kind === 'experiment');
  assert.equal(slow.work.experiment.name, 'slow-payments');
  assert.ok(gone?.work.kind === 'sequence');
  const [step, group] = gone.work.of;
  assert.deepEqual(step, { kind: 'by-hand', step: 'Tell customers.' });
  assert.ok(group?.kind === 'parallel');
  const [own, other] = group.of;
  assert.ok(own?.kind === 'experiment' && other?.kind === 'experiment');
  assert.deepEqual([own.experiment.name, other.experiment.name], ['slow-payments', 'gone']);
  assert.equal(own.documentHash, slow.work.documentHash);
  assert.notEqual(own.documentHash, other.documentHash);
});

test('a day is plain JSON', () => {
  const { gameDay } = dayOf();
  assert.deepEqual(JSON.parse(JSON.stringify(gameDay)), gameDay);
});

test('what may be left out is', () => {
  const text = DAY.replace(/roles: .*/, 'roles: { commander: alice }')
    .replace(/briefing: \|[^]*?sampleEvery: 10s\n/, '')
    .replace('date: 2026-12-04 10:00 America/Los_Angeles', 'date: now')
    .replace('{ judged: clear customer communication, by: communications }', '{ judged: it is clear, by: commander }')
    .replace('      - { judged: nobody panics }\n', '')
    .replace('by: scribe', 'by: commander');
  const { gameDay } = dayOf(text);
  assert.equal(gameDay.planned, undefined);
  assert.deepEqual(gameDay.roles, { commander: 'alice', observers: [] });
  assert.deepEqual([gameDay.briefing, gameDay.abortOn, gameDay.watched, gameDay.sampleEveryMs], ['', [], [], 5_000]);
});

test('the files that a day names are known before it is parsed, each once', () => {
  assert.deepEqual(filesNamed(DAY, 'days/it.yaml'), ['../other/gone.yaml']);
  assert.deepEqual(filesNamed(DAY.replace('- slow-payments\n', '- { file: ../other/gone.yaml }\n'), 'days/it.yaml'), ['../other/gone.yaml']);
  assert.deepEqual(filesNamed(VALID, 'it.yaml'), []);
  assert.deepEqual(filesNamed('gameDay: {', 'it.yaml'), []);
});

test('the JSON Schema accepts the day that uses every key, and not one that is misspelt', () => {
  const accepts = new Ajv2020({ strict: false, allErrors: true, validateFormats: false }).compile(documentJsonSchema(catalogue));
  for (const document of parseAllDocuments(DAY))
    assert.equal(accepts((document as { toJS(): unknown }).toJS()), true, JSON.stringify(accepts.errors));
  const written = (text: string): unknown => (parseAllDocuments(text)[0] as { toJS(): unknown }).toJS();
  for (const [from, to] of [['timeout: 1h', 'timeuot: 1h'], ['approve: auto', 'approve: nobody'], ['- { judged: nobody panics }', '- { jugded: nobody panics }'], ['byHand:', 'byHnad:'], ['commander: alice, ', '']] as const)
    assert.equal(accepts(written(DAY.replace(from, to))), false, to);
});

/** One edit of the day that is right, and what is said of it. */
const WRONG: readonly (readonly [what: string, replace: string | RegExp, by: string, ...says: string[]])[] = [
  // The day.
  ['a name with spaces', 'gameDay: the-day', 'gameDay: the day', '1:10: gameDay: found "the day", expected a name: lower-case letters, digits and dashes'],
  ['a misspelt key', 'purpose:', 'purpouse:', '1:1: found no purpose, expected a sentence', '2:1: purpouse: found unknown key "purpouse", expected one of gameDay, purpose, date, duration, site, roles, briefing, abortOn, watch, sampleEvery, scenarios. Did you mean purpose?'],
  ['a purpose of two lines', 'purpose: We learn whether it holds', 'purpose: "We\\nlearn"', '2:10: purpose: found "We\\nlearn", expected a sentence'],
  ['no date', 'date: 2026-12-04 10:00 America/Los_Angeles\n', '', '1:1: found no date, expected a date such as 2026-12-04 10:00 America/Los_Angeles, or now'],
  ['a date without a time', '2026-12-04 10:00 America/Los_Angeles', '2026-12-04', '3:7: date: found "2026-12-04", expected a date such as 2026-12-04 10:00 America/Los_Angeles, or now'],
  ['a date without a time zone', ' America/Los_Angeles', '', '3:7: date: found "2026-12-04 10:00", expected a date such as 2026-12-04 10:00 America/Los_Angeles, or now'],
  ['a date with an offset', 'America/Los_Angeles', '-08:00', '3:7: date: found "2026-12-04 10:00 -08:00", expected an IANA time zone, such as America/Los_Angeles or UTC'],
  ['a time zone that there is not', 'America/Los_Angeles', 'America/Los_Angles', '3:7: date: found "2026-12-04 10:00 America/Los_Angles", expected an IANA time zone, such as America/Los_Angeles or UTC'],
  ['a day that there is not', '2026-12-04', '2026-02-29', '3:7: date: found "2026-02-29 10:00 America/Los_Angeles", expected a day of the calendar, and a time from 00:00 to 23:59'],
  ['a time that there is not', '10:00', '24:00', '3:7: date: found "2026-12-04 24:00 America/Los_Angeles", expected a day of the calendar, and a time from 00:00 to 23:59'],
  ['a time that clocks are set forward over', '2026-12-04 10:00', '2026-03-08 02:30', '3:7: date: found "2026-03-08 02:30 America/Los_Angeles", expected a time that there is: clocks are set forward over this one; write 2026-03-08 01:30 America/Los_Angeles or 2026-03-08 03:30 America/Los_Angeles'],
  ['a time that clocks are set back over', '2026-12-04 10:00', '2026-11-01 01:30', '3:7: date: found "2026-11-01 01:30 America/Los_Angeles", expected a time that there is once: clocks are set back over this one; write 2026-11-01 08:30 UTC or 2026-11-01 09:30 UTC'],
  ['a day that was left out', /2026-12-04.*/, '2011-12-30 12:00 Pacific/Apia', '3:7: date: found "2011-12-30 12:00 Pacific/Apia", expected a time that there is: clocks are set forward over this one; write 2011-12-29 12:00 Pacific/Apia or 2011-12-31 12:00 Pacific/Apia'],
  ['a duration beyond two days', 'duration: 4h', 'duration: 49h', '4:11: duration: found "49h", expected a duration from 10s to 2d'],
  ['a duration without its unit', 'duration: 4h', 'duration: 4', '4:11: duration: found 4, expected a duration such as 100ms or 5m'],
  ['a site with capitals', 'site: local\nroles', 'site: Local\nroles', '5:7: site: found "Local", expected a site: lower-case letters, digits and dashes'],
  ['no commander', 'commander: alice, ', '', '6:8: roles: found no commander, expected the name of a person, as SQUALL_AS and the policy say it'],
  ['a role that there is not', 'scribe: bob', 'scrib: bob', '6:28: roles.scrib: found unknown key "scrib", expected one of commander, scribe, communications, observers. Did you mean scribe?'],
  ['a person without a name', 'scribe: bob', 'scribe: ""', '6:36: roles.scribe: found "", expected the name of a person, as SQUALL_AS and the policy say it'],
  ['a person with a line of their own', 'scribe: bob', 'scribe: "bob\\nATTENDEE:x"', '6:36: roles.scribe: found "bob\\nATTENDEE:x", expected the name of a person, as SQUALL_AS and the policy say it'],
  ['an observer twice', '[dan, erin]', '[dan, dan]', '6:75: roles.observers: found a list of 2, expected each observer once'],
  ['too long a briefing', '  Nobody deploys.', `  ${'Nobody. '.repeat(1_300)}`, '7:11: briefing: found "Nobody. Nobody. Nobody. Nobody. Nobody. Nobody. Nobody. …, expected at most 10000 characters'],
  ['a rule without a threshold', 'dropsBy: 50%, ', '', '12:5: abortOn[0]: found a mapping of probe, for, abort, expected one of: above, below, outside, dropsBy, risesBy, count with within'],
  ['a rule that one sample would fire', 'for: 1m', 'for: 5s', '12:41: abortOn[0].for: found "5s", expected 0s, or longer than sampleEvery (10s): one sample cannot show that a breach lasts'],
  ['what a probe stands for, misspelt', 'stands: business', 'stands: busyness', '14:30: watch[0].stands: found "busyness", expected one of business, availability, system. Did you mean business?'],
  ['a probe that is watched twice', 'probe: latency-p99 }\nsample', 'probe: orders }\nsample', '16:14: watch[2].probe: found "orders", expected each probe once'],
  ['samples that come too fast', 'sampleEvery: 10s', 'sampleEvery: 100ms', '17:14: sampleEvery: found "100ms", expected a duration from 500ms to 10m'],
  ['more samples than are kept', /duration: 4h([^]*)sampleEvery: 10s/, 'duration: 48h$1sampleEvery: 1s', '17:14: sampleEvery: found "1s", expected at least 3s456ms: of each probe 50000 samples are kept'],
  ['no scenarios', /scenarios:\n[^]*?---/, 'scenarios: []\n---', '18:12: scenarios: found a list of 0, expected at least 1 in the list'],
  // A scenario.
  ['two scenarios of one name', 'scenario: gone', 'scenario: slow', '34:15: scenarios[1].scenario: found "slow", expected each scenario by another name'],
  ['an offset that is none', 'at: T+0', 'at: 0h', '20:9: scenarios[0].at: found "0h", expected an offset from the beginning, such as T+0, T+1h or T+1h30m'],
  ['an offset beyond two days', 'at: T+1h30m', 'at: T+3d', '35:9: scenarios[1].at: found "T+3d", expected at most T+48h'],
  ['a scenario before the one before may be over', 'at: T+1h30m', 'at: T+59m59s', '35:9: scenarios[1].at: found "T+59m59s", expected T+1h or later: slow may take until then'],
  ['a scenario after the day', 'at: T+1h30m', 'at: T+4h', '35:9: scenarios[1].at: found "T+4h", expected a time before T+4h: the day lasts 4h'],
  ['a timeout beyond the day', 'timeout: 30m', 'timeout: 3h', '45:14: scenarios[1].timeout: found "3h", expected at most 2h30m: the day lasts 4h'],
  ['a timeout in which no fault is held', /timeout: 1h\n/, 'timeout: 5m\n', '33:14: scenarios[0].timeout: found "5m", expected more than 5m: so long its faults are held at least'],
  ['no timeout', '    timeout: 30m\n', '', '34:5: scenarios[1]: found no timeout, expected a duration such as 100ms or 5m'],
  ['no expectation', '    expect: It is gone\n', '', '34:5: scenarios[1]: found no expect, expected a sentence'],
  ['an approval of nobody', 'approve: auto', 'approve: anybody', '46:14: scenarios[1].approve: found "anybody", expected one of commander, auto. Did you mean auto?'],
  // What is run.
  ['an experiment that the file does not have', 'run: slow-payments', 'run: fast-payments', '21:10: scenarios[0].run: found "fast-payments", expected an experiment of this file: slow-payments'],
  ['what is run is a number', 'run: slow-payments', 'run: 5', '21:10: scenarios[0].run: found 5, expected an experiment of this file: lower-case letters, digits and dashes'],
  ['two ways at once', 'run: slow-payments', 'run: { byHand: it, file: it.yaml }', '21:10: scenarios[0].run: found a mapping of byHand, file, expected one of: file (perhaps with experiment), sequence, parallel, byHand'],
  ['no way at all', 'run: slow-payments', 'run: {}', '21:10: scenarios[0].run: found an empty mapping, expected one of: file (perhaps with experiment), sequence, parallel, byHand'],
  ['an experiment of no file', 'run: slow-payments', 'run: { experiment: slow-payments }', '21:10: scenarios[0].run: found a mapping of experiment, expected one of: file (perhaps with experiment), sequence, parallel, byHand'],
  ['a misspelt way', 'run: slow-payments', 'run: { seqence: [slow-payments] }', '21:10: scenarios[0].run: found a mapping of seqence, expected one of: file (perhaps with experiment), sequence, parallel, byHand', '21:12: scenarios[0].run.seqence: found unknown key "seqence", expected one of file, experiment, sequence, parallel, byHand. Did you mean sequence?'],
  ['a sequence of nothing', 'run: slow-payments', 'run: { sequence: [] }', '21:22: scenarios[0].run.sequence: found a list of 0, expected at least 1 in the list'],
  ['five levels', 'run: slow-payments', 'run: { sequence: [{ parallel: [{ sequence: [{ parallel: [{ sequence: [slow-payments] }] }] }] }] }', '21:74: scenarios[0].run.sequence[0].parallel[0].sequence[0].parallel[0].sequence: found a list of 1, expected at most 4 levels of groups'],
  ['deep in a group, an experiment that there is not', '- slow-payments', '- fast-payments', '40:15: scenarios[1].run.sequence[1].parallel[0]: found "fast-payments", expected an experiment of this file: slow-payments'],
  ['fifty-one steps', 'run: slow-payments', `run: { sequence: [${'slow-payments, '.repeat(50)}] }`, '19:3: scenarios: found a list of 2, expected at most 50 experiments and steps in a day, and these are 53', '33:14: scenarios[0].timeout: found "1h", expected more than 4h10m: so long its faults are held at least'],
  ['the same step twice', '- byHand: Tell customers.', '- byHand: Tell customers.\n        - byHand: Tell customers.', '37:7: scenarios[1].run: found a mapping of sequence, expected each step by hand in words of its own'],
  // Other files.
  ['a URL', '../other/gone.yaml', 'https://example.com/gone.yaml', '41:23: scenarios[1].run.sequence[1].parallel[1].file: found "https://example.com/gone.yaml", expected a file beside this one, such as ../dependency/slow.yaml'],
  ['an absolute path', '../other/gone.yaml', '/etc/gone.yaml', '41:23: scenarios[1].run.sequence[1].parallel[1].file: found "/etc/gone.yaml", expected a file beside this one, such as ../dependency/slow.yaml'],
  ['a file that is no document', '../other/gone.yaml', '../../etc/passwd', '41:23: scenarios[1].run.sequence[1].parallel[1].file: found "../../etc/passwd", expected a file beside this one, such as ../dependency/slow.yaml'],
  ['a file that nobody has read', '../other/gone.yaml', '../other/went.yaml', '41:23: scenarios[1].run.sequence[1].parallel[1].file: found "../other/went.yaml", expected a file that can be read: nobody has looked for it'],
  ['an experiment that the other file does not have', 'experiment: gone }', 'experiment: went }', '41:55: scenarios[1].run.sequence[1].parallel[1].experiment: found "went", expected one of the experiments of ../other/gone.yaml: gone'],
  // Criteria.
  ['no criteria', /criteria:\n {6}- \{ judged: all is well, by: scribe \}/, 'criteria: []', '43:15: scenarios[1].criteria: found a list of 0, expected at least 1 in the list'],
  ['a criterion of no kind', '{ recovery: 30s }', '{ name: fast }', '24:9: scenarios[0].criteria[0]: found a mapping of name, expected one of: probe, recovery, alert, hypothesis, judged'],
  ['a criterion of two kinds', '{ recovery: 30s }', '{ recovery: 30s, hypothesis: holds }', '24:9: scenarios[0].criteria[0]: found a mapping of recovery, hypothesis, expected one of: probe, recovery, alert, hypothesis, judged'],
  ['a misspelt kind', '{ recovery: 30s }', '{ recvery: 30s }', '24:9: scenarios[0].criteria[0]: found a mapping of recvery, expected one of: probe, recovery, alert, hypothesis, judged', '24:11: scenarios[0].criteria[0].recvery: found unknown key "recvery", expected one of probe, min, max, between, within, when, recovery, alert, hypothesis, judged, by, name. Did you mean recovery?'],
  ['a recovery with more', '{ recovery: 30s }', '{ recovery: 30s, max: 5 }', '24:9: scenarios[0].criteria[0]: found a mapping of recovery, max, expected beside recovery nothing but a name'],
  ['an alert with more', 'within: 2m }\n', 'within: 2m, by: scribe }\n', '30:9: scenarios[0].criteria[6]: found a mapping of alert, within, by, expected beside alert only within'],
  ['a recovery without its unit', '{ recovery: 30s }', '{ recovery: 30 }', '24:21: scenarios[0].criteria[0].recovery: found 30, expected a duration such as 100ms or 5m'],
  ['a hypothesis that does something else', 'hypothesis: holds', 'hypothesis: fails', '25:23: scenarios[0].criteria[1].hypothesis: found "fails", expected holds. Did you mean holds?'],
  ['a probe without a bound', 'max: 0, when: at-end', 'when: at-end', '26:9: scenarios[0].criteria[2]: found a mapping of name, probe, when, expected one of: min and/or max, between, within 10% of baseline'],
  ['a probe with two bounds', 'max: 0, when', 'max: 0, between: [1, 2], when', '26:9: scenarios[0].criteria[2]: found a mapping of name, probe, max, between, when, expected one of: min and/or max, between, within 10% of baseline'],
  ['a time that is no time', 'when: at-end', 'when: at the end', '26:68: scenarios[0].criteria[2].when: found "at the end", expected throughout, at-end, or a time from 1s to 1d: within 5m'],
  ['a time twice', '[0, 1], within: 5m', '[0, 1], within: 5m, when: at-end', '28:9: scenarios[0].criteria[4]: found a mapping of probe, between, within, when, expected either when, or a time in within'],
  ['a nearness that is none', '10% of baseline', '10% of normal', '29:34: scenarios[0].criteria[5].within: found "10% of normal", expected a time from 1s to 1d such as 5m, or a share of the baseline: 10% of baseline'],
  ['an alert without a time', 'HighErrorRate, within: 2m', 'HighErrorRate', '30:9: scenarios[0].criteria[6]: found a mapping of alert, expected a time: within 2m'],
  ['an alert near a baseline', 'HighErrorRate, within: 2m', 'HighErrorRate, within: 10% of baseline', '30:9: scenarios[0].criteria[6]: found a mapping of alert, within, expected a time: within 2m'],
  ['a judge who is nobody', 'by: communications', 'by: customers', '31:53: scenarios[0].criteria[7].by: found "customers", expected one of commander, scribe, communications, observer. Did you mean observer?'],
  ['a judge whom the day does not have', 'scribe: bob, ', '', '44:36: scenarios[1].criteria[0].by: found "scribe", expected a role that somebody has: commander, communications, observer'],
  ['nobody who observes', ', observers: [dan, erin]', '', '32:9: scenarios[0].criteria[8]: found no by, expected a role that somebody has: commander, scribe, communications'],
  ['a criterion twice', '{ hypothesis: holds }', '{ recovery: 30s }', '25:9: scenarios[0].criteria[1]: found a mapping of recovery, expected each criterion once, or by another name: `recovery within 30s` is there already'],
  ['a criterion that comes too late', 'recovery: 30s', 'recovery: 2h', '24:9: scenarios[0].criteria[0]: found a mapping of recovery, expected a time of at most 1h: the scenario is over then'],
  ['a recovery of what people do', 'run: slow-payments', 'run: { byHand: it }', '24:9: scenarios[0].criteria[0]: found a mapping of recovery, expected an experiment among what is run: by hand, nothing knows of a recovery or a hypothesis', '25:9: scenarios[0].criteria[1]: found a mapping of hypothesis, expected an experiment among what is run: by hand, nothing knows of a recovery or a hypothesis'],
  ['experiments that are wrong in themselves', 'hold: 5m', 'hold: 5', '61:43: blastRadius.hold: found 5, expected a duration such as 100ms or 5m'],
];

describe('refused', () => {
  for (const [what, replace, by, ...says] of WRONG)
    it(what, () => {
      assert.match(DAY, typeof replace === 'string' ? new RegExp(replace.replace(/[^\w\s]/g, '\\$&')) : replace);
      assert.deepEqual(wrongs(DAY.replace(replace, by)), says);
    });

  it('two game days', () => {
    assert.deepEqual(wrongs(`gameDay: other\n---\n${DAY}`), ['3:1: gameDay: found a second game day, expected one game day in a file']);
  });

  it('a file that cannot be read, with the reason', () => {
    const others = new Map([['../other/gone.yaml', { why: 'it is a folder, not a file' }]]);
    assert.deepEqual(wrongs(DAY, others), [
      '41:23: scenarios[1].run.sequence[1].parallel[1].file: found "../other/gone.yaml", expected a file that can be read: it is a folder, not a file',
    ]);
  });

  it('a file whose experiments are wrong, with what is wrong in it', () => {
    const others = new Map([['../other/gone.yaml', Buffer.from(VALID.replace('hold: 5m', 'hold: 5'))]]);
    assert.deepEqual(wrongs(DAY, others), [
      '41:23: scenarios[1].run.sequence[1].parallel[1].file: found "../other/gone.yaml", expected a file whose experiments are right; what is wrong in them is below',
      'other/gone.yaml:14:43: blastRadius.hold: found 5, expected a duration such as 100ms or 5m',
    ]);
  });

  it('a file of several experiments, none of which is named; and one of none', () => {
    const two = `${VALID.replace('slow-payments', 'one')}---\n${VALID.replace('slow-payments', 'two')}`;
    const unnamed = DAY.replace(', experiment: gone }', ' }');
    assert.deepEqual(wrongs(unnamed, new Map([['../other/gone.yaml', Buffer.from(two)]])), [
      '41:15: scenarios[1].run.sequence[1].parallel[1]: found no experiment, expected one of the experiments of ../other/gone.yaml: one, two',
    ]);
    assert.deepEqual(wrongs(unnamed, new Map([['../other/gone.yaml', Buffer.from(DAY.split('---')[0] ?? '')]])), [
      '41:23: scenarios[1].run.sequence[1].parallel[1].file: found "../other/gone.yaml", expected a file with experiments: it has none',
    ]);
  });

  it('a probe that the configuration of its site does not have; of another site nothing is known', () => {
    const names = ['orders', 'availability', 'latency-p99', 'lost-orders', 'dns-answers'];
    assert.deepEqual(wrongs(DAY, OTHER, { ...catalogue, probes: { sites: ['local'], names } }), [
      '28:18: scenarios[0].criteria[4].probe: found "dns-answer", expected one of orders, availability, latency-p99, lost-orders, dns-answers. Did you mean dns-answers?',
    ]);
    assert.deepEqual(wrongs(DAY, OTHER, { ...catalogue, probes: { sites: ['elsewhere'], names } }), []);
    const [first, ...more] = wrongs(DAY, OTHER, { ...catalogue, probes: { sites: ['local'], names: [] } });
    assert.equal(first, '12:14: abortOn[0].probe: found "orders", expected a probe of the configuration, which has none');
    assert.equal(more.length, 7);
  });

  it('more probes than a day reads', () => {
    const many = Array.from({ length: 20 }, (_, i) => `{ probe: p${i}, max: 1 }`).join(', ');
    const scenario = (n: number): string => `  - { scenario: s${n}, at: T+${n + 2}h, run: { byHand: it }, expect: it, criteria: [${many.replaceAll('probe: p', `probe: s${n}-p`)}], timeout: 1h }\n`;
    const text = DAY.replace('duration: 4h', 'duration: 5h').replace('---', `${scenario(0)}${scenario(1)}${scenario(2)}---`);
    assert.deepEqual(wrongs(text), ['19:3: scenarios: found a list of 5, expected at most 50 probes in a day, and these are 65']);
  });

  it('thirty-one scenarios, twenty-one criteria', () => {
    const scenario = (n: number): string => `  - { scenario: s${n}, at: T+${120 + n}m, run: { byHand: it }, expect: it, criteria: [{ judged: it }], timeout: 1m }\n`;
    const many = Array.from({ length: 29 }, (_, n) => scenario(n)).join('');
    assert.deepEqual(wrongs(DAY.replace('---', `${many}---`)), ['19:3: scenarios: found a list of 31, expected at most 30 in the list']);
    const criteria = Array.from({ length: 20 }, (_, n) => `      - { judged: it ${n} }\n`).join('');
    assert.deepEqual(wrongs(DAY.replace('    timeout: 30m', `${criteria}    timeout: 30m`)), ['44:7: scenarios[1].criteria: found a list of 21, expected at most 20 in the list']);
  });
});

test('a time that is there once is taken, on either side of a change of the clocks', () => {
  const at = (date: string): number | undefined => dayOf(DAY.replace(/date: .*/, `date: ${date}`)).gameDay.planned?.atMs;
  assert.equal(at('2026-03-08 01:59 America/Los_Angeles'), Date.UTC(2026, 2, 8, 9, 59));
  assert.equal(at('2026-03-08 03:00 America/Los_Angeles'), Date.UTC(2026, 2, 8, 10));
  assert.equal(at('2026-11-01 02:00 America/Los_Angeles'), Date.UTC(2026, 10, 1, 10));
  assert.equal(at('2026-10-04 02:45 Australia/Lord_Howe'), Date.UTC(2026, 9, 3, 15, 45));
  assert.equal(at('2028-02-29 00:00 UTC'), Date.UTC(2028, 1, 29));
  assert.equal(at('2026-11-01  08:30 UTC'), Date.UTC(2026, 10, 1, 8, 30));
});

test('a mutated game day is accepted or refused with positions inside it; nothing else happens', () => {
  const put = fc.oneof(
    fc.constantFrom('*a', '{', '}', '[', ']', ': ', '- ', '|', '"', "'", '\t', '---\n', 'T+', 'now', '24:00', '2026-03-08 02:30', '9h', '1e999', '.nan', 'null', '__proto__', ''),
    fc.string({ maxLength: 8, unit: 'binary' }),
  );
  const mutation = fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), cut: fc.nat(30), put });
  const end = DAY.indexOf('---');
  fc.assert(
    fc.property(fc.array(mutation, { minLength: 1, maxLength: 3 }), (mutations) => {
      const day = mutations.reduce((whole, { at, cut, put: words }) => {
        const from = Math.floor(at * whole.length);
        return whole.slice(0, from) + words + whole.slice(from + cut);
      }, DAY.slice(0, end));
      const text = day + DAY.slice(end);
      const parsed = parseFile(text, 'days/it.yaml', catalogue, OTHER);
      if (parsed.ok) return;
      const lines = text.replace(/^\uFEFF/, '').split('\n');
      assert.ok(parsed.problems.length > 0);
      for (const { line, column, found, expected } of parsed.problems) {
        assert.ok(line >= 1 && line <= lines.length, `line ${line} of ${lines.length}`);
        assert.ok(column >= 1 && column <= (lines[line - 1]?.length ?? 0) + 1, `column ${column} of line ${line}`);
        assert.ok(found !== '' && expected !== '');
      }
    }),
    { numRuns: 300 },
  );
});
