/** Caches that fail over: who may, which shard, and how that is seen where AWS does not tell it. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { driver as elastiCacheFailover } from '../../activities/faults/aws/elasticache-failover.ts';
import { until } from '../until.ts';
import { Account } from './account.ts';
import { FAILS_OVER, tellFailovers, yes } from './labs/failing-over.ts';
import { CACHE, cacheId, tell } from './labs/failovers.ts';
import { Mortal } from './mortal.ts';
import { whyNoMoto } from './moto.ts';
import { refusal } from './shim.ts';

describe('caches that fail over', { skip: await whyNoMoto(), concurrency: 4 }, () => {
  let account: Account;
  before(async () => {
    account = await Account.open();
  });
  after(() => account.close());

  it('a cache: it is known to be on though nobody reads its tags while it changes', async () => {
    await using worker = await Mortal.open(account, elastiCacheFailover);
    const going = tellFailovers(worker.shim, FAILS_OVER.cache);
    const { target, id } = await CACHE.make(account);
    for (const action of ['ListTagsForResource', 'AddTagsToResource'])
      worker.shim.before(`elasticache:${action}`, (call) =>
        going.has(id)
          ? refusal(call, 'ReplicationGroupNotFoundFault', 'is either not present or not available', 404)
          : undefined,
      );
    const fault = worker.fault(target);
    assert.equal((await worker.inject(fault)).result, 'injected');
    assert.equal(await worker.verify(fault), 'unknown');
    const { result, detail } = await worker.revert(fault, 2_000);
    assert.equal(`${result}: ${detail}`, `failed: the tags of ${id} cannot be read while it is modifying`);
    going.delete(id);
    await worker.reverted(fault);
    assert.equal(worker.shim.callsOf('elasticache:TestFailover').length, 1);
  });

  it('is asked for once, although an attempt is given up and the next one comes while it still goes on', async () => {
    await using worker = await Mortal.open(account, elastiCacheFailover);
    const { target, writer } = await CACHE.make(account);
    const before = await writer();
    // Both have read the record by the time that one of them writes that it is asked for.
    worker.shim.before('elasticache:AddTagsToResource', () => sleep(300).then(() => undefined));
    const fault = worker.fault(target);
    const both = await Promise.all([worker.inject(fault), sleep(400).then(() => worker.inject(fault))]);
    for (const { result } of both) assert.equal(result, 'injected');
    assert.equal(worker.shim.callsOf('elasticache:TestFailover').length, 1);
    assert.notEqual(await writer(), before);
    await worker.reverted(fault);
  });

  it('is asked for once by two workers, of whom one reads the record too early and is refused meanwhile', async () => {
    await using first = await Mortal.open(account, elastiCacheFailover);
    await using second = await Mortal.open(account, elastiCacheFailover);
    const { target, writer } = await CACHE.make(account);
    const before = await writer();
    for (const { shim } of [first, second])
      shim.before('elasticache:AddTagsToResource', () => sleep(300).then(() => undefined));
    let isHeard = false;
    first.shim.after('elasticache:TestFailover', () => {
      isHeard = true;
      return undefined;
    });
    let refusals = 0;
    second.shim.before('elasticache:TestFailover', async (call) => {
      await until(() => isHeard);
      refusals += 1;
      return refusals === 1
        ? refusal(call, 'InvalidReplicationGroupState', 'A test failover is in progress.', 400)
        : undefined;
    });
    const fault = first.fault(target);
    const both = await Promise.all([first.inject(fault), sleep(400).then(() => second.inject(fault))]);
    for (const { result } of both) assert.equal(result, 'injected');
    assert.equal(refusals, 1);
    assert.notEqual(await writer(), before);
    await first.reverted(fault);
  });

  it('one whose tags nobody reads while it changes does not keep a sweep from the others', async () => {
    await using worker = await Mortal.open(account, elastiCacheFailover);
    const going = tellFailovers(worker.shim, FAILS_OVER.cache);
    const [{ target, id }, other] = [await CACHE.make(account), await CACHE.make(account)];
    const faults = [worker.fault(target), worker.fault(other.target)];
    for (const fault of faults) assert.equal((await worker.inject(fault)).result, 'injected');
    going.delete(other.id);
    const found = async (): Promise<string[]> => {
      const ids = new Set(faults.map((fault) => fault.id));
      const all = await Array.fromAsync(worker.driver.leftovers());
      return all.map(({ fault }) => fault.id).filter((one) => ids.has(one));
    };
    const refused = (code: string, message: string): (() => void) =>
      worker.shim.before('elasticache:ListTagsForResource', (call) =>
        String(call.params['ResourceName']).endsWith(`:${id}`) ? refusal(call, code, message, 400) : undefined,
      );
    const busy = [
      'InvalidReplicationGroupState',
      'Cluster not in available state to perform tagging operations.',
    ] as const;
    const told = refused(...busy);
    assert.deepEqual(await found(), [faults[1]?.id]);
    // What is no matter of its state is told all the same.
    const throttled = refused('InvalidARN', 'It is malformed.');
    told();
    await assert.rejects(found(), /malformed/);
    throttled();
    going.delete(id);
    const back = refused(...busy);
    await assert.rejects(found(), /cannot be read while it is available/);
    back();
    assert.deepEqual((await found()).toSorted(), faults.map((fault) => fault.id).toSorted());
    for (const fault of faults) await worker.reverted(fault);
  });

  it('a cache in cluster mode: a shard is named, and AWS’s events tell that it has failed over', async () => {
    await using worker = await Mortal.open(account, elastiCacheFailover);
    const elastiCache = await account.observe.elastiCache();
    const id = account.name('sharded');
    const { ReplicationGroup } = await elastiCache.createReplicationGroup({
      ReplicationGroupId: id,
      ReplicationGroupDescription: 'a lab',
      Engine: 'redis',
      CacheNodeType: 'cache.t3.micro',
      NumNodeGroups: 2,
      ReplicasPerNodeGroup: 1,
      AutomaticFailoverEnabled: true,
      MultiAZEnabled: true,
    });
    const target = cacheId(account, id, ReplicationGroup?.ReplicationGroupCreateTime);
    assert.equal(await worker.whyNot(target), 'it has 2 shards: say which `shard` is to fail over');
    assert.equal(await worker.whyNot(target, { shard: '0007' }), 'it has no shard 0007');
    // As such a group is told.
    tell(worker.shim, 'elasticache:DescribeReplicationGroups', /<CurrentRole>[^<]*<\/CurrentRole>/g, '');
    worker.shim.after('elasticache:DescribeReplicationGroups', (_call, answer) => ({
      ...answer,
      body: answer.body.replaceAll(/<NodeGroup><NodeGroupId>(\d+)<.*?<\/NodeGroup>/gs, (text, shard: string) =>
        text.replaceAll(/<CacheClusterId>(.*?)-(\d{3})</g, `<CacheClusterId>$1-${shard}-$2<`),
      ),
    }));
    const events: string[] = [];
    worker.shim.before('elasticache:DescribeEvents', ({ params }) => {
      assert.equal(params['SourceIdentifier'], id);
      const told = events.map((message) => `<Event><Message>${message}</Message></Event>`).join('');
      return {
        ...yes('DescribeEvents'),
        body: `<DescribeEventsResponse><DescribeEventsResult><Events>${told}</Events></DescribeEventsResult></DescribeEventsResponse>`,
      };
    });
    worker.shim.before('elasticache:TestFailover', ({ action, params }) => {
      assert.equal(params['NodeGroupId'], '0002');
      return yes(action);
    });
    const fault = worker.fault(target, { shard: '0002' });
    assert.equal((await worker.inject(fault)).result, 'injected');
    assert.equal((await worker.revert(fault)).result, 'reverted');
    assert.equal(await worker.verify(fault), 'active');
    events.push('Test Failover API called for node group 0002');
    events.push(`Failover from primary node ${id}-0001-001 to replica node ${id}-0001-002 completed`);
    assert.equal(await worker.verify(fault), 'active', 'another shard');
    events.push(`Failover from primary node ${id}-0002-001 to replica node ${id}-0002-002 completed`);
    assert.equal(await worker.verify(fault), 'absent');
  });

  it('caches that cannot fail over are refused', async () => {
    await using worker = await Mortal.open(account, elastiCacheFailover);
    const { target } = await CACHE.make(account);
    assert.equal(await worker.whyNot(target), undefined);
    const told = async (from: RegExp, to: string): Promise<string | undefined> => {
      const back = tell(worker.shim, 'elasticache:DescribeReplicationGroups', from, to);
      const found = await worker.whyNot(target);
      back();
      return found;
    };
    assert.equal(
      await told(/<Description>a lab<\/Description><Status>available</g, '<Status>snapshotting<'),
      'it is snapshotting, and not available',
    );
    assert.equal(
      await told(/<AutomaticFailover>enabled</g, '<AutomaticFailover>enabling<'),
      'its automatic failover is not enabled',
    );
    assert.equal(await told(/eu-west-1b/g, 'eu-west-1a'), 'all nodes of its shard 0001 are in one zone');
    assert.equal(
      await told(
        /<NodeGroupId>0001<\/NodeGroupId><Status>available</g,
        '<NodeGroupId>0001</NodeGroupId><Status>modifying<',
      ),
      'its shard 0001 is modifying, and not available',
    );
    const alone = (await account.cache({ replicas: 0 })).id;
    const elastiCache = await account.observe.elastiCache();
    const read = (await elastiCache.describeReplicationGroups({ ReplicationGroupId: alone })).ReplicationGroups?.[0];
    const id = cacheId(account, alone, read?.ReplicationGroupCreateTime);
    assert.equal(await worker.whyNot(id), 'its automatic failover is not enabled');
  });
});
