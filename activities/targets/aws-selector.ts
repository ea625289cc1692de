/**
 * The selector of targets in an account, and what of it is never selected.
 *
 * Owns what a document may ask for, and the reasons that hold for resources of every kind.
 */
import { z } from 'zod';
import type { Labels, TargetFacts } from '../../domain/policy.ts';
import type { RegionClients } from '../aws/cloud.ts';
import type { OwnPlaces } from '../aws/own.ts';
import { OWNED_BY } from '../faults/aws/own-tags.ts';
import { FAULT } from '../faults/aws/tag-slot.ts';
import { AWS_KINDS, awsTargetId } from '../faults/aws/target.ts';
import type { AwsTarget } from '../faults/aws/target.ts';
import { TARGET_MAX } from '../faults/kubernetes/target.ts';
import { hasAll } from '../kubernetes/labels.ts';
import { awsSettings } from './aws-settings.ts';
import type { Limit, Sieve } from './sieve.ts';

/** Tags that a selector may name: a request has at most 50 filters. */
const TAGS_MAX = 40;

/** Parses `targets:` without `site`. */
export const selector = z
  .strictObject({
    kind: z.enum(AWS_KINDS).default('instance').describe('What the targets are.'),
    region: awsSettings.shape.regions.element.optional().describe('Only of this region. Default: all of the site.'),
    tags: z
      .record(z.string().min(1).max(128), z.string().max(256))
      .refine((tags) => Object.keys(tags).length <= TAGS_MAX, `expected at most ${TAGS_MAX} tags`)
      .default({})
      .describe('Only with all of these tags.'),
    zone: z
      .string()
      .regex(
        /^[a-z]{2}(?:-[a-z]+)+-\d{1,2}(?:-[a-z]+-\d{1,2})?[a-z]$/,
        'expected the name of a zone, such as eu-west-1a',
      )
      .optional()
      .describe('Only instances and subnets in this zone.'),
    group: z.string().min(1).max(255).optional().describe('Only instances of this Auto Scaling group.'),
    ids: z
      .array(z.string().min(1).max(255))
      .min(1)
      .max(10_000)
      .optional()
      .describe(
        'Only these: ids of instances, subnets, replication groups and templates, names of groups and databases.',
      ),
  })
  .superRefine(({ kind, ...wanted }, context) => {
    const of = { zone: kind === 'instance' || kind === 'subnet', group: kind === 'instance' };
    for (const [key, fits] of Object.entries(of))
      if (!fits && wanted[key as keyof typeof of] !== undefined)
        context.addIssue({ code: 'custom', path: [key], message: `a ${kind} is not selected by its ${key}` });
  });

/** What a document asks for. */
export type AwsSelector = z.output<typeof selector>;

/** Where candidates are looked for: one region. */
export interface AwsPlace {
  readonly clients: RegionClients;
  readonly signal: AbortSignal;
  /** Nothing of it may be a target. */
  readonly own: OwnPlaces;
}

/** A resource that is selected. */
export interface Found {
  readonly target: AwsTarget;
  readonly facts: TargetFacts;
  readonly limits?: readonly Limit[];
  /** Why it must not be touched; absent where it may be, as far as its kind goes. */
  readonly reason?: string | undefined;
}

/** A resource of which AWS says something that cannot be read. */
export interface Unreadable {
  readonly unreadable: string;
}

/** Why nobody can be a target, which asking again does not change: this worker may not look, or there is too much to see. */
export class Nobody extends Error {
  override readonly name = 'Nobody';
}

/** Whether a fault of ours is on it: it is a target still, and pre-flight names who holds it. */
export function isHeld(tags: Labels): boolean {
  return Object.hasOwn(tags, FAULT);
}

/** Whether a resource of this id, or of one of these names, and with these tags is asked for. */
export function isWanted({ ids, tags: wanted }: AwsSelector, names: readonly string[], tags: Labels): boolean {
  return (ids === undefined || names.some((name) => ids.includes(name))) && hasAll(tags, wanted);
}

/** Hands over what was found in one region. Throws where it cannot be read and `mustRead`. */
export function sift(found: readonly (Found | Unreadable)[], sieve: Sieve, mustRead: boolean): void {
  for (const one of found) {
    if ('unreadable' in one) {
      const name = one.unreadable;
      if (mustRead) throw new Error(`what AWS says of ${name} cannot be read`);
      sieve.leave('of which AWS says something that cannot be read', { id: name, name });
      continue;
    }
    const { target, facts, limits = [], reason } = one;
    const id = awsTargetId(target);
    const { name } = target;
    const why = forbidden(id, facts.labels) ?? reason;
    if (why === undefined) sieve.keep({ id, name, facts, limits });
    else sieve.leave(why, { id, name });
  }
}

/** Why a resource must not be touched, whatever its kind; undefined when it may be. */
function forbidden(id: string, tags: Labels): string | undefined {
  if (tags['app.kubernetes.io/part-of'] === 'squall' || Object.hasOwn(tags, OWNED_BY)) return 'part of Squall';
  return id.length > TARGET_MAX ? 'its name is too long' : undefined;
}
