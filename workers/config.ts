/**
 * The worker's configuration, `squall.yaml`.
 *
 * Owns its schema and defaults. Connections and secrets live here and nowhere else; secrets only by reference.
 */
import { readFile } from 'node:fs/promises';
import { homedir, hostname } from 'node:os';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { probesSchema } from '../activities/probes/registry.ts';
import { parseDocument } from '../documents/document.ts';
import { InvalidDocument } from '../documents/problem.ts';

/** The schema of `squall.yaml`. */
export const configSchema = z.strictObject({
  installation: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/)
    .describe('The name of this installation of Squall: the mark on every fault. Default: the host name.')
    .optional(),
  journal: z.string().min(1).default('journal').describe('The folder of the journal files, relative to this file.'),
  state: z
    .string()
    .min(1)
    .optional()
    .describe('The folder where hosts keep undo records. Default: ~/.local/state/squall.'),
  sweepEvery: z.number().int().min(1).max(3600).default(15).describe('Seconds between two sweeps of a site worker.'),
  sites: z
    .record(z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/), z.record(z.string(), z.unknown()))
    .default({})
    .describe('What each site worker may do faults to, by provider.'),
  probes: probesSchema.default({}).describe('The probes that experiments name.'),
  allowCommands: z.boolean().default(false).describe('Whether probes of type `command` may run.'),
  plugins: z.array(z.string().min(1)).default([]).describe('Modules with drivers and probes, relative to this file.'),
});

/** A worker's configuration, with absolute paths. */
export interface Config extends Omit<z.infer<typeof configSchema>, 'installation' | 'state'> {
  readonly installation: string;
  readonly state: string;
}

/** What a worker runs with when it has no `squall.yaml`. */
export function defaultConfig(): Config {
  return complete(configSchema.parse({}), process.cwd());
}

/** Reads `file`. Throws {@link InvalidDocument} with every problem in it. */
export async function readConfig(file: string): Promise<Config> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new Error(`cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  });
  const parsed = parseDocument(text, file, configSchema);
  if (!parsed.ok) throw new InvalidDocument(parsed.problems);
  return complete(parsed.value, dirname(resolve(file)));
}

function complete(raw: z.infer<typeof configSchema>, base: string): Config {
  const stateHome = process.env['XDG_STATE_HOME'] ?? resolve(homedir(), '.local/state');
  return {
    ...raw,
    installation:
      raw.installation ??
      hostname()
        .toLowerCase()
        .replaceAll(/[^a-z0-9-]/g, '-'),
    journal: resolve(base, raw.journal),
    state: raw.state === undefined ? resolve(stateHome, 'squall') : resolve(base, raw.state),
    plugins: raw.plugins.map((plugin) => (plugin.startsWith('.') ? resolve(base, plugin) : plugin)),
  };
}
