/** Who runs this process, as far as the machine knows. */
import { hostname, userInfo } from 'node:os';

/** `user@host`. Not an authenticated identity. */
export function thisUser(): string {
  return `${name()}@${hostname()}`;
}

/** A container's user may have no name. */
function name(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid-${process.getuid?.() ?? 'unknown'}`;
  }
}
