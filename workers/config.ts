/**
 * The worker's configuration, `squall.yaml`.
 *
 * Owns its schema and defaults. Connections and secrets live here and nowhere else; secrets only by reference.
 */
import { homedir } from 'node:os';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { readBounded } from '../activities/bounded-file.ts';
import { probesSchema } from '../activities/probes/registry.ts';
import { parseDocument } from '../documents/document.ts';
import { InvalidDocument } from '../documents/problem.ts';
import { BYTES_MAX } from '../documents/source.ts';
import { writtenDuration } from '../domain/written-duration.ts';

/** A configuration that cannot be read, or asks for what cannot be had; the message says what to mend. */
export class InvalidConfig extends Error {
  override readonly name = 'InvalidConfig';
}

/** The schema of `squall.yaml`. */
export const configSchema = z.strictObject({
  installation: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/)
    .default('squall')
    .describe(
      'The name of this installation of Squall, the mark on every fault; installations that share targets need different ones.',
    ),
  journal: z.string().min(1).default('journal').describe('The folder of the journal files, relative to this file.'),
  state: z
    .string()
    .min(1)
    .optional()
    .describe('The folder where hosts keep undo records. Default: ~/.local/state/squall.'),
  sweepEvery: writtenDuration
    .refine((ms) => ms >= 1_000 && ms <= 3_600_000, 'expected 1s to 1h')
    .prefault('15s')
    .describe('Time between two sweeps of a site worker.'),
  sites: z
    .record(z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/), z.record(z.string(), z.unknown()))
    .default({})
    .describe('What each site worker may do faults to, by provider.'),
  probes: probesSchema.default({}).describe('The probes that experiments name.'),
  allowCommands: z.boolean().default(false).describe('Whether probes of type `command` may run.'),
  plugins: z.array(z.string().min(1)).default([]).describe('Modules with drivers and probes, relative to this file.'),
});

/** A worker's configuration, with absolute paths. */
export interface Config extends Omit<z.infer<typeof configSchema>, 'state'> {
  readonly state: string;
}

/** The part of a configuration that ending faults needs. */
export type SweepConfig = Pick<Config, 'installation' | 'state' | 'sites' | 'plugins'>;

const { installation, state, sites, plugins } = configSchema.shape;
/** Whatever else is wrong in a configuration does not keep a fault on. */
const sweepSchema = z.object({ installation, state, sites, plugins });

/** What a worker runs with when it has no `squall.yaml`. */
export function defaultConfig(): Config {
  return complete(configSchema.parse({}), process.cwd());
}

/** Reads `file`. Throws {@link InvalidDocument} with every problem in it. */
export async function readConfig(file: string): Promise<Config> {
  return complete(await read(file, configSchema), dirname(resolve(file)));
}

/** Reads of `file` what a sweep needs, whatever else is wrong in it. Throws {@link InvalidDocument} where that is wrong. */
export async function readSweepConfig(file: string): Promise<SweepConfig> {
  return located(await read(file, sweepSchema), dirname(resolve(file)));
}

async function read<T>(file: string, schema: z.ZodType<T>): Promise<T> {
  const bytes = await readBounded(file, BYTES_MAX, 'with-pipes').catch((error: unknown) => {
    throw new InvalidConfig(`cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  });
  const parsed = parseDocument(bytes, file, schema);
  if (!parsed.ok) throw new InvalidDocument(parsed.problems);
  return parsed.value;
}

function complete(raw: z.infer<typeof configSchema>, base: string): Config {
  return { ...raw, ...located(raw, base), journal: resolve(base, raw.journal) };
}

function located(raw: z.infer<typeof sweepSchema>, base: string): SweepConfig {
  const stateHome = process.env['XDG_STATE_HOME'] ?? resolve(homedir(), '.local/state');
  return {
    ...raw,
    state: raw.state === undefined ? resolve(stateHome, 'squall') : resolve(base, raw.state),
    plugins: raw.plugins.map((plugin) => (plugin.startsWith('.') ? resolve(base, plugin) : plugin)),
  };
}
