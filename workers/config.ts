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
import { secretRef } from '../activities/probes/secret.ts';
import { anySections, ownSections } from '../activities/targets/sections.ts';
import { parseDocument } from '../documents/document.ts';
import type { Parsed } from '../documents/document.ts';
import { InvalidDocument } from '../documents/problem.ts';
import type { Problem } from '../documents/problem.ts';
import { BYTES_MAX } from '../documents/source.ts';
import { writtenDuration } from '../domain/written-duration.ts';
import { admissionSchema } from './admission-settings.ts';
import { policySchema } from './policy-settings.ts';
import { notifySchema } from './notify-settings.ts';

/** A configuration that cannot be read, or asks for what cannot be had; the message says what to mend. */
export class InvalidConfig extends Error {
  override readonly name = 'InvalidConfig';
}

const name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'expected a name of lower-case letters, digits and dashes');
const sites = <Sections extends z.ZodType>(sections: Sections) =>
  z.record(name, sections).default({}).describe('What each site worker may do faults to, by provider.');

/** The schema of a `squall.yaml` without plugins. */
const configSchema = z.strictObject({
  installation: name
    .default('squall')
    .describe(
      'The name of this installation of Squall, the mark on every fault; installations that share targets need different ones.',
    ),
  journal: z
    .union([
      z.string().min(1),
      z.strictObject({
        postgres: z.strictObject({
          urlFrom: secretRef.describe('Where its URL is, postgresql://user:password@host:5432/database.'),
        }),
      }),
    ])
    .default('journal')
    .describe('Where journals are kept: a folder, relative to this file, or `{ postgres: { urlFrom: … } }`.'),
  state: z
    .string()
    .min(1)
    .optional()
    .describe('The folder where hosts keep undo records. Default: ~/.local/state/squall.'),
  sweepEvery: writtenDuration
    .refine((ms) => ms >= 1_000 && ms <= 3_600_000, 'expected 1s to 1h')
    .prefault('15s')
    .describe('Time between two sweeps of a site worker.'),
  sites: sites(ownSections),
  probes: probesSchema.default({}).describe('The probes that experiments name.'),
  allowCommands: z.boolean().default(false).describe('Whether probes of type `command` may run.'),
  admission: admissionSchema
    .optional()
    .describe('What is asked before a run and before each stage. The control worker reads it.'),
  policy: policySchema
    .optional()
    .describe('What is allowed, whatever an experiment asks. The control worker reads it.'),
  emergencyStop: z
    .strictObject({
      file: z
        .string()
        .min(1)
        .optional()
        .describe(
          'Everything is stopped once this file is there, relative to this one. SQUALL_STOP names another, besides.',
        ),
      probe: z.string().min(1).optional().describe('Everything is stopped once this probe reads anything but 0.'),
    })
    .default({})
    .describe('Levers of your own, beside `squall stop`. The control worker reads them.'),
  notify: notifySchema.optional().describe('Whom the control worker tells of runs, and of what.'),
  plugins: z.array(z.string().min(1)).default([]).describe('Modules with drivers and probes, relative to this file.'),
});

/** The same where plugins are configured. */
const withPlugins = configSchema.extend({ sites: sites(anySections) });

/** A document in which something stands under `plugins:`, right or wrong. */
const namesPlugins = z.looseObject({
  plugins: z.unknown().refine((written) => (Array.isArray(written) ? written.length > 0 : (written ?? null) !== null)),
});

type Written = z.infer<typeof withPlugins>;

/** A worker's configuration, with absolute paths. */
export interface Config extends Omit<z.infer<typeof configSchema>, 'state' | 'sites' | 'emergencyStop'> {
  /** Levers beside `squall stop`. */
  readonly emergencyStop: { readonly files: readonly string[]; readonly probe?: string };
  readonly state: string;
  /** Where the file is; relative paths in it are relative to this. */
  readonly folder: string;
  /** By site and provider. What is a plugin's is as it was written. */
  readonly sites: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** The part of a configuration that ending faults needs. */
export type SweepConfig = Pick<Config, 'installation' | 'state' | 'sites' | 'plugins'>;

/** What a sweep works with, and everything that is wrong in the configuration. */
export interface ForSweep {
  readonly config: SweepConfig;
  readonly problems: readonly Problem[];
}

const { installation, state } = configSchema.shape;
/** Whatever else is wrong in a configuration does not keep a fault on: a part that cannot be used is as if it were not there. */
const sweepSchema = z.object({
  installation,
  state,
  sites: z.record(z.string(), z.record(z.string(), z.unknown()).catch({})).catch({}),
  plugins: z
    .array(z.unknown())
    .catch([])
    .transform((plugins) => plugins.filter((plugin) => typeof plugin === 'string' && plugin !== '') as string[]),
});

/** What a worker runs with when it has no `squall.yaml`. */
export function defaultConfig(): Config {
  return complete(configSchema.parse({}), process.cwd());
}

/** Reads `file`. Throws {@link InvalidDocument} with every problem in it. */
export async function readConfig(file: string): Promise<Config> {
  const parsed = parse(await bytesOf(file), file);
  if (!parsed.ok) throw new InvalidDocument(parsed.problems);
  return complete(parsed.value, dirname(resolve(file)));
}

/**
 * Reads of `file` what a sweep needs, and says what else is wrong in it. Throws {@link InvalidDocument} where nobody can
 * know whose faults are to be ended, or where they are written down.
 */
export async function readSweepConfig(file: string): Promise<ForSweep> {
  // Once: it may come through a pipe.
  const bytes = await bytesOf(file);
  const whole = parse(bytes, file);
  const problems = whole.ok ? [] : whole.problems;
  const needed = parseDocument(bytes, file, sweepSchema);
  if (!needed.ok) throw new InvalidDocument(problems);
  return { config: located(needed.value, dirname(resolve(file))), problems };
}

function parse(bytes: Uint8Array, file: string): Parsed<Written> {
  return parseDocument<Written>(bytes, file, parseDocument(bytes, file, namesPlugins).ok ? withPlugins : configSchema);
}

async function bytesOf(file: string): Promise<Uint8Array> {
  return readBounded(file, BYTES_MAX, 'with-pipes').catch((error: unknown) => {
    throw new InvalidConfig(`cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  });
}

function complete(raw: Written, base: string): Config {
  const { file, probe } = raw.emergencyStop;
  const named = process.env['SQUALL_STOP'];
  const files = [...(file === undefined ? [] : [resolve(base, file)]), ...(named ? [resolve(named)] : [])];
  return {
    ...raw,
    ...located(raw, base),
    folder: base,
    journal: typeof raw.journal === 'string' ? resolve(base, raw.journal) : raw.journal,
    emergencyStop: { files, ...(probe === undefined ? {} : { probe }) },
  };
}

function located(raw: Pick<Written, 'installation' | 'state' | 'sites' | 'plugins'>, base: string): SweepConfig {
  const stateHome = process.env['XDG_STATE_HOME'] ?? resolve(homedir(), '.local/state');
  return {
    ...raw,
    state: raw.state === undefined ? resolve(stateHome, 'squall') : resolve(base, raw.state),
    plugins: raw.plugins.map((plugin) => (plugin.startsWith('.') ? resolve(base, plugin) : plugin)),
  };
}
