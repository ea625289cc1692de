/** `squall faults`: the catalogue, or some faults with their parameters, undo, expiry and permissions. */
import { stringify } from 'yaml';
import { z } from 'zod';
import type { FaultDriver } from '../activities/faults/driver.ts';
import { rulesOf } from '../activities/kubernetes/access.ts';
import { openSite } from '../workers/open-site.ts';
import { UsageError } from './failure.ts';
import { output } from './output.ts';
import type { Output } from './output.ts';
import { configOf } from './verb-config.ts';
import type { Common } from './verbs.ts';

interface Options extends Common {
  readonly permissions?: boolean;
  readonly role?: string;
}

export async function main(kinds: readonly string[], options: Options): Promise<number> {
  const config = await configOf(options);
  const out = output(options.json === true);
  const { drivers } = await openSite(config, 'catalogue');
  const unknown = kinds.find((kind) => !drivers.has(kind));
  if (unknown !== undefined)
    throw new UsageError(`there is no fault ${unknown}; there are: ${[...drivers.keys()].join(', ')}`);
  const chosen = [...drivers.values()].filter(({ kind }) => kinds.length === 0 || kinds.includes(kind));
  if (options.permissions === true) return printRole(options.role, kinds, chosen, out);
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

/** Prints the rules that a cluster's worker needs for these faults, to be bound in each namespace, or, where nodes are among them, in the cluster. */
function printRole(
  named: string | undefined,
  kinds: readonly string[],
  drivers: readonly FaultDriver<unknown>[],
  out: Output,
): number {
  const rules = rulesOf(drivers.flatMap(({ permissions }) => permissions)).map(({ group, resources, verbs }) => ({
    apiGroups: [group],
    resources,
    verbs,
  }));
  if (rules.length === 0) throw new UsageError(`${kinds.join(', ') || 'no fault'} needs nothing of a cluster`);
  const [only = 'faults'] = kinds.length === 1 ? kinds : [];
  const name = named ?? `squall-${only.replace('/', '-')}`;
  const role = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name }, rules };
  out.event('role', { role });
  for (const line of stringify(role).trimEnd().split('\n')) out.line(line);
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
