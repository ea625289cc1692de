/**
 * A call as IAM sees it, and whether a policy allows it: for each resource that it is done to, and with what conditions may ask.
 *
 * Owns which resources a call is of. It must never be kinder than IAM: an operator that it does not know throws.
 */
import type { IamPolicy } from '../../activities/aws/iam.ts';
import type { Account } from './account.ts';
import type { Call } from './shim.ts';

/** One question for IAM. */
export interface Asked {
  readonly action: string;
  /** `ec2:instance/i-0123`; `new` in place of the id of what the call makes, and undefined where the call names nothing. */
  readonly resource: string | undefined;
  /** By key, in the spelling of policies; absent where the call has no such key. */
  readonly context: Readonly<Record<string, readonly string[]>>;
}

const ACCOUNT = '123456789012';
/** How ids of EC2 begin, and what they are of. */
const EC2: Readonly<Record<string, string>> = {
  i: 'instance',
  subnet: 'subnet',
  acl: 'network-acl',
  sg: 'security-group',
  vpc: 'vpc',
  eni: 'network-interface',
};
const ID = /^([a-z]+)-[0-9a-f]{8,}$/;
const GROUP = 'autoscaling:autoScalingGroup:uuid:autoScalingGroupName/';
/** The parameters by which the other services name what they change, and how it begins. */
const NAMED: Readonly<Record<string, string>> = {
  'autoscaling AutoScalingGroupName': GROUP,
  'rds DBClusterIdentifier': 'rds:cluster:',
  'rds DBInstanceIdentifier': 'rds:db:',
  'elasticache ReplicationGroupId': 'elasticache:replicationgroup:',
  'ssm DocumentName': 'ssm:document/',
  'fis experimentTemplateId': 'fis:experiment-template/',
};
/** Tags of a call in a form; those of what it makes have a type before them. */
const TAG = /^(?:TagSpecification\.\d+\.)?(?:Tag|Tags\.member|Tags\.Tag)\.\d+\.Key$/;
const TAG_KEYS = /^TagKeys\.member\.\d+$/;

/** Every question that a call is, with the tags that its resources have now, past the shim. */
export async function askedBy(call: Call, account: Account): Promise<Asked[]> {
  const { name: action, service } = call;
  const tags = tagsOf(call);
  const keys = Object.keys(tags);
  const context = {
    ...(keys.length > 0 ? { 'aws:TagKeys': keys } : {}),
    ...Object.fromEntries(Object.entries(tags).map(([key, value]) => [`aws:RequestTag/${key}`, [value]])),
  };
  const resources = await resourcesOf(call, account);
  const known = resources.map(async (resource): Promise<Asked> => {
    const own = Object.entries(await tagsThere(resource, account));
    const has = Object.fromEntries(own.map(([key, value]) => [`aws:ResourceTag/${key}`, [value]]));
    return { action, resource, context: { ...context, ...has } };
  });
  const made = madeBy(call);
  const making = made === undefined ? [] : [{ action, resource: made, context }];
  // Whoever makes something with tags must be allowed to tag it.
  const tagging = service === 'ec2' ? 'ec2:CreateTags' : 'fis:TagResource';
  if (made !== undefined && keys.length > 0) {
    const at = service === 'ec2' ? { 'ec2:CreateAction': [call.action] } : {};
    making.push({ action: tagging, resource: made, context: { ...context, ...at } });
  }
  const all = [...(await Promise.all(known)), ...making];
  return all.length > 0 ? all : [{ action, resource: undefined, context }];
}

/** What is said of tags: those that are written, and the keys of those that are taken away. */
function tagsOf({ params, path, service }: Call): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [key, value] of Object.entries(params)) {
    const said = params[key.replace(/Key$/, 'Value')];
    if (TAG.test(key)) found[String(value)] = typeof said === 'string' ? said : '';
    if (TAG_KEYS.test(key)) found[String(value)] = '';
  }
  if (service !== 'fis') return found;
  for (const key of new URLSearchParams(path.split('?')[1]).getAll('tagKeys')) found[key] = '';
  return { ...found, ...(params['tags'] as Record<string, string> | undefined) };
}

/** The kind of what is made, as a resource. */
function madeBy({ name, params }: Call): string | undefined {
  if (name === 'fis:StartExperiment') return 'fis:experiment/new';
  const type = params['TagSpecification.1.ResourceType'];
  return name.startsWith('ec2:Create') && typeof type === 'string' ? `ec2:${type}/new` : undefined;
}

async function resourcesOf(call: Call, account: Account): Promise<string[]> {
  const { service, params, path } = call;
  const found = new Set<string>();
  for (const [key, value] of Object.entries(params)) {
    const begins = NAMED[`${service} ${key}`];
    if (begins !== undefined) found.add(`${begins}${String(value)}`);
    if (/^Tags\.member\.\d+\.ResourceId$/.test(key)) found.add(`${GROUP}${String(value)}`);
    if (key === 'ResourceName') found.add(ofArn(String(value)));
    if (service === 'ssm' && key === 'InstanceIds' && call.action === 'SendCommand')
      for (const id of value as string[]) found.add(`ec2:instance/${id}`);
    if (service === 'ec2') for (const one of await named(String(value), account)) found.add(one);
  }
  if (call.name === 'autoscaling:SetInstanceHealth') found.add(`${GROUP}of-an-instance`);
  const [, kind, rest = ''] = /^\/(experiments|tags)\/([^?]+)/.exec(service === 'fis' ? path : '') ?? [];
  if (kind === 'experiments') found.add(`fis:experiment/${rest.split('/')[0] ?? ''}`);
  if (kind === 'tags') found.add(ofArn(decodeURIComponent(rest)));
  return [...found];
}

/** What an id of EC2 is of; an association of a network ACL is its subnet's. */
async function named(id: string, { observe }: Account): Promise<string[]> {
  const prefix = ID.exec(id)?.[1] ?? '';
  const type = EC2[prefix];
  if (type !== undefined) return [`ec2:${type}/${id}`];
  if (prefix !== 'aclassoc') return [];
  const Filters = [{ Name: 'association.association-id', Values: [id] }];
  const { NetworkAcls = [] } = await (await observe.ec2()).describeNetworkAcls({ Filters });
  const all = NetworkAcls.flatMap(({ Associations = [] }) => Associations);
  const subnet = all.find(({ NetworkAclAssociationId }) => NetworkAclAssociationId === id)?.SubnetId;
  return subnet === undefined ? [] : [`ec2:subnet/${subnet}`];
}

/** `rds:db:orders` of `arn:aws:rds:eu-west-1:123456789012:db:orders`. */
function ofArn(arn: string): string {
  const [, , service = '', , , ...rest] = arn.split(':');
  return `${service}:${rest.join(':')}`;
}

/** The tags of what may be Squall's own. */
async function tagsThere(resource: string, { observe }: Account): Promise<Record<string, string>> {
  const id = resource.split('/')[1] ?? '';
  if (resource.startsWith('fis:experiment/')) {
    const { experiment } = await (await observe.fis()).getExperiment({ id });
    return experiment?.tags ?? {};
  }
  if (!resource.startsWith('ec2:')) return {};
  const Filters = [{ Name: 'resource-id', Values: [id] }];
  const { Tags = [] } = await (await observe.ec2()).describeTags({ Filters });
  return Object.fromEntries(Tags.map(({ Key = '', Value = '' }) => [Key, Value]));
}

/** Whether a policy allows it. */
export function isAllowed({ Statement }: IamPolicy, { action, resource, context }: Asked): boolean {
  const arn = resource?.replace(':', `:eu-west-1:${ACCOUNT}:`);
  return Statement.some(({ Action, Resource, Condition = {} }) => {
    if (!Action.includes(action)) return false;
    if (Resource !== '*' && !(arn !== undefined && Resource.some((one) => like(one, `arn:aws:${arn}`)))) return false;
    return Object.entries(Condition).every(([operator, keys]) =>
      Object.entries(keys).every(([key, values]) => holds(operator, context[key], [values].flat())),
    );
  });
}

function holds(operator: string, found: readonly string[] | undefined, values: readonly string[]): boolean {
  switch (operator) {
    case 'Null':
      return values.includes(String(found === undefined));
    case 'StringEquals':
      return found?.some((one) => values.includes(one)) ?? false;
    case 'ForAllValues:StringLike':
      return (found ?? []).every((one) => values.some((pattern) => like(pattern, one)));
    default:
      throw new Error(`found the operator ${operator}, which this test does not know`);
  }
}

/** Whether `text` is what `pattern` says, in which `*` is anything. */
export function like(pattern: string, text: string): boolean {
  return new RegExp(`^${pattern.split('*').map(RegExp.escape).join('.*')}$`, 's').test(text);
}
