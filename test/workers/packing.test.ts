/** Payloads that are too large to travel as they are. */
import assert from 'node:assert/strict';
import { deflateSync } from 'node:zlib';
import { test } from 'node:test';
import { defaultPayloadConverter } from '@temporalio/common';
import { dataConverter } from '../../activities/packing.ts';

const [codec] = dataConverter.payloadCodecs ?? [];
assert.ok(codec);
const textOf = (data: Uint8Array | null | undefined): string => new TextDecoder().decode(data ?? undefined);

test('what is large is packed, and is the same afterwards; what is small is left as it is', async () => {
  const values = [{ small: true }, Array.from({ length: 20_000 }, (_, i) => `target-${i}`), undefined];
  const payloads = values.map((value) => defaultPayloadConverter.toPayload(value));
  const packed = await codec.encode(payloads);
  assert.deepEqual(
    packed.map(({ metadata }) => textOf(metadata?.['encoding'])),
    ['json/plain', 'binary/zlib', 'binary/null'],
  );
  assert.equal(packed[0], payloads[0]);
  assert.ok((packed[1]?.data?.length ?? Infinity) < 100_000);
  const unpacked = (await codec.decode(packed)).map((payload) => defaultPayloadConverter.fromPayload(payload));
  assert.deepEqual(unpacked, values);
});

test('what was never packed is read as it is', async () => {
  const plain = defaultPayloadConverter.toPayload('x'.repeat(200_000));
  assert.equal((await codec.decode([plain]))[0], plain);
});

test('what is larger than anything of ours is not unpacked', async () => {
  const encoding = new TextEncoder().encode('binary/zlib');
  const bomb = { metadata: { encoding }, data: deflateSync(Buffer.alloc(64 << 20)) };
  await assert.rejects(codec.decode([bomb]));
});
