/** How what a fault does is undone. */
import type { Reversal } from '../../domain/fault.ts';
import type { FaultDriver } from './driver.ts';

/** With these parameters, as an author writes them; what nobody can say is not undone. */
export function reversalOf(driver: FaultDriver<unknown> | undefined, wanted: unknown): Reversal {
  const params = driver?.params.safeParse(wanted);
  if (driver === undefined || params?.success !== true || driver.irreversible?.(params.data) === true)
    return 'irreversible';
  return driver.reversal;
}
