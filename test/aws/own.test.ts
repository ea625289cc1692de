/** Where a worker runs, as its machine says it; what nobody can say is never taken for somewhere else. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ownPlaces, whereabouts } from '../../activities/aws/own.ts';
import type { Machine, Whereabouts } from '../../activities/aws/own.ts';
import { Account } from './account.ts';
import { instanceSays, Metadata } from './metadata.ts';
import { whyNoMoto } from './moto.ts';

const INSTANCE = 'i-0123456789abcdef0';
/** Where nobody listens: a port that only root may have, and nobody has. */
const NOBODY = 'http://127.0.0.1:1';

describe('a machine says', () => {
  const undo = new AsyncDisposableStack();
  after(() => undo.disposeAsync());

  /** Firmware that says this. */
  async function firmware(vendor?: string, asset = 'Not Specified', version = '1.0'): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'squall-dmi-'));
    undo.defer(() => rm(folder, { recursive: true, force: true }));
    if (vendor === undefined) return folder;
    for (const [name, text] of Object.entries({ sys_vendor: vendor, board_asset_tag: asset, bios_version: version }))
      await writeFile(join(folder, name), `${text}\n`);
    return folder;
  }
  const asking = (env: Machine['env'], folder: string, endpoint?: string): Promise<Whereabouts> =>
    whereabouts({ endpoint }, { env, firmware: folder });
  const at = (url: string): Machine['env'] => ({ AWS_EC2_METADATA_SERVICE_ENDPOINT: url });

  it('its instance and its subnet, by the second version of the service, and is asked once', async () => {
    await using service = await Metadata.open(instanceSays(INSTANCE));
    const env = at(service.url);
    const folder = await firmware();
    const place = await asking(env, folder);
    assert.deepEqual([place.instances, place.subnets, place.addresses], [[INSTANCE], ['subnet-0a1b2c3d'], []]);
    const asked = service.asked.length;
    assert.deepEqual(await asking(env, folder), place);
    assert.equal(service.asked.length, asked);
  });

  it('the same although it is ill for a moment', async () => {
    await using service = await Metadata.open(instanceSays(INSTANCE), { broken: 2 });
    assert.deepEqual((await asking(at(service.url), await firmware())).instances, [INSTANCE]);
  });

  it('its instance by its firmware, where the service is kept from it', async () => {
    const folder = await firmware('Amazon EC2', INSTANCE);
    for (const env of [at(NOBODY), { AWS_EC2_METADATA_DISABLED: 'true' }])
      assert.deepEqual((await asking(env, folder)).instances, [INSTANCE]);
    await using service = await Metadata.open({}, { token: 403 });
    assert.deepEqual((await asking(at(service.url), folder)).instances, [INSTANCE]);
  });

  it('nothing where there is no such service: it runs nowhere', async () => {
    const nowhere = { instances: [], subnets: [], addresses: [], zone: undefined };
    assert.deepEqual(await asking(at(NOBODY), await firmware()), nowhere);
    assert.deepEqual(await asking({ ...at(NOBODY), AWS_EC2_METADATA_DISABLED: 'TRUE' }, await firmware()), nowhere);
    assert.deepEqual(await asking({}, await firmware(), 'http://127.0.0.1:5000'), nowhere, 'an emulator');
    // Other clouds have a service of their own at that address.
    await using other = await Metadata.open({}, { token: 404 });
    assert.deepEqual(await asking(at(other.url), await firmware('Google')), nowhere);
  });

  it('what is no answer, and it is not known where it runs', async () => {
    const says = /nobody can say whether this worker runs on an instance.*AWS_EC2_METADATA_DISABLED=true/s;
    await assert.rejects(asking(at(NOBODY), await firmware('Amazon EC2')), says);
    await assert.rejects(asking(at(NOBODY), await firmware('Xen', '', '4.11.amazon')), says);
    await using foreign = await Metadata.open({}, { token: 404 });
    await assert.rejects(asking(at(foreign.url), await firmware()), /for a token with status 404/);
    await using poor = await Metadata.open({ '/latest/meta-data/instance-id': INSTANCE });
    await assert.rejects(asking(at(poor.url), await firmware()), /meta-data\/mac: status 404/);
  });

  it('nothing in time, and is asked anew the next time', async () => {
    const folder = await firmware('QEMU');
    {
      await using slow = await Metadata.open(instanceSays(INSTANCE), { token: 'slow' });
      await assert.rejects(asking(at(slow.url), folder), /nobody can say/);
      assert.deepEqual(slow.asked, Array(3).fill('PUT /latest/api/token'));
    }
    await using ill = await Metadata.open(instanceSays(INSTANCE), { broken: 3 });
    await assert.rejects(asking(at(ill.url), folder), /status 503/);
    assert.deepEqual((await asking(at(ill.url), folder)).instances, [INSTANCE]);
  });

  it('the addresses and the zone of its task on ECS', async () => {
    const network = { NetworkMode: 'awsvpc', IPv4Addresses: ['10.0.2.106'] };
    const task = { AvailabilityZone: 'eu-west-1b', Containers: [{ Networks: [network] }, { Networks: [network] }] };
    await using service = await Metadata.open({ '/v4/task': JSON.stringify(task) });
    const env = { ...at(NOBODY), ECS_CONTAINER_METADATA_URI_V4: `${service.url}/v4` };
    const { addresses, zone } = await asking(env, await firmware('Amazon EC2'));
    assert.deepEqual([addresses, zone], [['10.0.2.106'], 'eu-west-1b']);
    const Networks = [{ NetworkMode: 'bridge', IPv4Addresses: ['172.17.0.2'] }];
    await using bridged = await Metadata.open({ '/v4/task': JSON.stringify({ Containers: [{ Networks }] }) });
    const unsaid = { ...at(NOBODY), ECS_CONTAINER_METADATA_URI_V4: `${bridged.url}/v4` };
    await assert.rejects(asking(unsaid, await firmware()), /nobody can say.*nobody answers/);
    const gone = { ...at(NOBODY), ECS_CONTAINER_METADATA_URI_V4: `${service.url}/v3` };
    await assert.rejects(asking(gone, await firmware()), /its task at .*status 404/);
  });
});

describe('in an account', { skip: await whyNoMoto() }, () => {
  let account: Account;
  before(async () => {
    account = await Account.open();
  });
  after(() => account.close());
  const nowhere: Whereabouts = { instances: [], subnets: [], addresses: [], zone: undefined };
  const places = async (place: Partial<Whereabouts>): Promise<string[]> => {
    const found = await ownPlaces(account.observe, { ...nowhere, ...place }, AbortSignal.timeout(30_000));
    return [...found.instances, ...found.subnets].toSorted();
  };

  it('an instance is in the subnets of its interfaces', async () => {
    const id = await account.instance({ zone: 'eu-west-1b' });
    assert.deepEqual(await places({ instances: [id] }), [id, account.network.subnets['eu-west-1b']]);
    assert.deepEqual(await places({ instances: [INSTANCE] }), [INSTANCE], 'of another account');
    assert.deepEqual(await places({}), []);
  });

  it('an address is of an interface, in a subnet, of an instance', async () => {
    const id = await account.instance({ zone: 'eu-west-1c' });
    const ec2 = await account.observe.ec2();
    const { Reservations } = await ec2.describeInstances({ InstanceIds: [id] });
    const address = Reservations?.[0]?.Instances?.[0]?.PrivateIpAddress ?? assert.fail();
    const both = [id, account.network.subnets['eu-west-1c']];
    assert.deepEqual(await places({ addresses: [address], zone: 'eu-west-1c' }), both);
    assert.deepEqual(await places({ addresses: [address] }), both);
    assert.deepEqual(await places({ addresses: [address], zone: 'eu-west-1a' }), []);
    assert.deepEqual(await places({ addresses: [address], zone: 'us-east-1a' }), []);
  });
});
