/**
 * Customers: a steady load.
 *
 * Owns the rate. New customers come whether or not the earlier ones have been served, as people do, so that a slow shop
 * shows; those who wait are bounded.
 */
import { Agent, request } from 'node:http';

/** Visits a second; every third is followed by a checkout. */
const VISITS_PER_SECOND = 45;
const CHECKOUT_EVERY = 3;
/** Customers who wait at once; further ones turn round at the door. */
const WAITING_MAX = 200;

/** Sends customers to `url` until stopped. */
export function startCustomers(url: string): { stop(): Promise<void> } {
  const agent = new Agent({ keepAlive: true, maxSockets: WAITING_MAX });
  let waiting = 0;
  let visits = 0;
  const go = (path: string): void => {
    if (waiting >= WAITING_MAX) return;
    waiting += 1;
    const sent = request(`${url}${path}`, { agent }, (response) => {
      response.resume();
    });
    sent.on('error', () => undefined);
    sent.on('close', () => (waiting -= 1));
    sent.end();
  };
  const timer = setInterval(() => {
    visits += 1;
    go('/browse');
    if (visits % CHECKOUT_EVERY === 0) go('/checkout');
  }, 1_000 / VISITS_PER_SECOND);
  return {
    async stop() {
      clearInterval(timer);
      agent.destroy();
    },
  };
}
