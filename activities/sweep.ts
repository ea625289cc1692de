/**
 * The sweep: what ends a fault that nobody holds any more.
 *
 * Owns the pass over everything at a site that carries our mark. It decides by the target's own clock and needs no
 * Temporal: the site worker runs it at its start and on a timer, a Schedule and `squall sweep` call the same function.
 * Must never end a fault whose time is not over.
 */
import type { Fault } from '../domain/fault.ts';
import { inTime } from './attempt.ts';
import { CHUNK_MAX, NoLeave } from './faults/driver.ts';
import type { Attempt, FaultDriver } from './faults/driver.ts';
import type { SweepReport } from './interface.ts';
import { revertAndVerify } from './lease.ts';
import { reasonOf } from './probes/reading.ts';

/** Reverts and verifies every fault whose time is over; a driver that fails or hangs does not stop the others. */
export async function sweep(drivers: Iterable<FaultDriver<unknown>>, attempt: Attempt): Promise<SweepReport> {
  const reports = await Promise.all([...drivers].map((driver) => sweepOne(driver, attempt)));
  const unseen = reports.flatMap((report) => report.unseen ?? []);
  return {
    found: reports.reduce((sum, { found }) => sum + found, 0),
    reverted: reports.flatMap(({ reverted }) => reverted),
    failed: reports.flatMap(({ failed }) => failed),
    ...(unseen.length === 0 ? {} : { unseen }),
  };
}

async function sweepOne(driver: FaultDriver<unknown>, attempt: Attempt): Promise<SweepReport> {
  let found = 0;
  const reverted: string[] = [];
  const failed: string[] = [];
  const unseen: string[] = [];
  try {
    for await (const expired of expiredOf(driver, attempt, () => found++)) {
      // What cannot be undone now must not keep the rest waiting.
      const left = await revertAndVerify(expired, driver, attempt).catch((error: unknown) =>
        expired.map(({ id }) => `${id}: ${reasonOf(error)}`),
      );
      failed.push(...left);
      reverted.push(...expired.map(({ id }) => id).filter((id) => !left.some((words) => words.startsWith(`${id}:`))));
    }
  } catch (error) {
    const where = error instanceof NoLeave ? unseen : failed;
    where.push(`${driver.kind}: ${error instanceof Error ? error.message : String(error)}`);
  }
  return { found, reverted, failed, unseen };
}

/** What a driver that only lists must leave of the attempt for the undoing, in milliseconds. */
const SPARE_MS = 5_000;

async function* expiredOf(
  driver: FaultDriver<unknown>,
  attempt: Attempt,
  count: () => void,
): AsyncGenerator<Fault<unknown>[]> {
  let chunk: Fault<unknown>[] = [];
  const leftovers = driver.leftovers()[Symbol.asyncIterator]();
  let problem: Error | undefined;
  try {
    for (;;) {
      const next = await inTime(attempt.remainingMs() - SPARE_MS, leftovers.next());
      if (next.done === true) break;
      const { fault, expired } = next.value;
      count();
      if (expired) chunk.push(fault);
      if (chunk.length === CHUNK_MAX) {
        yield chunk;
        chunk = [];
      }
    }
  } catch (error) {
    // What was listed before is undone all the same.
    problem = error instanceof Error ? error : new Error(String(error));
  } finally {
    // Not awaited: a driver that hangs in the middle would hang here too.
    leftovers.return?.(undefined).catch(() => undefined);
  }
  if (chunk.length > 0) yield chunk;
  if (problem !== undefined) throw problem;
}
