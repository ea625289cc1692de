/** What the charts of a report have in common: the time that they show. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { summarise } from '../../domain/summary.ts';
import { backdropOf } from '../../report/backdrop.ts';
import { heldRun, refusedRun } from './journals.ts';

it('a run that waited for an hour before its first stage is shown from shortly before that', () => {
  const summary = summarise(heldRun());
  const before = backdropOf(summary);
  const waited = { ...summary, startedAtMs: summary.startedAtMs - 3_600_000 };
  const { fromMs, toMs, shades } = backdropOf(waited);
  const [first] = shades;
  assert.ok(first && fromMs > waited.startedAtMs && fromMs < first.fromMs, `${fromMs}`);
  assert.ok((first.fromMs - fromMs) / (toMs - fromMs) < 0.2);
  assert.equal(toMs, before.toMs);
  assert.equal(before.fromMs, summary.startedAtMs, 'one that did not is shown from its start');
});

it('a run that opened no stage is shown whole', () => {
  const summary = summarise(refusedRun());
  assert.equal(backdropOf(summary).fromMs, summary.startedAtMs);
});
