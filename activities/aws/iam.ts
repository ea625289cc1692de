/**
 * What a worker may do in its AWS account.
 *
 * Owns the IAM policy that allows exactly what drivers say they need, narrowed by the kind of resource and by tags. Pure: it must
 * never ask AWS, and never allow an action or a resource that no driver names.
 */
import { OWNED_BY, ownTags } from '../faults/aws/own-tags.ts';
import type { IamCondition, IamStatement, Permission } from '../faults/driver.ts';

/** How long a managed policy may be, in characters; white space is not counted. */
export const POLICY_CHARACTERS = 6_144;
/** How long all inline policies of one role may be together, in characters. */
export const INLINE_CHARACTERS = 10_240;

/** A policy as IAM reads it. */
export interface IamPolicy {
  readonly Version: '2012-10-17';
  readonly Statement: readonly PolicyStatement[];
}

interface PolicyStatement {
  readonly Sid: string;
  readonly Effect: 'Allow';
  readonly Action: readonly string[];
  readonly Resource: '*' | readonly string[];
  readonly Condition?: IamCondition;
}

/** A tag that somebody gives to what may be harmed. */
export interface Tag {
  readonly key: string;
  readonly value: string;
}

/** How a policy is narrowed. */
export interface Narrowing {
  /** Only targets that have this tag may be changed. */
  readonly tag?: Tag;
  /** Whether it is for a sweep, which puts nothing on. Default: false. */
  readonly sweep?: boolean;
}

const ACTION = /^[a-z0-9-]+:[A-Z][A-Za-z0-9]+$/;
/** Service, type, and the rest; a type is never a wildcard. */
const RESOURCE = /^([a-z0-9-]+):([A-Za-z0-9-]+)[:/]\S+$/;
const LOOKS = /:(?:Describe|Get|List)/;
/** Those that write tags or take them away, of every service. */
const TAGS = /:(?:(?:Create|CreateOrUpdate|Delete)Tags|(?:Add|Remove)Tags(?:To|From)Resource|(?:Tag|Untag)Resource)$/;
/** Keys of tags that we write. What we make has more of them than what we only change. */
const CHANGED = ['squall:*'];
const MADE = [...CHANGED, ...ownTags('').flatMap(({ Key = '' }) => (Key.startsWith('squall:') ? [] : [Key]))];
/** What a tag may be made of; `$` is not among it, which begins a variable in a policy. */
const TAG_KEY = /^(?!aws:|squall:)[\p{L}\p{N} +\-=._:/@]{1,128}$/iu;
const TAG_VALUE = /^[\p{L}\p{N} +\-=._:/@]{0,256}$/u;

/** `text` as a tag, `chaos=allowed`; undefined where it is none, or one that is ours or AWS's. */
export function tagOf(text: string): Tag | undefined {
  const equals = text.indexOf('=');
  const tag = { key: text.slice(0, equals), value: text.slice(equals + 1) };
  return equals > 0 && TAG_KEY.test(tag.key) && TAG_VALUE.test(tag.value) ? tag : undefined;
}

/** Some actions on one kind of resource, under one condition. */
interface Allowed {
  readonly words: string;
  readonly resource: string | undefined;
  readonly condition: IamCondition;
  readonly actions: Set<string>;
}

/**
 * The policy that allows what `permissions` say, of every region. Throws where one of them names an action or a kind of resource
 * that is none.
 */
export function iamPolicy(permissions: readonly Permission[], { tag, sweep = false }: Narrowing = {}): IamPolicy {
  const allowed = new Map<string, Allowed>();
  for (const statement of permissions.flatMap(({ actions = [] }) => actions)) {
    if (sweep && statement.harms === true) continue;
    for (const resource of statement.resources ?? [undefined]) {
      for (const action of statement.actions) {
        check(action, resource);
        const words = wordsOf(statement, action, tag);
        const condition = conditionOf(statement, action, tag);
        const key = JSON.stringify([words, resource, condition]);
        const known = allowed.get(key) ?? { words, resource, condition, actions: new Set() };
        known.actions.add(action);
        allowed.set(key, known);
      }
    }
  }
  return { Version: '2012-10-17', Statement: written(merged([...allowed.values()])) };
}

/** How long IAM takes `policy` to be, in characters. */
export function charactersOf(policy: IamPolicy): number {
  return JSON.stringify(policy).length;
}

function check(action: string, resource: string | undefined): void {
  if (!ACTION.test(action)) throw new Error(`found IAM action ${action}, expected one such as ec2:StopInstances`);
  if (resource !== undefined && !RESOURCE.test(resource))
    throw new Error(`found IAM resource ${resource}, expected a kind of them such as ec2:instance/*`);
}

/** What is done, as a statement's name begins. */
function wordsOf({ resources, of = 'targets' }: IamStatement, action: string, tag: Tag | undefined): string {
  if (LOOKS.test(action)) return 'Look';
  if (resources === undefined) return 'Call';
  const tags = TAGS.test(action);
  // Where nothing narrows them, targets are like all others.
  if (of === 'targets' || (of === 'others' && tag === undefined)) return tags ? 'Tag' : 'Change';
  return `${tags ? 'Tag' : ''}${{ ours: 'Ours', new: 'New', others: 'Others' }[of]}`;
}

function conditionOf(
  { resources, of = 'targets', condition = {} }: IamStatement,
  action: string,
  tag: Tag | undefined,
): IamCondition {
  const found: Record<string, Record<string, string | readonly string[]>> = {};
  const add = (more: IamCondition): void => {
    for (const [operator, keys] of Object.entries(more)) found[operator] = { ...found[operator], ...keys };
  };
  add(condition);
  // Who is narrowed to some targets must see the others all the same, to leave them.
  if (LOOKS.test(action)) return found;
  if (TAGS.test(action) || of === 'new') {
    // Where a call names no tag, all of its tags are like ours, and DeleteTags without any takes away every tag there is.
    const keys = of === 'new' ? MADE : CHANGED;
    add({ 'ForAllValues:StringLike': { 'aws:TagKeys': keys }, Null: { 'aws:TagKeys': 'false' } });
  }
  if (resources === undefined) return found;
  if (of === 'new') add({ Null: { [`aws:RequestTag/${OWNED_BY}`]: 'false' } });
  // In the call that makes it, and never later.
  if (of === 'new' && action === 'ec2:CreateTags') add({ Null: { 'ec2:CreateAction': 'false' } });
  if (of === 'ours') add({ Null: { [`aws:ResourceTag/${OWNED_BY}`]: 'false' } });
  if (of === 'targets' && tag !== undefined) add({ StringEquals: { [`aws:ResourceTag/${tag.key}`]: tag.value } });
  return found;
}

/** Some actions on some kinds of resources, under one condition; of no resource where there are none. */
interface Group {
  readonly words: string;
  readonly condition: IamCondition;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
}

/** Those with the same actions under the same condition are one. */
function merged(allowed: readonly Allowed[]): Group[] {
  const groups = new Map<string, Group>();
  for (const { words, condition, resource, ...each } of allowed) {
    const actions = [...each.actions].toSorted();
    const key = JSON.stringify([words, condition, actions, resource === undefined]);
    const { resources = [] } = groups.get(key) ?? {};
    const more = resource === undefined ? resources : [...resources, resource].toSorted();
    groups.set(key, { words, condition, actions, resources: more });
  }
  return folded([...groups.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group));
}

/**
 * What tags the resources of one service is one with what tags those of another under the same condition: no action of either
 * is for the other's, and a policy has little room.
 */
function folded(groups: readonly Group[]): Group[] {
  const kept: Group[] = [];
  for (const group of groups) {
    const at = kept.findIndex((other) => isFoldable(other, group));
    const other = kept[at];
    if (other === undefined) kept.push(group);
    else
      kept[at] = {
        ...other,
        actions: [...other.actions, ...group.actions].toSorted(),
        resources: [...other.resources, ...group.resources].toSorted(),
      };
  }
  return kept;
}

function isFoldable(a: Group, b: Group): boolean {
  const [own, others] = [a, b].map(({ actions, resources }) => [servicesOf(actions), servicesOf(resources)] as const);
  if (own === undefined || others === undefined || a.words !== b.words || !a.words.startsWith('Tag')) return false;
  const areOfTheirService = [own, others].every(([of, on]) => of.symmetricDifference(on).size === 0);
  const isAlike = JSON.stringify(a.condition) === JSON.stringify(b.condition);
  return areOfTheirService && isAlike && own[0].isDisjointFrom(others[0]);
}

/** Of actions, or of kinds of resources. */
function servicesOf(names: readonly string[]): ReadonlySet<string> {
  return new Set(names.map((name) => name.split(':', 1)[0] ?? ''));
}

/** As IAM reads them, in the order of their names, each of which is there once. */
function written(groups: readonly Group[]): PolicyStatement[] {
  const seen = new Map<string, number>();
  const named = groups.map((group) => {
    const kinds = servicesOf(group.resources).size > 1 && group.words.startsWith('Tag') ? [] : group.resources;
    return { name: group.words + kinds.map(nameOf).join(''), group };
  });
  return named
    .toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
    .map(({ name, group: { condition, actions, resources } }) => {
      const nth = (seen.get(name) ?? 0) + 1;
      seen.set(name, nth);
      return {
        // Two of the same name differ in their condition, or in what is after the kind of resource.
        Sid: nth === 1 ? name : `${name}${nth}`,
        Effect: 'Allow',
        Action: actions,
        Resource: resources.length === 0 ? '*' : resources.map(arnOf),
        ...(Object.keys(condition).length === 0 ? {} : { Condition: condition }),
      };
    });
}

/** `ec2:network-acl/*` as `Ec2NetworkAcl`. */
function nameOf(resource: string): string {
  const [, service = '', type = ''] = RESOURCE.exec(resource) ?? [];
  return `${service}-${type}`.replaceAll(/(?:^|-)([A-Za-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function arnOf(resource: string): string {
  const [service = '', ...rest] = resource.split(':');
  return `arn:aws:${service}:*:*:${rest.join(':')}`;
}
