/**
 * Who is at the terminal, as far as the machine knows, or as a key proves.
 *
 * Owns the reading of `SQUALL_AS` and `SQUALL_KEY`. A name without a key is what this machine says, and is journalled as
 * that.
 */
import { createPrivateKey, sign } from 'node:crypto';
import { experimentHash } from '../activities/admission/proof.ts';
import { readBounded } from '../activities/bounded-file.ts';
import { signedText, startText } from '../domain/identity.ts';
import type { Claim, Signed } from '../domain/identity.ts';
import { thisUser } from '../workers/this-user.ts';
import type { RunInput } from '../workflows/messages.ts';
import { UsageError } from './failure.ts';

/** The largest key that is read, in bytes. */
const KEY_BYTES_MAX = 16 * 1024;

/** `SQUALL_AS`, or `user@host`. Not an authenticated identity. */
export function whoami(): string {
  return process.env['SQUALL_AS'] || thisUser();
}

/** The name, and where `SQUALL_KEY` names a private key the proof that it is that of this `signed` act. */
export async function prove(signed: Signed): Promise<Claim> {
  const by = whoami();
  const file = process.env['SQUALL_KEY'];
  if (!file) return { by };
  if (!process.env['SQUALL_AS'])
    throw new UsageError('found SQUALL_KEY without SQUALL_AS, expected the name that the policy knows the key by');
  const signature = sign(null, Buffer.from(signedText(signed, by)), await keyIn(file));
  return { by, signature: signature.toString('base64') };
}

/** Who starts, or plans, exactly this and now. */
export async function proveStart(
  act: 'start' | 'plan',
  of: string,
  { experiment, documentHash }: Pick<RunInput, 'experiment' | 'documentHash'>,
): Promise<Pick<RunInput, 'startedBy' | 'signature' | 'signedAtMs'>> {
  const signedAtMs = Date.now();
  const what = startText(experimentHash(experiment), documentHash, signedAtMs);
  const { by: startedBy, signature } = await prove({ act, of, what });
  return signature === undefined ? { startedBy } : { startedBy, signature, signedAtMs };
}

async function keyIn(file: string): Promise<ReturnType<typeof createPrivateKey>> {
  try {
    const key = createPrivateKey((await readBounded(file, KEY_BYTES_MAX, 'with-pipes')).toString());
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch {
    // What is wrong with a key is told without its text.
  }
  throw new UsageError(
    `${file} (SQUALL_KEY) is no Ed25519 private key in PEM; \`openssl genpkey -algorithm ed25519 -out ${file}\` makes one`,
  );
}
