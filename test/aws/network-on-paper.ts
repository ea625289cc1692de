/**
 * A network of subnets and ACLs, as far as `aws/az-outage` asks for it: where a test has thousands of calls to play, which moto is too
 * slow for.
 *
 * Owns what is true of it, and what was: a read may be told how it was some moments ago. Of what AWS does not say, either may be so.
 */
import { refusal } from './shim.ts';
import type { Answer, Call } from './shim.ts';

type Tags = ReadonlyMap<string, string>;

interface Acl {
  readonly id: string;
  readonly isDefault: boolean;
  readonly denies: boolean;
  readonly tags: Tags;
}

interface Subnet {
  readonly id: string;
  readonly acl: string;
  readonly association: string;
  readonly tags: Tags;
}

/** How it was from some moment on. It is never changed: what is changed is another one. */
interface Version {
  readonly sinceMs: number;
  readonly subnets: ReadonlyMap<string, Subnet>;
  readonly acls: ReadonlyMap<string, Acl>;
}

const VPC = 'vpc-1';

export class NetworkOnPaper {
  readonly #keepsIds: boolean;
  #versions: [Version, ...Version[]] = [{ sinceMs: 0, subnets: new Map(), acls: new Map() }];
  #made = 0;

  /** `keepsIds`: whether an association keeps its id where its subnet is given the ACL that it has. AWS does not say. */
  constructor({ keepsIds }: { readonly keepsIds: boolean }) {
    this.#keepsIds = keepsIds;
  }

  /** As it is. The newest version is the first. */
  get #now(): Version {
    return this.#versions[0];
  }

  #change(change: Partial<Version>): void {
    this.#versions = [{ ...this.#now, ...change, sinceMs: performance.now() }, ...this.#versions];
  }

  #id(kind: string): string {
    return `${kind}-${String((this.#made += 1)).padStart(8, '0')}`;
  }

  /** A subnet that has an ACL of its own. */
  subnet(): { readonly id: string; readonly acl: string } {
    const acl = this.#id('acl');
    const subnet = { id: this.#id('subnet'), acl, association: this.#id('aclassoc'), tags: new Map<string, string>() };
    this.#setAcl({ id: acl, isDefault: this.#now.acls.size === 0, denies: false, tags: new Map() });
    this.#setSubnet(subnet);
    return subnet;
  }

  aclOf(subnet: string): string | undefined {
    return this.#now.subnets.get(subnet)?.acl;
  }

  tagsOf(subnet: string): string[] {
    return [...(this.#now.subnets.get(subnet)?.tags.keys() ?? [])];
  }

  /** How many ACLs there are. */
  get acls(): number {
    return this.#now.acls.size;
  }

  #setSubnet(subnet: Subnet): void {
    this.#change({ subnets: new Map(this.#now.subnets).set(subnet.id, subnet) });
  }

  #setAcl(acl: Acl): void {
    this.#change({ acls: new Map(this.#now.acls).set(acl.id, acl) });
  }

  /** Does what it is asked; a read is told how it was `ageMs` ago. */
  answer(call: Call, ageMs = 0): Answer {
    const form = new Form(call.params);
    switch (call.action) {
      case 'DescribeSubnets':
        return answered(call, listOf('subnetSet', this.#subnets(form, this.#before(ageMs))));
      case 'DescribeNetworkAcls':
        return answered(call, listOf('networkAclSet', this.#acls(form, this.#before(ageMs))));
      case 'CreateTags':
      case 'DeleteTags':
        for (const id of form.all('ResourceId')) this.#tag(id, form, call.action === 'CreateTags');
        return answered(call, '<return>true</return>');
      case 'CreateNetworkAcl': {
        const acl = {
          id: this.#id('acl'),
          isDefault: false,
          denies: true,
          tags: new Map(form.tags('TagSpecification.1.Tag')),
        };
        this.#setAcl(acl);
        return answered(call, `<networkAcl>${aclXml(acl, [])}</networkAcl>`);
      }
      case 'DeleteNetworkAcl':
        return this.#delete(call, form.one('NetworkAclId'));
      case 'ReplaceNetworkAclAssociation':
        return this.#replace(call, form.one('AssociationId'), form.one('NetworkAclId'));
      default:
        return refusal(call, 'InvalidAction', `nobody has put ${call.action} on paper`);
    }
  }

  #before(ageMs: number): Version {
    const atMs = performance.now() - ageMs;
    return this.#versions.find(({ sinceMs }) => sinceMs <= atMs) ?? this.#now;
  }

  #tag(id: string, form: Form, isSet: boolean): void {
    const subnet = this.#now.subnets.get(id);
    if (subnet === undefined) return;
    const tags = new Map(subnet.tags);
    for (const [key, value] of form.tags('Tag'))
      if (isSet) tags.set(key, value);
      else tags.delete(key);
    this.#setSubnet({ ...subnet, tags });
  }

  #delete(call: Call, id: string): Answer {
    const { acls, subnets } = this.#now;
    if (!acls.has(id)) return refusal(call, 'InvalidNetworkAclID.NotFound', `The networkAcl ID '${id}' does not exist`);
    if ([...subnets.values()].some(({ acl }) => acl === id))
      return refusal(call, 'DependencyViolation', `The networkAcl '${id}' has dependencies and cannot be deleted.`);
    this.#change({ acls: new Map([...acls].filter(([one]) => one !== id)) });
    return answered(call, '<return>true</return>');
  }

  #replace(call: Call, association: string, acl: string): Answer {
    const { acls, subnets } = this.#now;
    const subnet = [...subnets.values()].find((one) => one.association === association);
    if (subnet === undefined)
      return refusal(call, 'InvalidAssociationID.NotFound', `The association ID '${association}' does not exist`);
    if (!acls.has(acl))
      return refusal(call, 'InvalidNetworkAclID.NotFound', `The networkAcl ID '${acl}' does not exist`);
    const isSame = this.#keepsIds && subnet.acl === acl;
    const then = { ...subnet, acl, association: isSame ? association : this.#id('aclassoc') };
    this.#setSubnet(then);
    return answered(call, `<newAssociationId>${then.association}</newAssociationId>`);
  }

  #subnets(form: Form, { subnets }: Version): string[] {
    const found = [...subnets.values()].filter(({ id, tags }) =>
      form.isFor({ 'subnet-id': [id], 'vpc-id': [VPC] }, tags),
    );
    return found.map(
      ({ id, tags }) =>
        `<subnetId>${id}</subnetId><vpcId>${VPC}</vpcId><availabilityZone>eu-west-1a</availabilityZone>${tagsXml(tags)}`,
    );
  }

  #acls(form: Form, { acls, subnets }: Version): string[] {
    return [...acls.values()].flatMap((acl) => {
      const having = [...subnets.values()].filter((subnet) => subnet.acl === acl.id);
      const said = { 'vpc-id': [VPC], 'association.subnet-id': having.map(({ id }) => id) };
      return form.isFor(said, acl.tags) ? [aclXml(acl, having)] : [];
    });
  }
}

/** A request's fields. */
class Form {
  readonly #params: Call['params'];

  constructor(params: Call['params']) {
    this.#params = params;
  }

  one(field: string): string {
    const value = this.#params[field];
    return typeof value === 'string' ? value : '';
  }

  all(field: string): string[] {
    const found: string[] = [];
    for (let i = 1; this.#params[`${field}.${i}`] !== undefined; i += 1) found.push(this.one(`${field}.${i}`));
    return found;
  }

  tags(field: string): [string, string][] {
    const found: [string, string][] = [];
    for (let i = 1; this.#params[`${field}.${i}.Key`] !== undefined; i += 1)
      found.push([this.one(`${field}.${i}.Key`), this.one(`${field}.${i}.Value`)]);
    return found;
  }

  /** Whether its filters let something through, of which this is `said`. */
  isFor(said: Readonly<Record<string, readonly string[]>>, tags: Tags): boolean {
    for (let i = 1; this.#params[`Filter.${i}.Name`] !== undefined; i += 1) {
      const name = this.one(`Filter.${i}.Name`);
      const key = name.startsWith('tag:') ? name.slice(4) : undefined;
      const has = key !== undefined ? [tags.get(key)] : name === 'tag-key' ? [...tags.keys()] : (said[name] ?? []);
      const wanted = this.all(`Filter.${i}.Value`).map((value) => new RegExp(`^${value.replaceAll('*', '.*')}$`));
      if (!has.some((one) => one !== undefined && wanted.some((pattern) => pattern.test(one)))) return false;
    }
    return true;
  }
}

function answered({ action }: Call, body: string): Answer {
  const xml = `<${action}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">${body}</${action}Response>`;
  return {
    status: 200,
    headers: { 'content-type': 'text/xml;charset=UTF-8', date: new Date().toUTCString() },
    body: xml,
  };
}

function listOf(name: string, items: readonly string[]): string {
  return `<${name}>${items.map((item) => `<item>${item}</item>`).join('')}</${name}>`;
}

function tagsXml(tags: Tags): string {
  return listOf(
    'tagSet',
    [...tags].map(([key, value]) => `<key>${key}</key><value>${value}</value>`),
  );
}

function aclXml({ id, isDefault, denies, tags }: Acl, having: readonly Subnet[]): string {
  const entries = ['deny', ...(denies ? [] : ['allow'])].map((action) => `<ruleAction>${action}</ruleAction>`);
  const associations = having.map(
    (subnet) =>
      `<networkAclAssociationId>${subnet.association}</networkAclAssociationId><networkAclId>${id}</networkAclId><subnetId>${subnet.id}</subnetId>`,
  );
  return [
    `<networkAclId>${id}</networkAclId><vpcId>${VPC}</vpcId><default>${isDefault}</default>`,
    listOf('entrySet', entries),
    listOf('associationSet', associations),
    tagsXml(tags),
  ].join('');
}
