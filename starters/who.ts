/** Who is at the terminal, as far as the machine knows; written into the journal as it is. */
import { hostname, userInfo } from 'node:os';

/** `user@host`. Not an authenticated identity. */
export function whoami(): string {
  return `${userInfo().username}@${hostname()}`;
}
