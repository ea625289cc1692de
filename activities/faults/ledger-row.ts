/**
 * One line of the ledger, as it is read back.
 *
 * Owns the check at the border: a row that cannot be read is refused when it is written, and nothing is guessed of it.
 */
import type { SQLOutputValue } from 'node:sqlite';
import { z } from 'zod';
import type { Fault, TargetId } from '../../domain/fault.ts';

const rowSchema = z.object({
  installation: z.string(),
  id: z.string(),
  kind: z.string(),
  run: z.string(),
  target: z.string(),
  params: z
    .string()
    .max(65_536)
    .transform((text): unknown => JSON.parse(text)),
  undo: z
    .string()
    .max(65_536)
    .transform((text): unknown => JSON.parse(text)),
  ttl_ms: z.number(),
  not_after_ms: z.number(),
  deadline: z.number(),
  state: z.enum(['active', 'tombstone']),
  claimed: z.literal([0, 1]).transform((bit) => bit === 1),
  applied: z.literal([0, 1]).transform((bit) => bit === 1),
  undone: z.literal([0, 1]).transform((bit) => bit === 1),
  refused: z.literal([0, 1]).transform((bit) => bit === 1),
  holder_pid: z.number().nullable(),
  holder_start: z.string().nullable(),
});

/**
 * One fault as it is written down. `claimed`: it was active once, so the target may have been touched. `refused`: it never was,
 * since the target was already as the fault would have made it.
 */
export type LedgerRow = z.infer<typeof rowSchema>;

/** A row, checked; throws a `ZodError` where it cannot be read. */
export function parseRow(raw: Record<string, SQLOutputValue>): LedgerRow {
  return rowSchema.parse(raw);
}

/** Why a row could not be read back; undefined where it could. */
export function unreadable(raw: Record<string, SQLOutputValue>): string | undefined {
  return rowSchema
    .safeParse(raw)
    .error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
    .join('; ');
}

/** The fault of a row, as a driver receives it. */
export function faultOf<Params = unknown>(row: LedgerRow): Fault<Params> {
  const { installation, id, run } = row;
  const params = row.params as Params;
  const target: TargetId = row.target;
  return { installation, id, run, target, params, ttlMs: row.ttl_ms, notAfterMs: row.not_after_ms };
}
