/**
 * The `aws:` section of a site: which account and regions it is, and how long a request may be under way.
 *
 * Owns its schema, which takes what it has parsed before. It is loaded with every configuration, so it must never need the
 * SDK or the network. Credentials are never in it: they come by the SDK's default chain, or by a profile's name.
 */
import { z } from 'zod';
import { writtenDuration } from '../../domain/written-duration.ts';

/** How long a request may be under way, in milliseconds. */
const REQUEST_MS = 5_000;

const region = z.string().regex(/^[a-z]{2}(?:-[a-z]+)+-\d{1,2}$/, 'expected the name of a region, such as eu-west-1');

/** The `aws:` section of a site. */
export const awsSettings = z.strictObject({
  regions: z
    .array(region)
    .min(1)
    .max(40)
    .describe('Regions whose resources may be targets, and where the sweep looks.'),
  profile: z
    .string()
    .min(1)
    .optional()
    .describe('A profile of the shared AWS files. Default: the SDK’s default chain of credentials.'),
  endpoint: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('Where an emulator listens. Default: AWS itself.'),
  requestTimeout: z
    .union([writtenDuration, z.number()])
    .refine((ms) => ms >= 250 && ms <= 60_000, 'expected at least 250ms and at most 1m')
    .default(REQUEST_MS)
    .describe(
      'How long one request may be under way. A fault is looked at once more this long after its end. Default: 5s.',
    ),
});

/** A parsed `aws:` section. */
export type AwsSettings = z.output<typeof awsSettings>;

/** What AWS tells is not older, and what it was asked for does not come later, than some of these, in milliseconds. */
const SLOWEST_MS = REQUEST_MS;

/** What every wait for AWS is a multiple of, in milliseconds: the longest request, but never less than AWS itself may need. */
export function slownessMs({ requestTimeout, endpoint }: AwsSettings): number {
  return endpoint === undefined ? Math.max(SLOWEST_MS, requestTimeout) : requestTimeout;
}

/** Which account it is must be certain; all else may be wrong, or from a later version, and is done without. */
const forUndoing = z.object({
  ...awsSettings.shape,
  requestTimeout: awsSettings.shape.requestTimeout.catch(REQUEST_MS),
});

/** The section of a site; undefined where the site has none that can be used, whatever else is wrong. For undoing. */
export function usableAws(section: unknown): AwsSettings | undefined {
  return forUndoing.safeParse(section).data;
}
