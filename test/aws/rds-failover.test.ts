/** Databases that fail over: who may, to whom, and what of them must be there again. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { driver as rdsFailover } from '../../activities/faults/aws/rds-failover.ts';
import { Account } from './account.ts';
import { CLUSTER, DATABASE, databaseId, tell } from './labs/failovers.ts';
import { Mortal } from './mortal.ts';
import { whyNoMoto } from './moto.ts';

describe('databases that fail over', { skip: await whyNoMoto(), concurrency: 4 }, () => {
  let account: Account;
  before(async () => {
    account = await Account.open();
  });
  after(() => account.close());

  it('a cluster: the one that was named becomes the writer', async () => {
    await using worker = await Mortal.open(account, rdsFailover);
    const { target, id, writer } = await CLUSTER.make(account);
    const fault = worker.fault(target, { to: `${id}-2` });
    assert.equal((await worker.inject(fault)).result, 'injected');
    assert.equal(worker.shim.callsOf('rds:FailoverDBCluster')[0]?.params['TargetDBInstanceIdentifier'], `${id}-2`);
    assert.equal(await writer(), `${id}-2`);
    await worker.reverted(fault);
  });

  it('a cluster: it has not healed while an instance of it is not available', async () => {
    await using worker = await Mortal.open(account, rdsFailover);
    const { target, id } = await CLUSTER.make(account);
    const fault = worker.fault(target);
    assert.equal((await worker.inject(fault)).result, 'injected');
    assert.equal((await worker.revert(fault)).result, 'reverted');
    const up = tell(
      worker.shim,
      'rds:DescribeDBInstances',
      /<DBInstanceStatus>available</g,
      '<DBInstanceStatus>rebooting<',
    );
    assert.equal(await worker.verify(fault), 'active');
    assert.equal((await worker.revert(fault)).detail, `its member ${id}-1 is rebooting`);
    up();
    assert.equal(await worker.verify(fault), 'absent');
  });

  it('databases that cannot fail over are refused', async () => {
    await using worker = await Mortal.open(account, rdsFailover);
    const { target, id } = await CLUSTER.make(account);
    const why = async (at: string, params: unknown = {}): Promise<string | undefined> => {
      const found = await worker.whyNot(at, params);
      if (found !== undefined) {
        const { result, detail } = await worker.inject(worker.fault(at, params));
        assert.deepEqual([result, detail], ['failed', found]);
      }
      return found;
    };
    assert.equal(await why(target), undefined);
    assert.equal(await why(target, { to: 'other' }), 'other is no instance of it');
    assert.equal(await why(target, { to: `${id}-1` }), `${id}-1 is its writer already`);
    let back = tell(worker.shim, 'rds:DescribeDBInstances', /eu-west-1b/g, 'eu-west-1a');
    assert.equal(await why(target), 'all of its instances are in one zone');
    back();
    back = tell(
      worker.shim,
      'rds:DescribeDBInstances',
      /<DBInstanceStatus>available</g,
      '<DBInstanceStatus>modifying<',
    );
    assert.equal(await why(target), 'none of its readers is available');
    assert.equal(await why(target, { to: `${id}-2` }), `its instance ${id}-2 is not available`);
    back();
    back = tell(worker.shim, 'rds:DescribeDBClusters', /<Status>available</g, '<Status>backing-up<');
    assert.equal(await why(target), 'it is backing-up, and not available');
    back();
    const rds = await account.observe.rds();
    const { DBInstances } = await rds.describeDBInstances({ DBInstanceIdentifier: `${id}-2` });
    const member = databaseId(account, `db:${id}-2`, DBInstances?.[0]?.DbiResourceId);
    assert.equal(await why(member), `it is an instance of a cluster: let cluster:${id} fail over`);
    await rds.deleteDBInstance({ DBInstanceIdentifier: `${id}-2` });
    assert.equal(await why(target), 'the writer is its only instance: there is nothing to fail over to');

    const alone = (await account.database({ multiAz: false })).id;
    const read = (await rds.describeDBInstances({ DBInstanceIdentifier: alone })).DBInstances?.[0];
    const single = databaseId(account, `db:${alone}`, read?.DbiResourceId);
    assert.equal(await why(single), 'it is not Multi-AZ: there is nothing to fail over to');
    const standby = await DATABASE.make(account);
    assert.equal(await why(standby.target, { to: 'other' }), 'its standby has no name: `to` is for clusters');
    assert.equal((await worker.inject(worker.fault(databaseId(account, `db:${alone}`, 'db-OTHER')))).result, 'gone');
  });

  it('an endpoint that could be reached before must answer again', async () => {
    await using worker = await Mortal.open(account, rdsFailover);
    const { target } = await CLUSTER.make(account);
    let server = await listen(0);
    const { port } = server.address() as AddressInfo;
    tell(worker.shim, 'rds:DescribeDBClusters', /<Endpoint>[^<]*</g, '<Endpoint>127.0.0.1<');
    tell(worker.shim, 'rds:DescribeDBClusters', /<Port>\d+</g, `<Port>${port}<`);
    const fault = worker.fault(target);
    assert.deepEqual(await worker.inject(fault), { id: fault.id, result: 'injected' });
    server.close();
    await once(server, 'close');
    assert.equal((await worker.revert(fault)).result, 'reverted');
    assert.equal(await worker.verify(fault), 'active');
    assert.equal((await worker.revert(fault)).detail, `its endpoint 127.0.0.1:${port} does not answer`);
    server = await listen(port);
    assert.equal(await worker.verify(fault), 'absent');
    server.close();
  });

  async function listen(port: number): Promise<Server> {
    const server = createServer((socket) => socket.destroy());
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return server;
  }
});
