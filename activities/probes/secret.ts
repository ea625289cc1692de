/**
 * Secrets by reference: the only way anything here gets a credential.
 *
 * Owns reading them from the environment or a file, at every use, so that a rotated secret needs no restart. Must never
 * log, cache or put a secret's value into a message.
 */
import { existsSync } from 'node:fs';
import { z } from 'zod';
import { readBounded } from '../bounded-file.ts';

/** The most bytes of a secret's file that are read. */
const SECRET_MAX_BYTES = 16 * 1024;

/** Where a secret is: an environment variable, or a file. */
export const secretRef = z
  .union([
    z.strictObject({
      env: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected the name of an environment variable'),
    }),
    z.strictObject({ file: z.string().min(1) }),
  ])
  .describe('Where the secret is: `{ env: NAME }` or `{ file: PATH }`.');

/** Where a secret is. */
export type SecretRef = z.infer<typeof secretRef>;

/** Settings that every probe speaking HTTP has. */
export const httpSettings = {
  url: z
    .url({ protocol: /^https?$/, error: 'expected an http or https URL' })
    .refine((url) => !hasCredentials(url), 'expected no user or password in the URL; use tokenFrom')
    .describe('What is read, by GET. Redirects are not followed.'),
  tokenFrom: secretRef.optional().describe('A bearer token, by reference.'),
  headersFrom: z
    .record(z.string().regex(/^[A-Za-z0-9-]+$/, 'expected the name of a header'), secretRef)
    .optional()
    .describe('Headers and where their values are.'),
};

/** What {@link httpSettings} parses to, as far as credentials go. */
export interface Credentials {
  readonly tokenFrom?: SecretRef | undefined;
  readonly headersFrom?: Readonly<Record<string, SecretRef>> | undefined;
}

/** The headers that carry `credentials`, read now. Throws an error that names the reference, never the value. */
export async function credentialHeaders({ tokenFrom, headersFrom = {} }: Credentials): Promise<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const [name, ref] of Object.entries(headersFrom)) headers[name.toLowerCase()] = await readSecret(ref);
  if (tokenFrom) headers['authorization'] = `Bearer ${await readSecret(tokenFrom)}`;
  return headers;
}

/** The references among `credentials` that point at nothing here, one sentence each. */
export function missingSecrets({ tokenFrom, headersFrom = {} }: Credentials): string[] {
  return missingRefs([...Object.values(headersFrom), ...(tokenFrom ? [tokenFrom] : [])]);
}

/** Those of `refs` that point at nothing here, one sentence each. */
export function missingRefs(refs: readonly SecretRef[]): string[] {
  return refs.flatMap((ref) => {
    if ('env' in ref) return process.env[ref.env] ? [] : [`the environment variable ${ref.env} is not set`];
    return existsSync(ref.file) ? [] : [`the file ${ref.file} does not exist`];
  });
}

/** The secret, read now. Throws an error that names the reference, never the value. */
export async function readSecret(ref: SecretRef): Promise<string> {
  const secret = 'env' in ref ? process.env[ref.env] : await fromFile(ref.file);
  const where = 'env' in ref ? `the environment variable ${ref.env}` : `the file ${ref.file}`;
  const value = secret?.trim();
  if (!value) throw new Error(`${where} holds no secret`);
  // Checked here because the error of whoever sends it would quote it.
  if (!/^[\x20-\x7e]+$/.test(value)) throw new Error(`${where} holds what cannot be sent in a header`);
  return value;
}

/** An address that is itself a secret, read now. Throws an error that names the reference, never the address. */
export async function readSecretUrl(ref: SecretRef): Promise<URL> {
  const written = await readSecret(ref);
  if (isHttpUrl(written)) return new URL(written);
  throw new Error(`${'env' in ref ? ref.env : ref.file} holds no http or https URL without user and password`);
}

async function fromFile(path: string): Promise<string> {
  const bytes = await readBounded(path, SECRET_MAX_BYTES, 'no-pipes');
  return bytes.toString('utf8', 0, SECRET_MAX_BYTES);
}

/** Whether `text` is an http or https URL in which no credential stands. */
function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol) && !hasCredentials(text);
}

function hasCredentials(url: string): boolean {
  const { username, password } = new URL(url);
  return username !== '' || password !== '';
}
