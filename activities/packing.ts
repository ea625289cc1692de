/**
 * Large payloads travel packed, so that thousands of targets with long names fit in one.
 *
 * Owns from which size on, and how: as Temporal's own zlib codec of Go writes it (`binary/zlib`), so that a codec server that knows
 * that one shows it in the UI. What is smaller travels as it is, and stays readable there. Whoever talks to Temporal takes
 * {@link dataConverter}; what was written before there was any packing is read as it was.
 */
import { deflate, deflateSync, inflate } from 'node:zlib';
import { promisify } from 'node:util';
import type { DataConverter, Payload, PayloadCodec } from '@temporalio/common';
import proto from '@temporalio/proto';

const { Payload: Encoded } = proto.temporal.api.common.v1;
type Options = Parameters<typeof inflate>[1];
const pack: (data: Uint8Array) => Promise<Buffer> = promisify(deflate);
const unpack: (data: Uint8Array, options: Options) => Promise<Buffer> = promisify(inflate);

/** Payloads with fewer bytes travel as they are. */
const PACKED_FROM_BYTES = 128 * 1024;
/** The most that a payload may have once it is unpacked, in bytes. */
const UNPACKED_MAX_BYTES = 8 << 20;

const ENCODING = 'binary/zlib';
const text = new TextDecoder();

/** A codec that packs payloads from `fromBytes` on. */
export function packing(fromBytes = PACKED_FROM_BYTES): PayloadCodec {
  const packOne = async (payload: Payload): Promise<Payload> => {
    if ((payload.data?.length ?? 0) < fromBytes) return payload;
    const data = await pack(Encoded.encode(payload).finish());
    return { metadata: { encoding: new TextEncoder().encode(ENCODING) }, data };
  };
  const unpackOne = async (payload: Payload): Promise<Payload> => {
    const { metadata, data } = payload;
    if (!data || text.decode(metadata?.['encoding'] ?? undefined) !== ENCODING) return payload;
    const { metadata: inner, data: unpacked } = Encoded.decode(
      await unpack(data, { maxOutputLength: UNPACKED_MAX_BYTES }),
    );
    return { metadata: inner, data: unpacked };
  };
  return {
    encode: (payloads) => Promise.all(payloads.map(packOne)),
    decode: (payloads) => Promise.all(payloads.map(unpackOne)),
  };
}

/** For every client and worker. */
export const dataConverter: DataConverter = { payloadCodecs: [packing()] };

/** How many bytes `value` has when it is written down, and how many it travels as. */
export function bytesOf(value: unknown): { readonly written: number; readonly travelling: number } {
  const written = Buffer.from(JSON.stringify(value));
  const travelling = written.length < PACKED_FROM_BYTES ? written.length : deflateSync(written).length;
  return { written: written.length, travelling };
}
