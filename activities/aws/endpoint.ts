/**
 * Whether somebody listens at an endpoint that AWS names: a database's, a cache's.
 *
 * Owns one connection, which says nothing and is closed at once. Silence may mean that there is no way from here, which only who could
 * connect before can tell from an outage.
 */
import { connect } from 'node:net';

/** Where to connect to. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** An endpoint as SDKs tell it; undefined where AWS names none, or not whole. */
export function endpointOf(host: string | undefined, port: number | undefined): Endpoint | undefined {
  return host && port !== undefined && port > 0 && port < 65_536 ? { host, port } : undefined;
}

/** Whether a TCP connection comes about within `withinMs` milliseconds, name and all. Never rejects. */
export async function answers({ host, port }: Endpoint, withinMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (is: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(is);
    };
    const timer = setTimeout(() => end(false), withinMs);
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}
