/**
 * Targets of an account: instances, subnets, Auto Scaling groups, databases, caches and experiment templates.
 *
 * Owns where is looked, and that nobody is a target where nobody can say where this worker runs.
 */
import { cloudOf } from '../aws/cloud.ts';
import { ownPlaces, whereabouts } from '../aws/own.ts';
import type { OwnPlaces } from '../aws/own.ts';
import type { AwsKind } from '../faults/aws/target.ts';
import { NO_AWS } from '../faults/aws/tagged-site.ts';
import { unlessEnded } from '../pause.ts';
import { cacheCandidates, databaseCandidates, templateCandidates } from './aws-data.ts';
import { groupCandidates, subnetCandidates } from './aws-groups.ts';
import { instanceCandidates } from './aws-instances.ts';
import { asked } from './aws-pages.ts';
import { Nobody, selector, sift } from './aws-selector.ts';
import type { AwsPlace, AwsSelector, Found, Unreadable } from './aws-selector.ts';
import { awsSettings } from './aws-settings.ts';
import type { AwsSettings } from './aws-settings.ts';
import type { Candidates, TargetProviderFactory } from './provider.ts';
import { Sieve } from './sieve.ts';

/** How long the candidates of one selector may be looked for, in milliseconds. */
const RESOLVE_MS = 60_000;

const LISTS: Readonly<Record<AwsKind, (wanted: AwsSelector, place: AwsPlace) => Promise<(Found | Unreadable)[]>>> = {
  instance: instanceCandidates,
  subnet: subnetCandidates,
  group: groupCandidates,
  database: databaseCandidates,
  cache: cacheCandidates,
  template: templateCandidates,
};

/** Of these kinds one may be what this worker runs on, or in. */
const MAY_BE_OWN: readonly AwsKind[] = ['instance', 'subnet', 'group'];
const NOTHING: OwnPlaces = { instances: new Set(), subnets: new Set() };

export const targets: TargetProviderFactory<AwsSelector> = (site) => {
  const section = site.settings['aws'];
  const settings = section === undefined || section === null ? undefined : awsSettings.parse(section);
  return {
    provider: 'aws',
    selector,
    async resolve(wanted, signal, chosen) {
      if (settings === undefined) return nobody(NO_AWS);
      const { region } = wanted;
      if (region !== undefined && !settings.regions.includes(region))
        return nobody(`region ${region} is not one of this site's: ${settings.regions.join(', ')}`);
      const ending = AbortSignal.any([signal, AbortSignal.timeout(RESOLVE_MS)]);
      try {
        const regions = region === undefined ? settings.regions : [region];
        const found = await unlessEnded(
          Promise.all(regions.map((name) => lookIn(name, wanted, settings, ending))),
          ending,
        );
        const sieve = new Sieve(chosen);
        for (const some of found) sift(some, sieve, chosen !== undefined);
        return sieve.candidates();
      } catch (error) {
        // It will be so at the next try; who was chosen before must be read, of whatever reason they cannot be.
        if (error instanceof Nobody && chosen === undefined) return nobody(error.message);
        throw error;
      }
    },
  };
};

function nobody(reason: string): Candidates {
  return { targets: [], facts: new Map(), excluded: [{ reason, count: 0, examples: [] }] };
}

async function lookIn(
  region: string,
  wanted: AwsSelector,
  settings: AwsSettings,
  signal: AbortSignal,
): Promise<(Found | Unreadable)[]> {
  const clients = cloudOf(settings).region(region);
  const own = async (): Promise<OwnPlaces> => {
    const place = await whereabouts(settings).catch((error: unknown) => {
      throw new Nobody(error instanceof Error ? error.message : String(error), { cause: error });
    });
    return asked('ec2:DescribeInstances', region, () => ownPlaces(clients, place, signal));
  };
  return LISTS[wanted.kind](wanted, { clients, signal, own: MAY_BE_OWN.includes(wanted.kind) ? await own() : NOTHING });
}
