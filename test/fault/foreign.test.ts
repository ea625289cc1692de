/** What a fault never touches, and where it is refused: the rules and disciplines of others, and a namespace that has a fault already. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { FIRST, pairHere, PORT } from './pair.ts';
import { WITHOUT_NAMESPACES } from './program.ts';

/** Rules as a mesh or a policy engine has them, with a name like ours in another family. */
const THEIRS = `
table inet theirs {
  set seen {
    type ipv4_addr
    flags timeout
    timeout 1h
    elements = { 192.0.2.1 }
  }
  chain output {
    type filter hook output priority filter; policy accept;
    tcp dport 9999 reject
  }
}
table ip squall {
  chain output {
    type filter hook output priority filter; policy accept;
  }
}
`;

describe('what is not ours', { skip: WITHOUT_NAMESPACES }, () => {
  const pair = pairHere((made) => made.inPod('sh', '-c', `printf '%s' "$1" | nft -f -`, 'sh', THEIRS));
  let untouched: string;

  beforeEach(() => {
    untouched = traces();
  });
  afterEach(() => {
    assert.equal(traces(), untouched);
  });

  /** Without what counts down by itself. */
  const traces = (): string => pair.traces().replaceAll(/ expires \S+/g, '');
  const theirs = (): string =>
    ['inet theirs', 'ip squall']
      .map((table) => pair.inPod('nft', 'list', 'table', ...table.split(' ')))
      .join('')
      .replaceAll(/ expires \S+/g, '');

  it('stays byte for byte as it was, during every kind of fault and after', async () => {
    const before = theirs();
    for (const args of [
      ['latency', '--delay', '10ms', '--direction', 'both'],
      ['loss', '--percent', '10', '--direction', 'both'],
      ['corrupt', '--percent', '10', '--direction', 'both'],
      ['bandwidth', '--rate', '10mbit', '--direction', 'both'],
      ['partition', '--peer', '192.0.2.0/24'],
    ]) {
      const fault = pair.start([...args, '--time-to-live', '60s']);
      await fault.said('applied');
      assert.equal(theirs(), before);
      fault.tell('revert');
      assert.equal(await fault.ended(), 0);
      assert.equal(traces(), untouched);
    }
  });

  it('is no place for a fault where it is the root discipline', () => {
    for (const discipline of [['tbf', 'rate', '1gbit', 'burst', '100k', 'latency', '50ms'], ['htb'], ['pfifo_fast']]) {
      pair.inPod('tc', 'qdisc', 'add', 'dev', 'eth0', 'root', 'handle', '1:', ...discipline);
      const before = traces();
      const { code, said } = pair.verb('partition', '--id', 'refused');
      assert.deepEqual([code, said.event, said.reason], [3, 'refused', 'foreign-qdisc']);
      assert.equal(pair.verb('revert', '--id', 'refused').code, 0);
      assert.equal(traces(), before);
      pair.inPod('tc', 'qdisc', 'delete', 'dev', 'eth0', 'root');
    }
  });

  it('is not taken for ours because of its name', () => {
    pair.inPod('nft', 'add', 'table', 'inet', 'squall');
    const before = traces();
    const { code, said } = pair.verb('partition', '--id', 'named');
    assert.deepEqual([code, said.reason], [3, 'occupied']);
    assert.equal(pair.verb('status').said.state, 'occupied');
    assert.equal(pair.verb('revert', '--id', 'named').code, 0);
    assert.equal(traces(), before);
    pair.inPod('nft', 'delete', 'table', 'inet', 'squall');
  });

  it('includes another’s fault: there is one at a time, and no other id or installation reverts it', async () => {
    const first = pair.start(['partition', '--time-to-live', '60s'], 'first');
    await first.said('applied');
    const during = pair.inPod('nft', '--stateless', 'list', 'ruleset');
    for (const [args, reason] of [
      [['partition', '--id', 'second'], 'occupied'],
      [['partition', '--id', 'first'], 'already'],
      [['partition', '--id', 'first', '--installation', 'other'], 'occupied'],
    ] as const) {
      const { code, said } = pair.verb(...args);
      assert.deepEqual([code, said.event, said.reason], [3, 'refused', reason]);
    }
    assert.equal(pair.verb('revert', '--id', 'second').code, 0);
    assert.equal(pair.verb('revert', '--id', 'first', '--installation', 'other').code, 0);
    assert.equal(pair.verb('renew', '--id', 'second').code, 4);
    const { said } = pair.verb('status', '--id', 'second');
    assert.deepEqual([said.state, said.owner], ['occupied', 'squall/first']);
    assert.equal(pair.inPod('nft', '--stateless', 'list', 'ruleset'), during);
    assert.equal(await pair.pod.reaches(FIRST, PORT), false);
    first.tell('revert');
    assert.equal(await first.ended(), 0);
  });

  it('is decided by the kernel when several come at once', async () => {
    const all = Array.from({ length: 6 }, (_, number) =>
      pair.start(['loss', '--percent', '1', '--time-to-live', '60s'], `of-${number}`),
    );
    await Promise.all(
      all.map(async (fault) => await Promise.race([fault.said('applied').catch(() => undefined), fault.ended()])),
    );
    const [winner, ...others] = all.filter(({ lines }) => lines[0]?.event === 'applied');
    assert.ok(winner);
    assert.deepEqual(others, []);
    winner.tell('revert');
    assert.deepEqual((await Promise.all(all.map(async (fault) => await fault.ended()))).toSorted(), [0, 3, 3, 3, 3, 3]);
  });

  it('is left to whoever killed a fault’s process: a second one of the id is refused until it is reverted', async () => {
    const first = pair.start(['partition', '--time-to-live', '60s'], 'again');
    await first.said('applied');
    first.signal('SIGKILL');
    await first.ended();
    assert.equal(pair.verb('partition', '--id', 'again').said.reason, 'already');
    assert.equal(pair.verb('revert', '--id', 'again').code, 0);
    const second = pair.start(['partition', '--time-to-live', '60s'], 'again');
    await second.said('applied');
    second.signal('SIGINT');
    assert.equal(await second.ended(), 0);
  });

  it('is not needed to say no', () => {
    for (const args of [[], ['reboot', '--id', 'x'], ['loss', '--id', 'x'], ['revert'], ['renew', '--id', 'x', 'y']])
      assert.equal(pair.verb(...args).code, 2, args.join(' '));
    const { code, said } = pair.verb('partition', '--id', 'x', '--interface', 'eth7');
    assert.deepEqual([code, said.reason], [3, 'no-interface']);
  });
});
