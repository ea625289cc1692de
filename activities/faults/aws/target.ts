/**
 * Targets of an account, as text: `eu-west-1/instance/i-0123`, `eu-west-1/group/web#6f0c…`.
 *
 * Owns the text. A region is part of it, since a site may have several.
 */
import type { TargetId } from '../../../domain/fault.ts';

/** What a target is. `database` is a cluster or an instance of RDS, `cache` a replication group, `template` one of FIS. */
export const AWS_KINDS = ['instance', 'subnet', 'group', 'database', 'cache', 'template'] as const;
export type AwsKind = (typeof AWS_KINDS)[number];

/** A parsed target. */
export interface AwsTarget {
  readonly region: string;
  readonly kind: AwsKind;
  /** The id of an instance, a subnet, a replication group or a template; the name of a group; `cluster:NAME` or `db:NAME`. */
  readonly name: string;
  /**
   * Where a name may be given again to something new, what tells it apart: the UUID in a group's ARN, the resource id of a database,
   * the time at which a replication group was made. Undefined where AWS never gives an id twice.
   */
  readonly uid?: string;
}

/** The text. */
export function awsTargetId({ region, kind, name, uid }: AwsTarget): TargetId {
  return `${region}/${kind}/${name}${uid === undefined ? '' : `#${uid}`}`;
}

/** Throws where `id` is no target of one of `kinds`. */
export function parseAwsTarget(id: TargetId, kinds: readonly AwsKind[]): AwsTarget {
  const [region = '', kind = '', ...rest] = id.split('/');
  const text = rest.join('/');
  const hash = text.lastIndexOf('#');
  const name = hash < 0 ? text : text.slice(0, hash);
  const known = kinds.find((one) => one === kind);
  if (region === '' || known === undefined || name === '')
    throw new Error(`${id} is no ${kinds.join(' or ')}: expected such as eu-west-1/${kinds[0] ?? ''}/NAME`);
  return { region, kind: known, name, ...(hash < 0 ? {} : { uid: text.slice(hash + 1) }) };
}
