/** What each kind of fault does to real traffic between two namespaces: nothing before, what was asked during, nothing after. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { until } from '../until.ts';
import { PATIENCE, type Pinged } from './endpoint.ts';
import { FIRST, FIRST6, OTHER_PORT, pairHere, POD, POD6, PORT, SECOND } from './pair.ts';
import { WITH_NETEM, WITHOUT_NAMESPACES } from './program.ts';
import type { Fault } from './fault.ts';

/** Datagrams for a share, and how far from it chance may take them: five standard deviations and more. */
const MANY = 600;
const FAR = 0.12;

const lost = ({ sent, answered }: Pinged): number => (sent - answered) / sent;
const fastest = ({ roundTripsMs }: Pinged): number => Math.min(...roundTripsMs);

describe('a fault on real traffic', { skip: WITHOUT_NAMESPACES }, () => {
  const pair = pairHere();
  let untouched: string;

  beforeEach(async () => {
    untouched = pair.traces();
    for (const host of [FIRST, SECOND, FIRST6]) assert.equal((await pair.pod.ping(host, PORT)).answered, 10);
  });
  afterEach(async () => {
    for (const host of [FIRST, SECOND, FIRST6]) assert.equal((await pair.pod.ping(host, PORT)).answered, 10);
    assert.equal(pair.traces(), untouched);
  });

  async function applied(...args: string[]): Promise<Fault> {
    const fault = pair.start([...args, '--time-to-live', '60s']);
    await fault.said('applied');
    return fault;
  }

  async function revert(fault: Fault): Promise<void> {
    fault.tell('revert');
    assert.equal(await fault.ended(), 0);
    assert.equal(fault.lines.at(-1)?.event, 'reverted');
  }

  it('loses the share that was asked for, and tells nobody who sends', async () => {
    const fault = await applied('loss', '--percent', '30');
    const during = await pair.pod.ping(FIRST, PORT, MANY);
    await revert(fault);
    assert.ok(Math.abs(lost(during) - 0.3) < FAR, `${lost(during)}`);
    assert.equal(during.refused, 0);
  });

  it('loses as much when neighbours share their fate', async () => {
    const fault = await applied('loss', '--percent', '30', '--correlation', '25');
    const during = await pair.pod.ping(FIRST, PORT, MANY);
    await revert(fault);
    assert.ok(Math.abs(lost(during) - 0.3) < FAR, `${lost(during)}`);
    assert.equal(during.refused, 0);
  });

  it('loses what is received, where that is asked', async () => {
    const fault = await applied('loss', '--percent', '30', '--direction', 'ingress');
    const during = await pair.pod.ping(FIRST, PORT, MANY);
    await revert(fault);
    assert.ok(Math.abs(lost(during) - 0.3) < FAR, `${lost(during)}`);
    assert.equal(during.refused, 0);
  });

  it('delays by at least the delay, one way or both, and loses nothing', async () => {
    const delayMs = 150 * PATIENCE;
    const undisturbed = await pair.pod.ping(FIRST, PORT, 20);
    assert.ok(fastest(undisturbed) < delayMs, `${fastest(undisturbed)}`);
    for (const [direction, ways] of [
      ['egress', 1],
      ['ingress', 1],
      ['both', 2],
    ] as const) {
      const fault = await applied('latency', '--delay', `${delayMs}ms`, '--direction', direction);
      const during = await pair.pod.ping(FIRST, PORT, 20, 5_000 * PATIENCE);
      const over6 = await pair.pod.ping(FIRST6, PORT, 5, 5_000 * PATIENCE);
      await revert(fault);
      assert.equal(during.answered, 20);
      assert.ok(fastest(during) >= ways * delayMs, `${direction}: ${fastest(during)}`);
      assert.equal(over6.answered, 5);
      assert.ok(fastest(over6) >= ways * delayMs, `${direction}: ${fastest(over6)}`);
    }
    const after = await pair.pod.ping(FIRST, PORT, 20);
    assert.ok(fastest(after) < delayMs, `${fastest(after)}`);
  });

  it('varies the delay by the jitter, and a stream still arrives whole', async () => {
    const fault = await applied('latency', '--delay', '60ms', '--jitter', '40ms', '--correlation', '25');
    const during = await pair.pod.ping(FIRST, PORT, 100, 5_000 * PATIENCE);
    const streamed = await pair.pod.fetch(FIRST, PORT, 200_000);
    await revert(fault);
    assert.equal(during.answered, 100);
    assert.ok(fastest(during) >= 20, `${fastest(during)}`);
    // Of a hundred draws from 20 to 100 ms some are beyond the middle, or nothing varies.
    assert.ok(Math.max(...during.roundTripsMs) >= 60);
    assert.ok(streamed >= 20);
  });

  it('lets go of what it holds when it ends, rather than losing it', async () => {
    const fault = await applied('latency', '--delay', '20s', '--direction', 'ingress');
    assert.equal((await fault.said('applied')).mechanism?.ingress, 'nfqueue');
    const pinging = pair.pod.ping(FIRST, PORT, 50, 15_000);
    // Number, owner, how many wait.
    const waiting = (): string => pair.inPod('cat', '/proc/self/net/netfilter/nfnetlink_queue');
    await until(() => / 50 /.test(waiting().replaceAll(/ +/g, ' ')));
    await revert(fault);
    assert.equal((await pinging).answered, 50);
    assert.equal(waiting(), '');
  });

  it('corrupts the share that was asked for, which the receiver’s checksums tell', async () => {
    const before = await pair.other.wrongChecksums();
    const fault = await applied('corrupt', '--percent', '30');
    const during = await pair.pod.ping(FIRST, PORT, MANY);
    const streamed = await pair.pod.fetch(FIRST, PORT, 20_000);
    await revert(fault);
    const wrong = (await pair.other.wrongChecksums()) - before;
    assert.ok(Math.abs(lost(during) - 0.3) < FAR, `${lost(during)}`);
    // netem turns bits of the outer headers as well, which no checksum of the transport sees.
    const least = (await fault.said('applied')).mechanism?.egress === 'netem' ? 0.03 : 0.3 - FAR;
    assert.ok(wrong / MANY > least && wrong / MANY < 0.3 + FAR, `${wrong}`);
    assert.ok(streamed > 0);
  });

  it('limits the rate of what is sent, and of what is received', async () => {
    // At most 344 kB of it pass at once, where it is limited without being queued; the rest takes at least so long at 312 kB/s.
    const rate = '2500kbit';
    const bytes = 700_000;
    const atLeastMs = 1_000;
    const undisturbed = await pair.pod.fetch(FIRST, PORT, bytes);
    assert.ok(undisturbed >= 0 && undisturbed < atLeastMs, `${undisturbed}`);
    const egress = await applied('bandwidth', '--rate', rate);
    const sending = await pair.other.fetch(POD, PORT, bytes);
    await revert(egress);
    assert.ok(sending >= atLeastMs, `${sending}`);
    const ingress = await applied('bandwidth', '--rate', rate, '--direction', 'ingress');
    const receiving = await pair.pod.fetch(FIRST, PORT, bytes);
    await revert(ingress);
    assert.ok(receiving >= atLeastMs, `${receiving}`);
  });

  it('cuts off everybody, both ways', async () => {
    const fault = await applied('partition');
    assert.deepEqual((await fault.said('applied')).mechanism, { egress: 'nft-silence', ingress: 'nft-drop' });
    for (const host of [FIRST, SECOND, FIRST6]) {
      const { answered, refused } = await pair.pod.ping(host, PORT, 3, 300);
      assert.deepEqual([answered, refused], [0, 0]);
    }
    assert.equal(await pair.other.reaches(POD, PORT), false);
    assert.equal(await pair.pod.fetch(FIRST, PORT, 10, 500), -1);
    await revert(fault);
    assert.ok((await pair.pod.fetch(FIRST, PORT, 10)) >= 0);
  });

  it('leaves the other layer’s neighbours known', async () => {
    const fault = await applied('partition');
    pair.inOther('ip', '-6', 'neigh', 'flush', 'dev', 'eth0');
    assert.equal(await pair.other.reaches(POD6, PORT), false);
    assert.match(pair.inOther('ip', '-6', 'neigh', 'show', POD6), /lladdr/);
    await revert(fault);
  });

  it('touches nobody but the peers', async () => {
    for (const [peer, spared] of [
      [SECOND, [FIRST, FIRST6]],
      ['10.77.0.2/31,10.77.0.3', [FIRST6]],
      ['fd77::/64', [FIRST, SECOND]],
    ] as const) {
      const fault = await applied('partition', '--peer', peer);
      for (const host of [FIRST, SECOND, FIRST6])
        assert.equal(
          await pair.pod.reaches(host, PORT),
          (spared as readonly string[]).includes(host),
          `${peer}: ${host}`,
        );
      await revert(fault);
    }
  });

  it('touches no port but the ones asked for, whichever end has them', async () => {
    for (const direction of ['egress', 'ingress']) {
      const fault = await applied('partition', '--port', String(PORT), '--direction', direction);
      assert.equal(await pair.pod.reaches(FIRST, PORT), false);
      assert.equal(await pair.other.reaches(POD, PORT), false);
      assert.equal(await pair.pod.reaches(FIRST, OTHER_PORT), true);
      await revert(fault);
    }
  });

  it('says which mechanism it found, and what did not work', async () => {
    for (const [kind, parameters, fallback] of [
      ['latency', ['--delay', '10ms'], 'nfqueue'],
      ['loss', ['--percent', '5'], 'nft-numgen-silence'],
      ['corrupt', ['--percent', '5'], 'nfqueue'],
    ] as const) {
      const fault = await applied(kind, ...parameters);
      const { mechanism, unusable = [] } = await fault.said('applied');
      if (WITH_NETEM) assert.deepEqual([mechanism, unusable], [{ egress: 'netem' }, []]);
      // On an unknown kernel either is right, and what it does is shown by the tests above.
      else if (mechanism?.egress !== 'netem') {
        assert.deepEqual(mechanism, { egress: fallback });
        assert.ok(
          unusable.some((reason) => reason.startsWith('netem')),
          unusable.join('; '),
        );
      }
      await revert(fault);
    }
  });
});
