/**
 * What is opened once for each region of an account, and shared by everybody who looks there.
 *
 * Owns that it is the same one for the same clients, and goes with them.
 */
import type { RegionClients } from '../../aws/cloud.ts';

/** Opens it for whoever is the first to ask. */
export function perRegion<T>(open: (clients: RegionClients) => T): (clients: RegionClients) => T {
  const opened = new WeakMap<RegionClients, { readonly it: T }>();
  return (clients) => {
    const found = opened.get(clients) ?? { it: open(clients) };
    opened.set(clients, found);
    return found.it;
  };
}
