/** `squall policy`: what this configuration allows, and whether it is the one that the control workers came with. */
import { reasonOf } from '../activities/probes/reading.ts';
import type { AuditEntry } from '../domain/audit.ts';
import type { ApprovalRule, Policy } from '../domain/policy.ts';
import { percent } from '../domain/units.ts';
import type { Config } from '../workers/config.ts';
import { describeJournal, openJournal } from '../workers/journal.ts';
import { policyOf } from '../workers/policy-settings.ts';
import { output } from './output.ts';
import { configOf } from './verb-config.ts';
import type { Common } from './verbs.ts';

export async function main(_args: readonly string[], options: Common): Promise<number> {
  const config = await configOf(options);
  const policy = policyOf(config.policy);
  const out = output(options.json === true);
  const found = await lastAudited(config);
  out.event('policy', { policy, ...found });
  for (const [what, words] of [...rowsOf(policy), ['in force', inForce(policy, found, config)] as const])
    out.line(`${`${what}:`.padEnd(14)} ${words}`);
  return 0;
}

/** The policy that a control worker was audited with last, or why that is not known. */
type Audited = { readonly audited: AuditEntry | null } | { readonly unread: string };

async function lastAudited(config: Config): Promise<Audited> {
  await using store = openJournal(config);
  try {
    return { audited: (await store.audit.last('policy')) ?? null };
  } catch (error) {
    return { unread: reasonOf(error) };
  }
}

function inForce({ hash }: Policy, found: Audited, config: Config): string {
  if ('unread' in found) return `not known: the audit cannot be read: ${found.unread}`;
  const { audited } = found;
  if (audited === null)
    return `not known: no control worker has begun with a policy, by the audit in ${describeJournal(config)}`;
  const at = `by the audit, at ${new Date(audited.atMs).toISOString()}`;
  if (audited.hash === hash) return `this one was the last that a control worker began with, ${at}`;
  return `ANOTHER ONE, ${audited.why}, ${audited.hash ?? 'without a hash'}, was the last that a control worker began with, ${at}`;
}

type Row = readonly [what: string, words: string];

function rowsOf(policy: Policy): Row[] {
  const { protect, people } = policy;
  const labels = Object.entries(protect.labels).map(([name, value]) => `${name}=${value}`);
  const rows: Row[] = [
    ['version', `${policy.version}, ${policy.hash}`],
    ['sites', policy.sites?.join(', ') ?? 'any'],
    ['faults', policy.faults?.join(', ') ?? 'any'],
    ['reversals', policy.reversals.join(', ')],
    ['protected', [...labels, ...named('namespaces', protect.namespaces)].join('; ')],
    ['', [...named('accounts', protect.accounts), ...named('hosts', protect.hosts)].join('; ')],
    ['opt-in', protect.optIn ? `only with ${protect.optIn.label}=${protect.optIn.value}` : 'not asked for'],
    ...Object.entries(policy.environments).map(([name, { sites, open, radiusMax, targetsMax }]): Row => [
      'environment',
      [
        `${name} (${sites.join(', ')})`,
        ...(open ? ['open: its own label protects nobody there'] : []),
        ...(radiusMax === undefined ? [] : [`at most ${percent(radiusMax)} of the candidates`]),
        ...(targetsMax === undefined ? [] : [`at most ${targetsMax} targets`]),
      ].join(': '),
    ]),
    [
      'min-healthy',
      policy.minHealthyShare === undefined
        ? 'as each document says'
        : `${percent(policy.minHealthyShare)} of the candidates`,
    ],
    ['budget', budgetWords(policy.budget)],
    ...policy.approvals.map((rule): Row => ['approval', ruleWords(rule)]),
    ...Object.entries(people ?? {}).map(([name, { may }]): Row => ['person', `${name}: ${may.join(', ')}`]),
    [
      'stop',
      policy.stop === 'people'
        ? 'only people who may stop, with their key'
        : 'anybody; releasing it takes the right to stop',
    ],
    ['people', people ? '' : 'nobody is known: anybody may do anything, and no name is proven'],
  ];
  return rows.filter(([, words]) => words !== '');
}

function budgetWords({ runs, label, serviceShare, siteShare }: Policy['budget']): string {
  const words = [
    ...(runs === undefined ? [] : [`${runs} ${runs === 1 ? 'run' : 'runs'} at a site at once`]),
    ...(serviceShare === undefined ? [] : [`${percent(serviceShare)} of a service (${label ?? ''})`]),
    ...(siteShare === undefined ? [] : [`${percent(siteShare)} of a site`]),
  ];
  return words.length === 0 ? 'no target of another run' : `at most ${words.join(', ')}`;
}

function named(what: string, names: readonly string[]): string[] {
  return names.length === 0 ? [] : [`${what} ${names.join(', ')}`];
}

function ruleWords({ people, environments, faults, radiusAbove, reversals }: ApprovalRule): string {
  const where = [
    ...(environments ? [`in ${environments.join(', ')}`] : []),
    ...(faults ? [`for ${faults.join(', ')}`] : []),
    ...(radiusAbove === undefined ? [] : [`above ${radiusAbove * 100}% of the candidates`]),
    ...(reversals ? [`where it is ${reversals.join(' or ')}`] : []),
  ];
  return `by ${people} other ${people === 1 ? 'person' : 'people'} ${where.join(', ') || 'always'}`;
}
