/**
 * The catalogue: what a document may ask for.
 *
 * Owns the schemas of every fault's parameters and of its provider's selector, for parsing, completion and `squall faults`; and the names of
 * the probes.
 */
import type { Catalogue } from '../documents/experiment.ts';
import type { Config } from './config.ts';
import { openSite } from './open-site.ts';

/** The catalogue of a configuration, its plugins included. */
export async function catalogueOf(config: Config): Promise<Catalogue> {
  const { drivers, targets } = await openSite(config, 'catalogue');
  const kinds = [...drivers.values()].flatMap((driver) => {
    const provider = targets.get(driver.kind.split('/')[0] ?? '');
    return provider ? [[driver.kind, { params: driver.params, selector: provider.selector }] as const] : [];
  });
  return { kinds: new Map(kinds), probes: { sites: Object.keys(config.sites), names: Object.keys(config.probes) } };
}
