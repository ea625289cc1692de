/**
 * Who is at the terminal, as far as the machine knows, or as a key proves.
 *
 * Owns the reading of `SQUALL_AS` and `SQUALL_KEY`. A name without a key is what this machine says, and is journalled as
 * that.
 */
import { createPrivateKey, sign } from 'node:crypto';
import { hostname } from 'node:os';
import { experimentHash } from '../activities/admission/proof.ts';
import { readBounded } from '../activities/bounded-file.ts';
import type { EmergencyStop } from '../domain/emergency-stop.ts';
import { signedText, startText, stopText } from '../domain/identity.ts';
import type { Claim, Signed } from '../domain/identity.ts';
import { thisUser } from '../workers/this-user.ts';
import type { RunInput } from '../workflows/messages.ts';
import { UsageError } from './failure.ts';

/** The largest key that is read, in bytes. */
const KEY_BYTES_MAX = 16 * 1024;

/** `SQUALL_AS`, or `user@host`. Not an authenticated identity. */
function whoami(): string {
  return process.env['SQUALL_AS'] || thisUser();
}

/** From now on this process acts as `name`, where one is given. */
export function actAs(name: string | undefined): void {
  if (name !== undefined) process.env['SQUALL_AS'] = name;
}

/** The name, and the machine that it is said on. */
export function signer(): { readonly by: string; readonly from: string } {
  return { by: whoami(), from: hostname() };
}

/** The name, and where `SQUALL_KEY` names a private key the proof that it is that of this `signed` act. */
export async function prove(signed: Signed): Promise<Claim> {
  const said = signer();
  const file = process.env['SQUALL_KEY'];
  if (!file) return said;
  if (!process.env['SQUALL_AS'])
    throw new UsageError('found SQUALL_KEY without SQUALL_AS, expected the name that the policy knows the key by');
  const proof = sign(null, Buffer.from(signedText(signed, said.by)), await keyIn(file));
  return { ...said, signature: proof.toString('base64') };
}

/** Who starts, or plans, exactly this and now. */
export async function proveStart(
  act: 'start' | 'plan',
  of: string,
  { experiment, documentHash }: Pick<RunInput, 'experiment' | 'documentHash'>,
): Promise<Pick<RunInput, 'startedBy' | 'from' | 'signature' | 'signedAtMs'>> {
  const signedAtMs = Date.now();
  const what = startText(experimentHash(experiment), documentHash, signedAtMs);
  const { by: startedBy, ...proof } = await prove({ act, of, what });
  return { startedBy, ...proof, ...(proof.signature === undefined ? {} : { signedAtMs }) };
}

/** Who pulls the emergency stop of this id, for this reason and now. A key that cannot be read keeps nobody from pulling. */
export async function proveStop(of: string, reason: string): Promise<Pick<EmergencyStop, 'by' | 'from' | 'proof'>> {
  const signedAtMs = Date.now();
  const { from = '', ...claim } = await prove({ act: 'stop', of, what: stopText(reason, signedAtMs) });
  return { by: claim.by, from, ...(claim.signature === undefined ? {} : { proof: { ...claim, signedAtMs } }) };
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
