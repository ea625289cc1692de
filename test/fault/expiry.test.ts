/**
 * What ends a fault: whatever dies, and whoever is late. The kernel is asked, and real traffic, not the program alone.
 *
 * How long it took is nobody's concern here; that the kernel's own timeout is no longer than the time-to-live is read from the kernel.
 */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { until } from '../until.ts';
import type { Fault } from './fault.ts';
import { FIRST, pairHere, POD, PORT } from './pair.ts';
import { WITH_NETEM, WITHOUT_NAMESPACES } from './program.ts';

/** Short enough to be waited for, and long enough for what is to be seen before. */
const TTL = '10s';
const TTL_MS = 10_000;

describe('the end of a fault', { skip: WITHOUT_NAMESPACES }, () => {
  const pair = pairHere();
  let untouched: string;

  beforeEach(async () => {
    untouched = pair.traces();
    assert.equal(await reached(), true);
  });
  afterEach(async () => {
    assert.equal(await reached(), true);
    assert.equal(pair.traces(), untouched);
  });

  const reached = async (): Promise<boolean> => await pair.pod.reaches(FIRST, PORT);

  async function applied(id: string, ...args: string[]): Promise<Fault> {
    const fault = pair.start(args, id);
    await fault.said('applied');
    return fault;
  }
  async function cut(id: string, timeToLive: string, ...args: string[]): Promise<Fault> {
    const fault = await applied(id, 'partition', '--time-to-live', timeToLive, ...args);
    assert.equal(await reached(), false);
    return fault;
  }

  it('comes by itself at the deadline, although the one who spoke has gone', async () => {
    const fault = await cut('deadline', TTL);
    fault.child.stdin.end();
    assert.equal(await fault.ended(), 0);
    assert.deepEqual(
      fault.lines.map(({ event, reason }) => [event, reason]),
      [
        ['applied', undefined],
        ['reverted', 'deadline'],
      ],
    );
  });

  it('moves with a renewal over either channel, in the kernel as well', async () => {
    const fault = await cut('renewed', TTL, '--not-after', '2m');
    assert.ok((pair.verb('status', '--id', 'renewed').said.leftMs ?? 0) <= TTL_MS);
    fault.tell('renew 30s');
    assert.ok(((await fault.said('renewed')).leftMs ?? 0) > 20_000);
    assert.ok((pair.verb('status', '--id', 'renewed').said.leftMs ?? 0) > 20_000);
    const { code, said } = pair.verb('renew', '--id', 'renewed', '--time-to-live', '60s');
    assert.deepEqual([code, said.event], [0, 'renewed']);
    assert.ok((pair.verb('status', '--id', 'renewed').said.leftMs ?? 0) > 50_000);
    assert.equal(await reached(), false);
    fault.signal('SIGTERM');
    assert.equal(await fault.ended(), 0);
    assert.equal(fault.lines.at(-1)?.reason, 'signal');
  });

  it('is never moved past what was fixed when it began', async () => {
    const fault = await cut('fixed', TTL, '--not-after', '12s');
    const { said } = pair.verb('renew', '--id', 'fixed', '--time-to-live', '1h');
    assert.equal(said.event, 'renewed');
    assert.ok((said.leftMs ?? Infinity) <= 12_000 && (said.atMostMs ?? Infinity) <= 12_000);
    assert.ok((pair.verb('status', '--id', 'fixed').said.leftMs ?? Infinity) <= 12_000);
    assert.equal(await fault.ended(), 0);
    assert.deepEqual(pair.verb('renew', '--id', 'fixed').code, 4);
  });

  it('comes from the kernel when the process is killed', async () => {
    const fault = await cut('killed', TTL, '--not-after', '2m');
    fault.signal('SIGKILL');
    await fault.ended();
    const { code, said } = pair.verb('renew', '--id', 'killed', '--time-to-live', '60s');
    assert.deepEqual([code, said.event], [4, 'lapsed']);
    await until(async () => await reached(), 'traffic flows although nobody is left to revert');
    const left = pair.verb('status', '--id', 'killed').said;
    assert.deepEqual([left.state, left.held], ['lapsed', false]);
    // What does not act any more still marks whose it was, until anybody takes it off.
    assert.equal(pair.verb('revert', '--id', 'killed').code, 0);
  });

  it('comes at once when the process that holds packets is killed', async () => {
    const fault = await applied(
      'queue',
      'latency',
      '--delay',
      '20s',
      '--direction',
      'ingress',
      '--time-to-live',
      '10m',
    );
    assert.equal(await reached(), false);
    fault.signal('SIGKILL');
    await fault.ended();
    assert.equal(await reached(), true);
    const left = pair.verb('status', '--id', 'queue').said;
    assert.deepEqual([left.state, left.held], ['active', false]);
    assert.equal(pair.verb('revert', '--id', 'queue').code, 0);
  });

  it('comes from the kernel for a queueing discipline too, whose root goes on passing everything', async () => {
    const bytes = 100_000;
    const fault = await applied('shaped', 'bandwidth', '--rate', '8kbit', '--time-to-live', TTL, '--not-after', '2m');
    assert.deepEqual((await fault.said('applied')).mechanism, { egress: 'tbf' });
    assert.equal(await pair.other.fetch(POD, PORT, bytes, 1_000), -1);
    fault.signal('SIGKILL');
    await fault.ended();
    await until(() => pair.verb('status', '--id', 'shaped').said.state === 'lapsed', 'the gate is shut');
    // At 8 kbit/s it would take longer than is waited for.
    assert.ok((await pair.other.fetch(POD, PORT, bytes, 30_000)) >= 0);
    assert.match(pair.inPod('tc', 'qdisc', 'show', 'dev', 'eth0'), /\bhtb\b/);
    assert.equal(pair.verb('revert', '--id', 'shaped').code, 0);
  });

  it('comes for what is late as well, whoever delays it', async () => {
    const delayMs = 1_000;
    const fastest = async (): Promise<number> => Math.min(...(await pair.pod.ping(FIRST, PORT, 3, 5_000)).roundTripsMs);
    const fault = await applied('late', 'latency', '--delay', `${delayMs}ms`, '--time-to-live', TTL);
    assert.ok((await fastest()) >= delayMs);
    fault.signal('SIGKILL');
    await fault.ended();
    await until(async () => (await fastest()) < delayMs, 'nothing is late any more');
    if (WITH_NETEM) assert.match(pair.inPod('tc', 'qdisc', 'show', 'dev', 'eth0'), /\bnetem\b/);
    assert.equal(pair.verb('revert', '--id', 'late').code, 0);
  });

  it('comes although the process is stopped, and what it wakes up to renews nothing', async () => {
    const fault = await cut('stopped', TTL, '--not-after', '2m');
    fault.signal('SIGSTOP');
    fault.tell('renew 60s');
    await until(async () => await reached(), 'traffic flows although the process stands still');
    fault.signal('SIGCONT');
    const code = await fault.ended();
    // Which of the two it comes to first is chance; a renewal is not among what can come of it.
    assert.ok(code === 0 || code === 4, `${code}`);
    assert.equal(
      fault.lines.some(({ event }) => event === 'renewed'),
      false,
    );
  });

  it('is brought about by another process, whether the first still answers or not', async () => {
    const answering = await cut('answering', '60s');
    assert.deepEqual(pair.verb('revert', '--id', 'answering').code, 0);
    assert.equal(await answering.ended(), 0);
    const silent = await cut('silent', '60s');
    silent.signal('SIGSTOP');
    const { code, said } = pair.verb('revert', '--id', 'silent');
    assert.deepEqual([code, said.event], [0, 'reverted']);
    assert.equal(await reached(), true);
    assert.equal(pair.traces(), untouched);
    // It finds that its fault has gone, and does not bring it back.
    silent.tell('renew 60s');
    silent.signal('SIGCONT');
    assert.notEqual(await silent.ended(), 5);
    assert.equal(
      silent.lines.some(({ event }) => event === 'renewed'),
      false,
    );
  });

  it('is noticed by a renewal when the table was taken away from under it', async () => {
    const fault = await cut('flushed', '60s');
    pair.inPod('nft', 'delete', 'table', 'inet', 'squall');
    fault.tell('renew 60s');
    assert.equal(await fault.ended(), 4);
    assert.equal(fault.lines.at(-1)?.event, 'lapsed');
  });

  it('counts as come where there was nothing', () => {
    const { code, said } = pair.verb('revert', '--id', 'never');
    assert.deepEqual([code, said.event], [0, 'reverted']);
    assert.equal(pair.verb('status', '--id', 'never').said.state, 'absent');
  });

  it('is not put off by a reader that went away, nor by nonsense', async () => {
    const fault = await cut('nonsense', TTL);
    fault.child.stdout.destroy();
    for (const text of ['renew', 'renew 1ms', 'renew x', 'hello', 'x'.repeat(100_000)]) fault.tell(text);
    assert.equal(await fault.ended(), 0);
  });
});
