/**
 * The configuration a verb works with: `--config`, `SQUALL_CONFIG`, `squall.yaml` here, or the defaults.
 */
import { access } from 'node:fs/promises';
import { defaultConfig, readConfig, readSweepConfig } from '../workers/config.ts';
import type { Config, ForSweep } from '../workers/config.ts';
import { sweepToTheEnd } from '../workers/sweeper.ts';
import type { Common } from './verbs.ts';

/** Reads the configuration that applies. Throws when a named file cannot be read or is not valid. */
export async function configOf(options: Common): Promise<Config> {
  const file = await fileOf(options);
  return file === undefined ? defaultConfig() : readConfig(file);
}

/**
 * Reads the configuration that applies to whoever serves `site`, or all sites. Whatever is wrong in it must not keep a fault
 * on that was there before: it throws after a whole sweep.
 */
export async function servingConfigOf(
  options: Common,
  site: string | undefined,
  log: (line: string) => void,
): Promise<Config> {
  return configOf(options).catch(async (error: unknown) => {
    const sweepable = await sweepConfigOf(options).catch(() => undefined);
    if (sweepable) await sweepToTheEnd(sweepable.config, site, log);
    throw error;
  });
}

/** Reads of the configuration that applies what a sweep needs, and what is wrong in all of it. */
export async function sweepConfigOf(options: Common): Promise<ForSweep> {
  const file = await fileOf(options);
  return file === undefined ? { config: defaultConfig(), problems: [] } : readSweepConfig(file);
}

async function fileOf({ config }: Common): Promise<string | undefined> {
  const named = config ?? process.env['SQUALL_CONFIG'];
  if (named) return named;
  return access('squall.yaml').then(
    () => 'squall.yaml',
    () => undefined,
  );
}
