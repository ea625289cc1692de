import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import type { EC2 } from '@aws-sdk/client-ec2';
import { until } from '../until.ts';
import { Account } from './account.ts';
import { Moto, whyNoMoto } from './moto.ts';
import { refused } from './trying-once.ts';

const SKIP = await whyNoMoto();

void describe('moto, put right', { skip: SKIP, concurrency: 1 }, () => {
  let account: Account;
  let ec2: EC2;

  before(async () => {
    account = await Account.open();
    ec2 = await account.observe.ec2();
  });
  after(() => account.close());

  const associated = async (subnet: string): Promise<{ acl: string; association: string }> => {
    const Filters = [{ Name: 'association.subnet-id', Values: [subnet] }];
    const { NetworkAcls = [] } = await ec2.describeNetworkAcls({ Filters });
    const found = NetworkAcls.flatMap(({ Associations = [] }) => Associations).find(
      ({ SubnetId }) => SubnetId === subnet,
    );
    return { acl: found?.NetworkAclId ?? '', association: found?.NetworkAclAssociationId ?? '' };
  };
  const newAcl = async (): Promise<string> =>
    (await ec2.createNetworkAcl({ VpcId: account.network.vpc })).NetworkAcl?.NetworkAclId ?? '';

  test('an association is swapped, or stays', async () => {
    const subnet = account.network.subnets[`${account.region}a`] ?? '';
    const { acl, association: AssociationId } = await associated(subnet);
    assert.equal(acl, account.network.acl);
    const unknown = ec2.replaceNetworkAclAssociation({ AssociationId, NetworkAclId: 'acl-00000000' });
    assert.equal(await refused(unknown), 'InvalidNetworkAclID.NotFound 400');
    assert.deepEqual(await associated(subnet), { acl, association: AssociationId });
    const own = await newAcl();
    const DryRun = true;
    const dry = [
      ec2.replaceNetworkAclAssociation({ AssociationId, NetworkAclId: own, DryRun }),
      ec2.createNetworkAcl({ VpcId: account.network.vpc, DryRun }),
      ec2.deleteNetworkAcl({ NetworkAclId: own, DryRun }),
    ];
    assert.deepEqual(await Promise.all(dry.map(refused)), Array(3).fill('DryRunOperation 412'));
    assert.deepEqual(await associated(subnet), { acl, association: AssociationId });
    const swapped = await ec2.replaceNetworkAclAssociation({ AssociationId, NetworkAclId: own });
    assert.deepEqual(await associated(subnet), { acl: own, association: swapped.NewAssociationId });
    assert.equal(await refused(ec2.deleteNetworkAcl({ NetworkAclId: own })), 'DependencyViolation 400');
    const stale = ec2.replaceNetworkAclAssociation({ AssociationId, NetworkAclId: acl });
    assert.equal(await refused(stale), 'InvalidAssociationID.NotFound 400');
    await ec2.replaceNetworkAclAssociation({ AssociationId: swapped.NewAssociationId, NetworkAclId: acl });
    await ec2.deleteNetworkAcl({ NetworkAclId: own });
    assert.equal(await refused(ec2.deleteNetworkAcl({ NetworkAclId: own })), 'InvalidNetworkAclID.NotFound 400');
    assert.equal(await refused(ec2.deleteNetworkAcl({ NetworkAclId: acl })), 'InvalidParameterValue 400');
  });

  test('an interface is given no group that there is not, and keeps its own', async () => {
    const id = await account.instance();
    const Filters = [{ Name: 'attachment.instance-id', Values: [id] }];
    const look = async () => (await ec2.describeNetworkInterfaces({ Filters })).NetworkInterfaces?.[0];
    const { NetworkInterfaceId, Groups } = (await look()) ?? assert.fail();
    const wrong = ec2.modifyNetworkInterfaceAttribute({ NetworkInterfaceId, Groups: ['sg-0123456789abcdef0'] });
    assert.equal(await refused(wrong), 'InvalidGroup.NotFound 400');
    assert.deepEqual((await look())?.Groups, Groups);
  });

  test('an ACL ends in a denial, which nobody can touch', async () => {
    const NetworkAclId = await newAcl();
    const { NetworkAcls } = await ec2.describeNetworkAcls({ NetworkAclIds: [NetworkAclId] });
    assert.deepEqual(
      NetworkAcls?.[0]?.Entries?.map(({ RuleNumber, RuleAction, Egress }) => [RuleNumber, RuleAction, Egress]),
      [
        [32767, 'deny', false],
        [32767, 'deny', true],
      ],
    );
    const last = { NetworkAclId, RuleNumber: 32767, Egress: true };
    assert.equal(await refused(ec2.deleteNetworkAclEntry(last)), 'InvalidParameterValue 400');
    const absent = { ...last, RuleNumber: 7 };
    assert.equal(await refused(ec2.deleteNetworkAclEntry(absent)), 'InvalidNetworkAclEntry.NotFound 400');
    const entry = { ...absent, Protocol: '-1', RuleAction: 'deny', CidrBlock: '0.0.0.0/0' } as const;
    assert.equal(await refused(ec2.createNetworkAclEntry(entry)), 'nothing');
    assert.equal(await refused(ec2.createNetworkAclEntry(entry)), 'NetworkAclEntryAlreadyExists 400');
  });

  test('what is terminated stays so', async () => {
    const InstanceIds = [await account.instance()];
    await ec2.terminateInstances({ InstanceIds });
    const tries: Promise<unknown>[] = [
      ec2.stopInstances({ InstanceIds }),
      ec2.startInstances({ InstanceIds }),
      ec2.rebootInstances({ InstanceIds }),
    ];
    assert.deepEqual(await Promise.all(tries.map(refused)), Array(3).fill('IncorrectInstanceState 400'));
  });

  test('a group is spread over its zones, and replaces what does not run unless that is suspended', async () => {
    const { name, instances } = await account.group({ size: 3 });
    const autoScaling = await account.observe.autoScaling();
    const zones = async (): Promise<Record<string, string>> => {
      const { AutoScalingGroups } = await autoScaling.describeAutoScalingGroups({ AutoScalingGroupNames: [name] });
      const found = AutoScalingGroups?.[0]?.Instances ?? [];
      return Object.fromEntries(
        found.map(({ InstanceId = '', AvailabilityZone = '' }): [string, string] => [
          InstanceId,
          AvailabilityZone.slice(-1),
        ]),
      );
    };
    const everywhere = ['a', 'b', 'c'];
    assert.deepEqual(Object.values(await zones()).toSorted(), everywhere);
    const [terminated = '', stopped = '', kept = ''] = instances;
    await ec2.terminateInstances({ InstanceIds: [terminated] });
    await ec2.stopInstances({ InstanceIds: [stopped] });
    const healed = await zones();
    assert.deepEqual([terminated in healed, stopped in healed, kept in healed], [false, false, true]);
    assert.deepEqual(Object.values(healed).toSorted(), everywhere);
    await autoScaling.suspendProcesses({ AutoScalingGroupName: name, ScalingProcesses: ['ReplaceUnhealthy'] });
    await ec2.stopInstances({ InstanceIds: [kept] });
    assert.deepEqual(await zones(), healed);
    await ec2.startInstances({ InstanceIds: [kept] });
    await autoScaling.resumeProcesses({ AutoScalingGroupName: name });
    assert.deepEqual(await zones(), healed);
  });

  test('databases and caches fail over', async () => {
    const [rds, elastiCache] = [await account.observe.rds(), await account.observe.elastiCache()];
    const { id } = await account.database();
    const zones = async (): Promise<unknown[]> => {
      const { DBInstances } = await rds.describeDBInstances({ DBInstanceIdentifier: id });
      return [DBInstances?.[0]?.AvailabilityZone, DBInstances?.[0]?.SecondaryAvailabilityZone];
    };
    const first = await zones();
    await rds.rebootDBInstance({ DBInstanceIdentifier: id });
    assert.deepEqual(await zones(), first);
    await rds.rebootDBInstance({ DBInstanceIdentifier: id, ForceFailover: true });
    assert.deepEqual(await zones(), first.toReversed());
    const alone = { DBInstanceIdentifier: (await account.database({ multiAz: false })).id, ForceFailover: true };
    assert.equal(await refused(rds.rebootDBInstance(alone)), 'InvalidParameterCombination 400');

    const cluster = await account.aurora();
    const writer = async (): Promise<string | undefined> => {
      const { DBClusters } = await rds.describeDBClusters({ DBClusterIdentifier: cluster.id });
      return DBClusters?.[0]?.DBClusterMembers?.find(({ IsClusterWriter }) => IsClusterWriter)?.DBInstanceIdentifier;
    };
    assert.equal(await writer(), cluster.instances[0]);
    await rds.failoverDBCluster({ DBClusterIdentifier: cluster.id });
    assert.equal(await writer(), cluster.instances[1]);

    const cache = await account.cache();
    const roles = async (): Promise<unknown[] | undefined> => {
      const { ReplicationGroups } = await elastiCache.describeReplicationGroups({ ReplicationGroupId: cache.id });
      return ReplicationGroups?.[0]?.NodeGroups?.[0]?.NodeGroupMembers?.map(({ CurrentRole }) => CurrentRole);
    };
    assert.deepEqual(await roles(), ['primary', 'replica']);
    await elastiCache.testFailover({ ReplicationGroupId: cache.id, NodeGroupId: '0001' });
    assert.deepEqual(await roles(), ['replica', 'primary']);
    const single = await account.cache({ replicas: 0 });
    const failover = elastiCache.testFailover({ ReplicationGroupId: single.id, NodeGroupId: '0001' });
    assert.match(await refused(failover), /^InvalidReplicationGroupState/);
  });

  test('where an agent is', async () => {
    const ssm = await account.observe.ssm();
    const [running, stopped] = [await account.instance(), await account.instance()];
    await ec2.stopInstances({ InstanceIds: [stopped] });
    const Filters = [{ Key: 'InstanceIds', Values: [running, stopped] }];
    const { InstanceInformationList = [] } = await ssm.describeInstanceInformation({ Filters });
    assert.deepEqual(
      InstanceInformationList.map(({ InstanceId }) => InstanceId),
      [running],
    );
  });
});

void test('moto ends with whoever opened it, also when that is killed', { skip: SKIP }, async () => {
  const script = `
    const { Moto } = await import(${JSON.stringify(import.meta.resolve('./moto.ts'))});
    const { pid, folder } = await Moto.open();
    process.stdout.write(JSON.stringify({ pid, folder }));
    setInterval(() => {}, 1_000);`;
  const flags = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script];
  const opener = spawn(process.execPath, flags, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [said] = (await once(opener.stdout.setEncoding('utf8'), 'data')) as [string];
  const { pid, folder } = JSON.parse(said) as Pick<Moto, 'pid' | 'folder'>;
  assert.ok(isThere(pid));
  opener.kill('SIGKILL');
  await until(() => !isThere(pid), 'moto is gone');
  await until(() => !existsSync(folder), 'its folder is gone');

  const moto = await Moto.open();
  await moto.close();
  assert.equal(isThere(moto.pid), false);
});

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
