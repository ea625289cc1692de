/** Groups: each is hit as often as its mean time says, alone, and as far; what cannot be read opts nobody in. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drawGroup, KUBE_MONKEY, kubeMonkeyGroup } from '../../domain/grouping.ts';
import type { Kill, TargetGroup } from '../../domain/grouping.ts';

const HOUR_MS = 3_600_000;
const group = (name: string, hours: number, kill?: Kill): TargetGroup => ({
  name,
  selector: { namespace: 'shop', labels: { app: name } },
  meanMs: hours * HOUR_MS,
  ...(kill === undefined ? {} : { kill }),
});
/** How often each was hit in so many ticks of an hour, and by which sizes. */
function hits(
  groups: readonly TargetGroup[],
  ticks: number,
): { readonly times: Record<string, number>; readonly sizes: Set<string> } {
  const times: Record<string, number> = {};
  const sizes = new Set<string>();
  for (let i = 0; i < ticks; i += 1) {
    const drawn = drawGroup(groups, HOUR_MS, `tick ${i}`);
    const name = drawn?.group.name ?? 'nobody';
    times[name] = (times[name] ?? 0) + 1;
    if (drawn?.size) sizes.add(drawn.size.text);
  }
  return { times, sizes };
}

test('each is hit once in its mean time, and nobody mostly', () => {
  const { times } = hits([group('a', 4), group('b', 20)], 4_000);
  // Binomial: 1,000 ± 27 and 200 ± 14; the seeds are the same each time.
  assert.ok(Math.abs((times['a'] ?? 0) - 1_000) < 5 * 27, JSON.stringify(times));
  assert.ok(Math.abs((times['b'] ?? 0) - 200) < 5 * 14, JSON.stringify(times));
});

test('somebody is hit at each tick where their chances are more than one, and the same seed says the same', () => {
  const { times } = hits([group('a', 1), group('b', 1)], 400);
  assert.equal(times['nobody'], undefined);
  for (const name of ['a', 'b']) assert.ok((times[name] ?? 0) > 120, JSON.stringify(times));
  assert.deepEqual(drawGroup([group('a', 2)], HOUR_MS, 'x'), drawGroup([group('a', 2)], HOUR_MS, 'x'));
  assert.equal(drawGroup([], HOUR_MS, 'x'), undefined);
});

test('a hit goes as far as its group says', () => {
  const always = (kill: Kill) => [...hits([group('a', 1, kill)], 60).sizes];
  assert.deepEqual(always({ mode: 'fixed', count: 2 }), ['2']);
  assert.deepEqual(always({ mode: 'fixed-percent', share: 0.3 }), ['30%']);
  assert.deepEqual(always({ mode: 'kill-all' }), ['100%']);
  const drawn = hits([group('a', 1, { mode: 'random-max-percent', share: 0.03 })], 60);
  assert.deepEqual([...drawn.sizes].toSorted(), ['1%', '2%', '3%']);
  assert.ok((drawn.times['nobody'] ?? 0) > 0, 'of none in a hundred it is nobody');
});

test('the labels of kube-monkey are understood, and what is no such label opts nobody in', () => {
  const labels = { ...KUBE_MONKEY, 'kube-monkey/identifier': 'pay', 'kube-monkey/mtbf': '3' };
  const of = (more: Record<string, string>) =>
    kubeMonkeyGroup({ name: 'payments', namespace: 'shop', labels: { ...labels, ...more } }, 8 * HOUR_MS);
  const kill = (mode: string, value: string) => {
    const made = of({ 'kube-monkey/kill-mode': mode, 'kube-monkey/kill-value': value });
    return 'why' in made ? made.why : made.kill;
  };
  const whyNot = (mode: string, value: string): string => {
    const said = kill(mode, value);
    return typeof said === 'string' ? said : assert.fail('it was understood');
  };
  assert.deepEqual(of({}), {
    name: 'shop/payments',
    selector: { namespace: 'shop', labels: { 'kube-monkey/enabled': 'enabled', 'kube-monkey/identifier': 'pay' } },
    meanMs: 24 * HOUR_MS,
    kill: { mode: 'fixed', count: 1 },
  });
  assert.deepEqual(kill('fixed', '2'), { mode: 'fixed', count: 2 });
  assert.deepEqual(kill('fixed-percent', '50'), { mode: 'fixed-percent', share: 0.5 });
  assert.deepEqual(kill('random-max-percent', '50'), { mode: 'random-max-percent', share: 0.5 });
  assert.deepEqual(kill('kill-all', ''), { mode: 'kill-all' });
  assert.match(whyNot('fixed', 'two'), /kube-monkey\/kill-value: found two, expected a whole number from 1$/);
  assert.match(whyNot('fixed-percent', '101'), /expected a whole number from 1 to 100/);
  assert.match(whyNot('gently', '1'), /kill-mode: found gently, expected fixed/);
  for (const [key, value, why] of [
    ['kube-monkey/mtbf', '0', /mtbf: found 0, expected whole days from 1/],
    ['kube-monkey/mtbf', '1.5', /mtbf: found 1.5/],
    ['kube-monkey/identifier', '', /it has no kube-monkey\/identifier/],
  ] as const) {
    const made = of({ [key]: value });
    assert.match('why' in made ? made.why : 'a group', why);
  }
});
