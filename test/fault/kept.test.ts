/** What stays reachable in a fault: the node, names, and whatever is asked to be kept. */
import assert from 'node:assert/strict';
import { afterEach, before, describe, it } from 'node:test';
import { DNS, FIRST, FIRST6, OTHER_PORT, pairHere, PORT, SECOND } from './pair.ts';
import { WITHOUT_NAMESPACES } from './program.ts';

describe('what is kept', { skip: WITHOUT_NAMESPACES }, () => {
  const pair = pairHere();
  let untouched: string;

  before(() => {
    untouched = pair.traces();
  });
  afterEach(() => assert.equal(pair.traces(), untouched));

  /** Who of these is reached in a partition. */
  async function reachedIn(args: readonly string[], ends: readonly (readonly [string, number])[]): Promise<boolean[]> {
    const fault = pair.start(['partition', '--time-to-live', '60s', ...args]);
    await fault.said('applied');
    const reached: boolean[] = [];
    for (const [host, port] of ends) reached.push(await pair.pod.reaches(host, port));
    fault.tell('revert');
    assert.equal(await fault.ended(), 0);
    return reached;
  }

  it('names are asked for as before, unless that is the fault', async () => {
    const ends = [[FIRST, DNS], [FIRST6, DNS], [FIRST, PORT]] as const; // prettier-ignore
    assert.deepEqual(await reachedIn([], ends), [true, true, false]);
    assert.deepEqual(await reachedIn(['--dns'], ends), [false, false, false]);
    assert.deepEqual(await reachedIn(['--dns', '--port', String(DNS)], ends), [false, false, true]);
  });

  it('addresses and ports that are asked to be kept are, peers or not', async () => {
    const ends = [[FIRST, PORT], [SECOND, PORT], [SECOND, OTHER_PORT], [FIRST6, PORT]] as const; // prettier-ignore
    assert.deepEqual(await reachedIn(['--keep', FIRST], ends), [true, false, false, false]);
    assert.deepEqual(await reachedIn(['--keep', `${FIRST},fd77::/16`], ends), [true, false, false, true]);
    assert.deepEqual(await reachedIn(['--keep-port', String(OTHER_PORT)], ends), [false, false, true, false]);
    assert.deepEqual(await reachedIn(['--keep', SECOND, '--peer', '10.77.0.0/24'], ends), [false, true, true, true]);
  });

  it('as many as may be named are, and no more', async () => {
    const addresses = Array.from({ length: 511 }, (_, number) => `fd77:${(2 * number + 1).toString(16)}::/32`);
    const ports = Array.from({ length: 511 }, (_, number) => String(20_000 + 2 * number));
    const named = ['--keep', [...addresses, FIRST].join(','), '--keep-port', [...ports, OTHER_PORT].join(',')];
    assert.deepEqual(await reachedIn(['--peer', [...addresses, '10.77.0.0/24'].join(','), ...named], [[FIRST, PORT], [SECOND, PORT], [SECOND, OTHER_PORT]]), [true, false, true]); // prettier-ignore
    assert.equal(pair.verb('partition', '--id', 'more', '--keep', [...addresses, FIRST, SECOND].join(',')).code, 2);
  });

  it('the way out of the pod, where a kubelet’s probes come from, is reached', async () => {
    pair.inPod('ip', 'route', 'add', 'default', 'via', FIRST);
    const fault = pair.start(['partition', '--time-to-live', '60s']);
    assert.deepEqual((await fault.said('applied')).kept, [`${FIRST}/32`]);
    assert.equal(await pair.pod.reaches(FIRST, PORT), true);
    assert.equal(await pair.pod.reaches(SECOND, PORT), false);
    fault.tell('revert');
    assert.equal(await fault.ended(), 0);
    pair.inPod('ip', 'route', 'delete', 'default');
  });

  it('a pod talks to itself as before', async () => {
    const fault = pair.start(['partition', '--time-to-live', '60s']);
    await fault.said('applied');
    assert.equal(await pair.pod.reaches('127.0.0.1', PORT), true);
    fault.tell('revert');
    assert.equal(await fault.ended(), 0);
  });
});
