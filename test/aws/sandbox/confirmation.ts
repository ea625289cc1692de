/**
 * Whose account it is, and whether its user means that one: nothing is made before.
 *
 * Owns the refusals. Must never take an account for confirmed that was not named.
 */
import type { Readable, Writable } from 'node:stream';
import { createInterface } from 'node:readline/promises';

/** A terminal, or what stands in for one. */
export interface Terminal {
  readonly input: Readable & { readonly isTTY?: boolean };
  readonly output: Writable;
}

/** Why nothing may be made where nobody names the account, and nobody can be asked; undefined where it can go on. */
export function whyUnasked(named: string | undefined, { input }: Terminal): string | undefined {
  if (named !== undefined || input.isTTY === true) return undefined;
  return 'there is no terminal to ask in: say which account it is, such as --account 123456789012';
}

/** Why nothing may be made in `account`; undefined where that is the one that is `named`, or is typed now. */
export async function whyNotIn(
  account: string | undefined,
  named: string | undefined,
  terminal: Terminal,
): Promise<string | undefined> {
  if (account === undefined) return 'AWS does not say which account these credentials are of';
  const meant = named ?? (await typed(terminal));
  return meant === account
    ? undefined
    : `these credentials are of account ${account}, not of ${meant || 'the one typed'}`;
}

async function typed({ input, output }: Terminal): Promise<string> {
  const lines = createInterface({ input, output });
  const closed = new AbortController();
  // Ctrl-C, or the end of the terminal, is no answer.
  lines.once('close', () => closed.abort());
  try {
    return (await lines.question('Type the account’s id to go on: ', { signal: closed.signal })).trim();
  } catch {
    return '';
  } finally {
    lines.close();
  }
}
