/** Hosts as peers of a fault, which need no cluster to be resolved. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressesOf } from '../../activities/faults/kubernetes/network/peers.ts';
import { COMMON } from '../../activities/faults/kubernetes/network/params.ts';

/** No cluster is asked. */
const NOBODY = undefined as never;
const ATTEMPT = { signal: new AbortController().signal, remainingMs: () => 10_000 };

test('a host is the addresses that the worker finds, beside others', async () => {
  const peers = COMMON.peers.parse([{ host: 'localhost' }, '10.0.0.0/8']);
  const found = (await addressesOf(NOBODY, peers, 'shop', ATTEMPT)) ?? [];
  assert.ok(found.includes('127.0.0.1') || found.includes('::1'), found.join());
  assert.ok(found.includes('10.0.0.0/8'));
});

test('one that nobody knows is named, and so is what was expected where it is written wrong', async () => {
  const peers = [{ host: 'nobody.invalid' }];
  await assert.rejects(addressesOf(NOBODY, peers, 'shop', ATTEMPT), /^Error: nobody\.invalid has no address: /);
  assert.throws(() => COMMON.peers.parse([{ host: 'not a host' }]), { name: 'ZodError' });
});
