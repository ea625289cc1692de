/**
 * The configuration a verb works with: `--config`, `SQUALL_CONFIG`, `squall.yaml` here, or the defaults.
 */
import { access } from 'node:fs/promises';
import { defaultConfig, readConfig } from '../workers/config.ts';
import type { Config } from '../workers/config.ts';
import type { Common } from './verbs.ts';

/** Reads the configuration that applies. Throws when a named file cannot be read or is not valid. */
export async function configOf(options: Common): Promise<Config> {
  const named = options.config ?? process.env['SQUALL_CONFIG'];
  if (named) return readConfig(named);
  const here = await access('squall.yaml').then(
    () => true,
    () => false,
  );
  return here ? readConfig('squall.yaml') : defaultConfig();
}
