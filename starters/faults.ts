/** `squall faults`: the catalogue, or some faults with their parameters, undo, expiry and permissions. */
import { stringify } from 'yaml';
import { z } from 'zod';
import { charactersOf, iamPolicy, INLINE_CHARACTERS, POLICY_CHARACTERS, tagOf } from '../activities/aws/iam.ts';
import type { FaultDriver, Permission } from '../activities/faults/driver.ts';
import { rulesOf } from '../activities/kubernetes/access.ts';
import { openSite } from '../workers/open-site.ts';
import { UsageError } from './failure.ts';
import { output } from './output.ts';
import type { Output } from './output.ts';
import { configOf } from './verb-config.ts';
import type { Common } from './verbs.ts';

interface Options extends Common {
  /** True where no format is said. */
  readonly permissions?: string | true;
  readonly role?: string;
  readonly tag?: string;
  readonly sweep?: boolean;
}

type Format = 'rbac' | 'iam';

export async function main(args: readonly string[], options: Options): Promise<number> {
  const { format, kinds } = askedOf(args, options);
  const config = await configOf(options);
  const out = output(options.json === true);
  const { drivers } = await openSite(config, 'catalogue');
  const unknown = kinds.find((kind) => !drivers.has(kind));
  if (unknown !== undefined)
    throw new UsageError(`there is no fault ${unknown}; there are: ${[...drivers.keys()].join(', ')}`);
  const chosen = [...drivers.values()].filter(({ kind }) => kinds.length === 0 || kinds.includes(kind));
  if (options.permissions !== undefined) {
    const permissions = chosen.flatMap((driver) => driver.permissions);
    if ((format ?? formatOf(kinds, chosen)) === 'iam') return printPolicy(options, kinds, permissions, out);
    return printRole(options, kinds, permissions, out);
  }
  const width = Math.max(...chosen.map((driver) => driver.kind.length));
  for (const driver of chosen) {
    const { summary, reversal, expiry, undo } = driver;
    const permissions = driver.permissions.map(({ needs }) => needs);
    const params = z.toJSONSchema(driver.params, { io: 'input', unrepresentable: 'any' });
    out.event('fault', { kind: driver.kind, summary, reversal, expiry, undo, permissions, params });
    out.line(`${out.style('bold', driver.kind.padEnd(width))}  ${summary}`);
    if (kinds.length === 0) continue;
    out.line(`  reversal     ${reversal}`);
    out.line(`  expiry       ${expiry}`);
    out.line(`  undo         ${undo}`);
    out.line(`  permissions  ${permissions.join('; ') || 'none'}`);
    const described = Object.entries(parameters.parse(params).properties);
    if (described.length === 0) out.line('  with         no parameters');
    const longest = Math.max(...described.map(([name]) => name.length));
    for (const [i, [name, parameter]] of described.entries())
      out.line(`  ${i === 0 ? 'with' : '    '}         ${name.padEnd(longest)}  ${wordsOf(parameter)}`);
  }
  return 0;
}

/** Where what follows `--permissions` is a fault, that is what it is, and no format. */
function askedOf(
  args: readonly string[],
  { permissions, role, tag, sweep }: Options,
): { format?: Format; kinds: readonly string[] } {
  if (permissions === undefined && (role ?? tag ?? sweep) !== undefined)
    throw new UsageError('--role, --tag and --sweep say how --permissions is printed, which is missing');
  if (permissions === undefined || permissions === true) return { kinds: args };
  if (permissions === 'rbac' || permissions === 'iam') return { format: permissions, kinds: args };
  if (permissions.includes('/')) return { kinds: [permissions, ...args] };
  throw new UsageError(`found --permissions ${permissions}, expected --permissions rbac or --permissions iam`);
}

/** The format for these faults where none is said: a cluster's, unless they are all an account's. */
function formatOf(kinds: readonly string[], chosen: readonly FaultDriver<unknown>[]): Format {
  if (kinds.length === 0) return 'rbac';
  const needing = (part: 'rules' | 'actions'): FaultDriver<unknown> | undefined =>
    chosen.find(({ permissions }) => permissions.some((permission) => permission[part] !== undefined));
  const [inCluster, inAccount] = [needing('rules'), needing('actions')];
  if (inCluster !== undefined && inAccount !== undefined)
    throw new UsageError(
      `${inCluster.kind} is a cluster's and ${inAccount.kind} an AWS account's: say --permissions rbac or --permissions iam`,
    );
  return inAccount === undefined ? 'rbac' : 'iam';
}

/** Prints the rules that a cluster's worker needs for these faults, to be bound in each namespace, or, where nodes are among them, in the cluster. */
function printRole(
  { role: named, tag, sweep }: Options,
  kinds: readonly string[],
  permissions: readonly Permission[],
  out: Output,
): number {
  if (tag !== undefined || sweep === true)
    throw new UsageError('--tag and --sweep are for --permissions iam: a role of a cluster has neither');
  const rules = rulesOf(permissions).map(({ group, resources, verbs }) => ({ apiGroups: [group], resources, verbs }));
  if (rules.length === 0) throw new UsageError(`${kinds.join(', ') || 'no fault'} needs nothing of a cluster`);
  const [only = 'faults'] = kinds.length === 1 ? kinds : [];
  const name = named ?? `squall-${only.replace('/', '-')}`;
  const role = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name }, rules };
  out.event('role', { role });
  for (const line of stringify(role).trimEnd().split('\n')) out.line(line);
  return 0;
}

/** Prints the policy that an account's worker needs for these faults, or a sweep. */
function printPolicy(
  { role, tag: written, sweep = false }: Options,
  kinds: readonly string[],
  permissions: readonly Permission[],
  out: Output,
): number {
  if (role !== undefined)
    throw new UsageError('--role is for --permissions rbac: a policy gets its name where it is attached');
  const tag = written === undefined ? undefined : tagOf(written);
  if (written !== undefined && tag === undefined)
    throw new UsageError(`found --tag ${written}, expected a tag of your own such as chaos=allowed`);
  const policy = iamPolicy(permissions, { sweep, ...(tag && { tag }) });
  if (policy.Statement.length === 0)
    throw new UsageError(
      kinds.length === 0
        ? 'found no fault that needs anything of an AWS account'
        : `${kinds.join(', ')} needs nothing of an AWS account${sweep ? ' to be ended' : ''}`,
    );
  const characters = charactersOf(policy);
  out.event('policy', { policy, characters, charactersMax: POLICY_CHARACTERS });
  for (const line of JSON.stringify(policy, undefined, 2).split('\n')) out.line(line);
  // Not among the policy, which is piped to where it is attached.
  if (characters > POLICY_CHARACTERS && !out.json)
    process.stderr.write(
      `squall: this policy has ${characters} characters, and a managed one may have ${POLICY_CHARACTERS}: print it for fewer ` +
        `faults at a time and attach each, or put it in the role, whose own policies may have ${INLINE_CHARACTERS}\n`,
    );
  return 0;
}

const parameter = z.object({
  description: z.string().optional(),
  enum: z.array(z.unknown()).optional(),
  default: z.json().optional(),
});
const parameters = z.object({ properties: z.record(z.string(), parameter).default({}) });

function wordsOf({ description = '', enum: values, default: fallback }: z.infer<typeof parameter>): string {
  const choice = values ? ` One of ${values.join(', ')}.` : '';
  const unless =
    fallback === undefined ? '' : ` Default: ${typeof fallback === 'string' ? fallback : JSON.stringify(fallback)}.`;
  return `${description}${choice}${unless}`.trim();
}
