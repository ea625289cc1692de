/** Who may be a target in an account, and who is left out with which reason. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { AWS_KINDS } from '../../activities/faults/aws/target.ts';
import { targets } from '../../activities/targets/aws.ts';
import { LISTED_MAX, listed } from '../../activities/targets/aws-pages.ts';
import { toFind } from '../../activities/targets/aws-permissions.ts';
import { Nobody, selector } from '../../activities/targets/aws-selector.ts';
import type { Candidates } from '../../activities/targets/provider.ts';
import { Account } from './account.ts';
import { instanceSays, Metadata } from './metadata.ts';
import { whyNoMoto } from './moto.ts';
import { refusal } from './shim.ts';

const HELD = { 'squall:fault': 'aws/instance-stop' };

describe('targets of an account', { skip: await whyNoMoto() }, () => {
  let account: Account;
  before(async () => {
    account = await Account.open();
  });
  after(() => account.close());
  afterEach(() => runsAt());

  /** This worker's machine says so at `url`; without one it is asked nothing. */
  function runsAt(url?: string): void {
    process.env['AWS_EC2_METADATA_DISABLED'] = `${url === undefined}`;
    if (url === undefined) delete process.env['AWS_EC2_METADATA_SERVICE_ENDPOINT'];
    else process.env['AWS_EC2_METADATA_SERVICE_ENDPOINT'] = url;
  }
  async function resolve(
    wanted: unknown,
    chosen?: readonly string[],
    settings: unknown = account.settings,
  ): Promise<Candidates> {
    const provider = targets({ name: 'lab', installation: 'lab', stateDir: '', settings: { aws: settings } });
    const before = chosen && { targets: new Set(chosen), asksBudgets: false };
    return provider.resolve(provider.selector.parse(wanted), AbortSignal.timeout(60_000), before);
  }
  const names = ({ targets: found }: Candidates): string[] =>
    found.map((id) => id.replace(/^[^/]+\/[^/]+\//, '').replace(/#[^#]*$/, '')).toSorted();
  const reasons = ({ excluded }: Candidates): Record<string, number> =>
    Object.fromEntries(excluded.map(({ reason, count }) => [reason, count]));
  /** A tag that nothing else has. */
  const team = (): Record<string, string> => ({ team: account.name('team') });
  const tag = async (id: string, tags: Readonly<Record<string, string>>): Promise<void> => {
    const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
    await (await account.observe.ec2()).createTags({ Resources: [id], Tags });
  };
  const stop = async (...InstanceIds: string[]): Promise<void> =>
    void (await (await account.observe.ec2()).stopInstances({ InstanceIds }));

  it('are instances by tags, zone, id and region, with what the policy asks of them', async () => {
    const tags = team();
    const [a, b] = [await account.instance({ tags }), await account.instance({ tags, zone: 'eu-west-1b' })];
    await account.instance({ tags: team() });
    const found = await resolve({ tags });
    assert.deepEqual(found.targets, [`eu-west-1/instance/${a}`, `eu-west-1/instance/${b}`].toSorted());
    assert.deepEqual(found.excluded, []);
    const { labels, account: owner, host = '' } = found.facts.get(`eu-west-1/instance/${a}`) ?? assert.fail();
    assert.deepEqual([labels, owner], [{ Name: 'lab', ...tags }, '123456789012']);
    assert.match(host, /^ip-10-0-.*\.internal$/);
    assert.deepEqual(names(await resolve({ tags, zone: 'eu-west-1b' })), [b]);
    assert.deepEqual(names(await resolve({ tags, ids: [a, 'i-0123456789abcdef0'] })), [a]);
    assert.deepEqual(names(await resolve({ tags, region: 'eu-west-1' })), [a, b].toSorted());
    assert.deepEqual(names(await resolve({ tags: { team: '*' } })), [], 'a value is no pattern');
    const elsewhere = await resolve({ region: 'us-east-1' });
    assert.match(Object.keys(reasons(elsewhere)).join(), /us-east-1 is not one of this site's: eu-west-1/);
  });

  it('are not those that do not run, unless a fault of ours is why, nor what is part of Squall', async () => {
    const tags = team();
    const ids = await Promise.all([1, 2, 3, 4, 5].map(() => account.instance({ tags })));
    const [stopped = '', held = '', made = '', part = '', gone = ''] = ids;
    await stop(stopped, held);
    await tag(held, HELD);
    await tag(made, { 'squall:own': 'lab' });
    await tag(part, { 'app.kubernetes.io/part-of': 'squall' });
    await (await account.observe.ec2()).terminateInstances({ InstanceIds: [gone] });
    const found = await resolve({ tags });
    assert.deepEqual([names(found), reasons(found)], [[held], { 'not running': 1, 'part of Squall': 2 }]);
  });

  it('are all but one of the instances that an Auto Scaling group has in service', async () => {
    const { name, instances } = await account.group({ size: 4 });
    // Nobody replaces whoever is stopped.
    await (await account.observe.autoScaling()).suspendProcesses({ AutoScalingGroupName: name });
    const last = { 'the last running instance of its Auto Scaling group': 1 };
    const all = await resolve({ group: name });
    assert.deepEqual([all.targets.length, reasons(all)], [3, last]);
    const [first = '', second = '', third = '', fourth = ''] = instances;
    // Whoever is too many is so whatever part of the group is asked for.
    await tag(first, HELD);
    await tag(second, HELD);
    assert.deepEqual(names(await resolve({ ids: [first] })), [first], 'whoever is held is none of those that are left');
    const two = await resolve({ ids: [third, fourth] });
    assert.deepEqual([two.targets.length, reasons(two)], [1, last]);
    await stop(fourth);
    assert.deepEqual(reasons(await resolve({ group: name })), { ...last, 'not running': 1 });
    assert.deepEqual(names(await resolve({ group: account.name('none') })), []);
  });

  it('that were chosen before are left out last, and it is told why', async () => {
    const tags = team();
    const { name } = await account.group({ size: 3 });
    const { targets: found } = await resolve({ group: name });
    for (const chosen of [found, found.toReversed()])
      assert.deepEqual((await resolve({ group: name }, chosen)).targets, found);
    const id = await account.instance({ tags });
    await stop(id);
    const again = await resolve({ tags }, [`eu-west-1/instance/${id}`]);
    assert.deepEqual([...(again.whyNot ?? [])], [[`eu-west-1/instance/${id}`, 'not running']]);
  });

  it('are subnets by zone, tags and id', async () => {
    const { subnets } = account.network;
    const ids = Object.values(subnets);
    const b = subnets['eu-west-1b'] ?? '';
    assert.deepEqual(names(await resolve({ kind: 'subnet', ids })), ids.toSorted());
    assert.deepEqual(names(await resolve({ kind: 'subnet', ids, zone: 'eu-west-1b' })), [b]);
    const tags = team();
    await tag(b, tags);
    const found = await resolve({ kind: 'subnet', tags });
    assert.deepEqual(found.targets, [`eu-west-1/subnet/${b}`]);
    assert.equal(found.facts.get(`eu-west-1/subnet/${b}`)?.account, '123456789012');
  });

  it('are groups, databases, caches and templates, with what tells them from others of their name', async () => {
    const tags = team();
    const { name, arn } = await account.group({ tags });
    const [, group] = /:autoScalingGroup:([^:]+):/.exec(arn) ?? [];
    assert.deepEqual((await resolve({ kind: 'group', tags })).targets, [`eu-west-1/group/${name}#${group}`]);
    const aurora = await account.aurora(tags);
    const database = await account.database({ tags });
    const data = await resolve({ kind: 'database', tags });
    // A cluster's instances are not targets of their own.
    assert.deepEqual(names(data), [`cluster:${aurora.id}`, `db:${database.id}`]);
    assert.match(data.targets.join(), /#cluster-.*#db-/);
    assert.deepEqual(names(await resolve({ kind: 'database', ids: [database.id] })), [`db:${database.id}`]);
    assert.deepEqual(names(await resolve({ kind: 'database', ids: aurora.instances })), []);
    await (await account.observe.rds()).stopDBInstance({ DBInstanceIdentifier: database.id });
    assert.deepEqual(reasons(await resolve({ kind: 'database', tags })), { 'not available': 1 });
    const cache = await account.cache({ tags });
    await account.cache({ tags: team() });
    const caches = await resolve({ kind: 'cache', tags });
    assert.match(caches.targets.join(), new RegExp(`^eu-west-1/cache/${cache.id}#\\d{4}-.*Z$`));
    assert.equal([...caches.facts.values()][0]?.account, '123456789012');
    const template = await account.template(tags);
    assert.deepEqual((await resolve({ kind: 'template', tags })).targets, [`eu-west-1/template/${template}`]);
  });

  it('are never what this worker runs on, nor in', async () => {
    const { name, instances } = await account.group({ size: 4, zones: ['eu-west-1a'] });
    const [own = ''] = instances;
    await using service = await Metadata.open(instanceSays(own));
    runsAt(service.url);
    const left = { 'this worker runs there': 1 };
    assert.deepEqual(reasons(await resolve({ ids: [own] })), left);
    assert.deepEqual(reasons(await resolve({ kind: 'group', ids: [name] })), left);
    const subnets = await resolve({ kind: 'subnet', ids: Object.values(account.network.subnets) });
    assert.deepEqual([subnets.targets.length, reasons(subnets)], [2, left]);
  });

  it('are none where nobody can say where this worker runs', async () => {
    const id = await account.instance();
    await using service = await Metadata.open({}, { token: 500 });
    runsAt(service.url);
    const says = /nobody can say whether this worker runs.*AWS_EC2_METADATA_DISABLED=true/;
    for (const kind of ['instance', 'subnet', 'group']) {
      const found = await resolve({ kind });
      assert.deepEqual(found.targets, []);
      assert.match(Object.keys(reasons(found)).join(), says);
    }
    await assert.rejects(resolve({}, [`eu-west-1/instance/${id}`]), says);
  });

  it('are none where this worker may not look; who was chosen before must be read', async () => {
    const id = await account.instance();
    const { shim } = account;
    const no =
      'You are not authorized to perform this operation. Encoded authorization failure message: aGVsbG8gd29ybGQ';
    for (const [kind, action, code] of [
      ['instance', 'ec2:DescribeInstances', 'UnauthorizedOperation'],
      ['instance', 'autoscaling:DescribeAutoScalingGroups', 'AccessDenied'],
      ['database', 'rds:DescribeDBClusters', 'AccessDenied'],
      ['template', 'fis:ListExperimentTemplates', 'AccessDeniedException'],
    ] as const) {
      const allow = shim.before(action, (call) => refusal(call, code, no, 403));
      const found = await resolve({ kind });
      assert.deepEqual(found.targets, []);
      assert.deepEqual(Object.keys(reasons(found)), [
        `this worker may not ask for ${action} in eu-west-1: ${code}: You are not authorized to perform this operation.`,
      ]);
      await assert.rejects(resolve({ kind }, [`eu-west-1/instance/${id}`]), Nobody);
      allow();
    }
    const calm = shim.before('ec2:DescribeInstances', (call) => refusal(call, 'RequestExpired', 'too late', 400));
    await assert.rejects(resolve({}), /too late/, 'what may pass is no reason');
    calm();
  });

  it('are left out where what AWS says of them cannot be read', async () => {
    const [id = ''] = Object.values(account.network.subnets);
    const change = account.shim.after('ec2:DescribeSubnets', (_call, answer) => ({
      ...answer,
      body: answer.body.replaceAll('<state>available</state>', ''),
    }));
    const found = await resolve({ kind: 'subnet', ids: [id] });
    assert.deepEqual([found.targets, reasons(found)], [[], { 'of which AWS says something that cannot be read': 1 }]);
    await assert.rejects(resolve({ kind: 'subnet', ids: [id] }, [`eu-west-1/subnet/${id}`]), /cannot be read/);
    change();
  });

  it('are found with what is said to be needed for it', async () => {
    await account.group({ size: 1 });
    await account.cache();
    await account.database();
    await using service = await Metadata.open(instanceSays(await account.instance()));
    runsAt(service.url);
    for (const kind of AWS_KINDS) {
      const from = account.shim.log.length;
      const found = await resolve({ kind });
      assert.ok(!Object.keys(reasons(found)).some((reason) => /cannot be read/.test(reason)), kind);
      const asked = new Set(account.shim.log.slice(from).map(({ call }) => call.name));
      const allowed = toFind(kind).actions?.flatMap(({ actions }) => actions) ?? [];
      // Addresses are looked for only where the machine says no more.
      assert.deepEqual([...asked].toSorted(), allowed.filter((action) => !/NetworkInterfaces/.test(action)).toSorted());
    }
  });

  it('are none at a site without an account', async () => {
    assert.match(Object.keys(reasons(await resolve({}, undefined, null))).join(), /no `aws:` section/);
  });
});

it('a list is read page by page, and only so far', async () => {
  const read = async (pages: readonly (readonly [items: number, next?: string])[]): Promise<number> => {
    let asked = 0;
    const all = listed('ec2:DescribeInstances', 'eu-west-1', async () => {
      const [items, next] = pages[asked++ % pages.length] ?? [0];
      return { items: Array(items).fill({}), next };
    });
    return (await Array.fromAsync(all)).length;
  };
  assert.equal(await read([[2, 'a'], [0, 'b'], [3]]), 5);
  assert.equal(
    await read([
      [LISTED_MAX - 1, 'a'],
      [1, ''],
    ]),
    LISTED_MAX,
  );
  await assert.rejects(read([[LISTED_MAX, 'a'], [1]]), /more than 10000: narrow it/);
  await assert.rejects(read([[0, 'a']]), /more than 1000 pages/);
});

it('a selector that cannot be meant is refused', () => {
  const wrong = (wanted: unknown): string =>
    selector
      .safeParse(wanted)
      .error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
      .join('; ') ?? '';
  assert.equal(wrong({ kind: 'subnet', zone: 'eu-west-1a' }), '');
  assert.match(wrong({ kind: 'database', zone: 'eu-west-1a' }), /zone: a database is not selected by its zone/);
  assert.match(wrong({ kind: 'subnet', group: 'web' }), /group: a subnet is not selected by its group/);
  assert.match(wrong({ zone: 'eu-west-1' }), /zone: expected the name of a zone/);
  assert.match(wrong({ region: 'europe' }), /region: expected the name of a region/);
  assert.match(wrong({ labels: {} }), /labels/);
});
