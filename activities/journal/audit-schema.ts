/**
 * The audit's schema, its digest, and the way into a store.
 *
 * Owns the parsing of records and entries. An act that a newer version wrote goes through as it is: its digest says whether
 * it is what was written.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { AUDITED, TEXT_MAX } from '../../domain/audit.ts';
import type { AuditAct, AuditEntry, AuditRecord } from '../../domain/audit.ts';

const text = (max: number): z.ZodString => z.string().max(max);
const record = {
  key: z.string().min(1).max(TEXT_MAX.key),
  atMs: z.number(),
  who: text(TEXT_MAX.who),
  from: text(TEXT_MAX.from).exactOptional(),
  why: text(TEXT_MAX.why).exactOptional(),
  run: text(TEXT_MAX.run).exactOptional(),
  hash: text(TEXT_MAX.hash).exactOptional(),
};
const recordsSchema = z.array(z.object({ ...record, what: z.enum(AUDITED) })) satisfies z.ZodType<AuditRecord[]>;

const digest = z.string().regex(/^[0-9a-f]{64}$/);

/** One entry as a store keeps it. */
export const auditEntrySchema = z.strictObject({
  seq: z.int().min(0),
  ...record,
  what: z
    .string()
    .max(50)
    .transform((what) => what as AuditAct),
  previous: digest,
  digest,
}) satisfies z.ZodType<AuditEntry>;

/** SHA-256 as UTF-8, in hex. */
export function digestOf(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}

/**
 * An append that gathers what is offered while a write is under way: many then wait for one write, not for each other.
 * `write` is never called twice at a time, gets no key twice, and all who wait for it are told when it fails.
 */
export function gathering(
  write: (records: readonly AuditRecord[]) => Promise<void>,
): (records: readonly AuditRecord[]) => Promise<void> {
  let gathered = new Map<string, AuditRecord>();
  let writing: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;
  return async (records) => {
    // What is no record fails alone.
    for (const one of recordsSchema.parse(records)) if (!gathered.has(one.key)) gathered.set(one.key, one);
    if (gathered.size === 0) return;
    next ??= writing
      .catch(() => undefined)
      .then(() => {
        const batch = [...gathered.values()];
        gathered = new Map();
        next = undefined;
        return (writing = write(batch));
      });
    await next;
  };
}
