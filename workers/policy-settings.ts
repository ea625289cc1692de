/**
 * The `policy:` section of `squall.yaml`: what the organisation allows, whatever an experiment asks.
 *
 * Owns its schema and its defaults. They hold where there is no section too: nobody opens production, or what cannot be
 * undone, by forgetting to write something.
 */
import { createHash, createPublicKey } from 'node:crypto';
import { z } from 'zod';
import { name, share } from '../documents/written.ts';
import { PROTECTED_LABELS, PROTECTED_NAMESPACES } from '../domain/policy.ts';
import type { Policy } from '../domain/policy.ts';

const KIND = 'expected a kind of fault such as host/pause, or host/*';
const kinds = z.array(z.string().regex(/^[a-z0-9-]+\/(?:[a-z0-9-]+|\*)$/, KIND)).min(1);
const texts = z.array(z.string().min(1).max(200)).max(1_000);
const reversal = z.enum(['reverted', 'heals', 'irreversible']);
const label = z.record(z.string().min(1), z.string());

const protect = z.strictObject({
  labels: label.default({}).describe('Besides chaos-monkey=disabled, critical=true and environment=production.'),
  namespaces: texts.default([]).describe(`Besides ${PROTECTED_NAMESPACES.join(', ')}.`),
  accounts: texts.default([]),
  hosts: texts.default([]),
});

const environment = z.strictObject({
  sites: z.array(name('a site')).min(1),
  open: z.boolean().default(false).describe('Whether targets labelled with this environment may be targets.'),
  maxRadius: share.optional().describe('The largest share of the candidates.'),
  maxTargets: z.int().min(1).optional().describe('The most targets.'),
});

const approval = z.strictObject({
  people: z.int().min(1).max(10).describe('How many, besides who started it.'),
  environments: z.array(name('an environment')).min(1).optional(),
  faults: kinds.optional(),
  radiusAbove: share.optional(),
  reversals: z.array(reversal).min(1).optional(),
});

const person = z.strictObject({
  key: z
    .string()
    .refine(isEd25519, 'expected an Ed25519 public key in PEM, as `openssl pkey -in key.pem -pubout` prints it')
    .describe('Ed25519 public key, in PEM.'),
  may: z.array(z.enum(['start', 'approve', 'stop'])).min(1),
});

/** The section. */
export const policySchema = z
  .strictObject({
    version: z.string().min(1).max(100).describe('As people call it.'),
    sites: z.array(name('a site')).min(1).optional().describe('Those that are allowed. Default: all.'),
    faults: kinds.optional().describe('Those that are allowed: host/pause, host/*. Default: all.'),
    irreversible: z.boolean().default(false).describe('Whether faults are allowed that nothing brings back.'),
    protect: protect.prefault({}).describe('Who must never be a target.'),
    optIn: z
      .strictObject({ label: z.string().min(1), value: z.string() })
      .optional()
      .describe('Only who carries this label may be a target.'),
    environments: z.record(name('an environment'), environment).default({}),
    minHealthy: share
      .optional()
      .describe(
        'The share of the candidates that every run leaves outside of its blast radius. Default: as its document says.',
      ),
    approvals: z.array(approval).max(50).default([]).describe('When other people must agree.'),
    budget: z
      .strictObject({
        runs: z.int().min(1).optional().describe('The most runs at a site at once.'),
        service: z
          .strictObject({ label: z.string().min(1), share })
          .optional()
          .describe(
            'The largest share of a service that all runs together may hit; a target belongs to one by this label.',
          ),
        site: share.optional().describe('The same of a site.'),
      })
      .default({})
      .describe('What all runs together may hit at once.'),
    people: z
      .record(z.string().min(1).max(200), person)
      .optional()
      .describe('Who may do what, proven by a signature. Default: anybody, and no name is proven.'),
    stop: z
      .enum(['anybody', 'people'])
      .default('anybody')
      .describe('Who may pull the emergency stop: anybody, or only people with the right to, by their key.'),
  })
  .superRefine(({ environments, approvals, people = {}, stop }, context) => {
    if (stop === 'people' && !Object.values(people).some(({ may }) => may.includes('stop'))) {
      const message = 'expected somebody under `people` who may stop: nobody could pull the lever';
      context.addIssue({ code: 'custom', path: ['stop'], message });
    }
    for (const [named, other] of sharing(people)) {
      const message = `expected a key of ${named}'s own; it is ${other}'s too, and whoever has it would count as two`;
      context.addIssue({ code: 'custom', path: ['people', named, 'key'], message });
    }
    for (const [i, { environments: named = [] }] of approvals.entries())
      for (const [k, unknown] of named.entries())
        if (!Object.hasOwn(environments, unknown)) {
          const message = `expected one of the policy's environments: ${Object.keys(environments).join(', ') || 'none'}`;
          context.addIssue({ code: 'custom', path: ['approvals', i, 'environments', k], message });
        }
  });

/** The section, parsed. */
type PolicySettings = z.output<typeof policySchema>;

/** What is allowed where no policy is written: the defaults, under the name `default`. */
export function policyOf(settings: PolicySettings = policySchema.parse({ version: 'default' })): Policy {
  const {
    version,
    irreversible,
    protect: more,
    optIn,
    environments,
    sites,
    faults,
    minHealthy,
    approvals,
    budget,
    people,
    stop,
  } = settings;
  const labels = { ...PROTECTED_LABELS, ...more.labels };
  const rules = {
    version,
    ...(sites ? { sites } : {}),
    ...(faults ? { faults } : {}),
    reversals: irreversible ? reversal.options : reversal.options.filter((one) => one !== 'irreversible'),
    protect: {
      labels,
      namespaces: [...PROTECTED_NAMESPACES, ...more.namespaces],
      accounts: more.accounts,
      hosts: more.hosts,
      ...(optIn ? { optIn } : {}),
    },
    environments: Object.fromEntries(
      Object.entries(environments).map(([known, { sites: of, open, maxRadius, maxTargets }]) => [
        known,
        {
          sites: of,
          ...(open ? { open } : {}),
          ...(maxRadius === undefined ? {} : { radiusMax: maxRadius }),
          ...(maxTargets === undefined ? {} : { targetsMax: maxTargets }),
        },
      ]),
    ),
    ...(minHealthy === undefined ? {} : { minHealthyShare: minHealthy }),
    approvals: approvals.map((rule) => defined(rule)),
    budget: {
      ...(budget.runs === undefined ? {} : { runs: budget.runs }),
      ...(budget.service ? { label: budget.service.label, serviceShare: budget.service.share } : {}),
      ...(budget.site === undefined ? {} : { siteShare: budget.site }),
    },
    ...(people ? { people } : {}),
    ...(stop === 'people' ? { stop } : {}),
  };
  return { ...rules, hash: createHash('sha256').update(JSON.stringify(rules)).digest('hex') };
}

/** Without what is not there: a policy travels as JSON, and is the same on both ends. */
function defined({
  people,
  environments,
  faults,
  radiusAbove,
  reversals,
}: z.output<typeof approval>): Policy['approvals'][number] {
  return {
    people,
    ...(environments ? { environments } : {}),
    ...(faults ? { faults } : {}),
    ...(radiusAbove === undefined ? {} : { radiusAbove }),
    ...(reversals ? { reversals } : {}),
  };
}

/** People whose key is an earlier one's, with that one's name, however the two are written. */
function sharing(people: Readonly<Record<string, { readonly key: string }>>): [named: string, other: string][] {
  const owners = new Map<string, string>();
  return Object.entries(people).flatMap(([named, { key }]): [string, string][] => {
    if (!isEd25519(key)) return [];
    const bytes = createPublicKey(key).export({ type: 'spki', format: 'der' }).toString('base64');
    const other = owners.get(bytes);
    if (other === undefined) owners.set(bytes, named);
    return other === undefined ? [] : [[named, other]];
  });
}

function isEd25519(pem: string): boolean {
  try {
    return createPublicKey(pem).asymmetricKeyType === 'ed25519';
  } catch {
    return false;
  }
}
