/**
 * The sections of a site in `squall.yaml`, each named after its provider.
 *
 * Owns what the built-in providers may be told. A plugin's provider parses its own section, once it is loaded.
 */
import { z } from 'zod';
import { awsSettings } from './aws-settings.ts';
import { hostSettings } from './host-settings.ts';
import { kubernetesSettings } from './kubernetes-settings.ts';

// A section may be there with nothing in it.
const builtIn = {
  aws: awsSettings.nullish(),
  host: hostSettings.nullish(),
  kubernetes: kubernetesSettings.nullish(),
  noop: z.strictObject({}).nullish(),
};

/** A site where no plugin is configured: every section is a built-in provider's. */
export const ownSections = z.strictObject(builtIn);

/** A site where plugins are: what else is there is perhaps theirs, and is left as it was written. */
export const anySections = z.looseObject(builtIn);
