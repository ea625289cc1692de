/** When a container that has not started, as its pod says, can be told not to act. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cannotAct, LATE_MS } from '../../activities/faults/kubernetes/in-pod/take-off.ts';

const TTL_MS = 30_000;

test('a container that is said to wait may run, unless it cannot start or its program’s time is over', () => {
  const [justFenced, late, lapsed] = [0, LATE_MS + 1, TTL_MS + LATE_MS + 1];
  const [waiting, stuck] = [{ is: 'waiting' }, { is: 'waiting', problem: 'ImagePullBackOff' }] as const;
  const asked = [waiting, stuck].map((state) => [justFenced, late, lapsed].map((ms) => cannotAct(state, ms, TTL_MS)));
  assert.deepEqual(asked, [
    [false, false, true],
    [false, true, true],
  ]);
});
