/**
 * A network ACL that lets nothing through, one for each network and installation.
 *
 * Owns that it is made where it is not there, and deleted by whoever is the last to need it: AWS itself keeps it from being deleted
 * while a subnet has it. Two who make one at once make two, which does no harm. An ACL begins with nothing but denials.
 */
import type { CreateNetworkAclCommandInput, EC2 } from '@aws-sdk/client-ec2';
import type { RegionClients } from '../../aws/cloud.ts';
import { isMissing } from '../../aws/denied.ts';
import { pause } from '../../pause.ts';
import { slownessMs } from '../../targets/aws-settings.ts';
import { filter } from '../../targets/aws-pages.ts';
import { OWNED_BY, ownTags } from './own-tags.ts';
import { mayPass } from './passing.ts';
import { perRegion } from './per-region.ts';
import { describedAcls, subnetsOf } from './subnets.ts';
import type { LiveAcl } from './subnets.ts';
import { FAULT } from './tag-slot.ts';
import { readTogether } from './tagged.ts';
import type { Looking } from './tagged-site.ts';

/** A subnet is said to be left in one only after so many looks, over a time in which what is listed becomes what is. */
const LOOKS = 4;
/** Between two of them, as a share of the longest request. */
const AGAIN = 0.5;

/** Those of one installation in one region, as this process knows them. */
interface DenyAcls {
  /** All that are listed, of these networks or of every one. */
  listed(vpcs?: readonly string[]): Promise<LiveAcl[]>;
  /** One in `vpc`, by its id; it is made where there is none. */
  of(vpc: string): Promise<string>;
  /** It is said not to be there. */
  forget(id: string): void;
  /** Deletes all in `vpc` that no subnet has any more. */
  removeUnused(vpc: string): Promise<void>;
}

/** Those of the installation, in the region that is looked at. */
export function denyAcls({ clients, once, installation }: Looking): DenyAcls {
  const here = known(clients);
  const found = here.get(installation) ?? openAcls(clients, once, installation);
  here.set(installation, found);
  return found;
}

const known = perRegion(() => new Map<string, DenyAcls>());

function openAcls(clients: RegionClients, once: RegionClients, installation: string): DenyAcls {
  /** What was made just now is not seen by everybody who looks. */
  const made = new Map<string, string>();
  const going = new Map<string, Promise<string>>();
  const listed = async (vpcs?: readonly string[]): Promise<LiveAcl[]> => {
    const within = vpcs === undefined ? [] : [filter('vpc-id', ...vpcs)];
    return Array.fromAsync(describedAcls(await clients.ec2(), [filter(`tag:${OWNED_BY}`, installation), ...within]));
  };
  const of = async (vpc: string): Promise<string> => {
    const denying = (await listed([vpc])).filter(({ denies }) => denies);
    const [id = made.get(vpc)] = denying.map((acl) => acl.id).toSorted();
    if (id !== undefined) return id;
    const { NetworkAcl } = await (await once.ec2()).createNetworkAcl(newAcl(vpc, installation));
    if (NetworkAcl?.NetworkAclId === undefined) throw new Error('EC2 does not say which network ACL it has made');
    made.set(vpc, NetworkAcl.NetworkAclId);
    return NetworkAcl.NetworkAclId;
  };
  const forget = (id: string): void => {
    for (const [vpc, one] of made) if (one === id) made.delete(vpc);
  };
  // The look begins when everybody has asked: what one of them has just given back is seen by it.
  const removeUnused = readTogether<never>(async (vpcs) => {
    const fresh = vpcs.flatMap((vpc) => made.get(vpc) ?? []);
    for (const id of new Set([...(await listed(vpcs)).map((acl) => acl.id), ...fresh]))
      if (await isRemoved(await clients.ec2(), id)) forget(id);
    return new Map<string, never>();
  });
  return {
    listed,
    of(vpc) {
      const asked = going.get(vpc) ?? of(vpc).finally(() => going.delete(vpc));
      going.set(vpc, asked);
      return asked;
    },
    forget,
    removeUnused: async (vpc) => void (await removeUnused(vpc)),
  };
}

/** The request that makes one, with the tags that say whose it is. */
export function newAcl(vpc: string, installation: string): CreateNetworkAclCommandInput {
  return { VpcId: vpc, TagSpecifications: [{ ResourceType: 'network-acl', Tags: ownTags(installation) }] };
}

/**
 * Deletes it, unless a subnet has it: who may say so is AWS, at once, and no list, which may be some moments old. To be asked for it
 * twice, or late, does no harm.
 */
async function isRemoved(ec2: EC2, id: string): Promise<boolean> {
  try {
    await ec2.deleteNetworkAcl({ NetworkAclId: id });
    return true;
  } catch (error) {
    if (isMissing(error)) return true;
    if (error instanceof Error && error.name === 'DependencyViolation') return false;
    throw error;
  }
}

/** Deletes those in a region that no subnet has; returns the others. */
export async function removeUnusedAcls(looking: Looking): Promise<readonly LiveAcl[]> {
  const acls = denyAcls(looking);
  const ec2 = await looking.clients.ec2();
  const all = await acls.listed();
  for (const { id, associations } of all)
    // What fails now may pass when somebody comes by again.
    if (associations.size === 0 && (await isRemoved(ec2, id).catch(mayPass)) === true) acls.forget(id);
  return all.filter(({ associations }) => associations.size > 0);
}

/** The same, and throws where a subnet has one of the others and no record says which it had before. */
export async function tidyAcls(looking: Looking): Promise<void> {
  for (const { id, associations } of await removeUnusedAcls(looking))
    for (const subnet of associations.keys())
      if (await isLeft(subnet, looking))
        throw new Error(
          `${subnet} has the network ACL ${id}, with which Squall cuts subnets off, and no record of how it was: give it its own`,
        );
}

async function isLeft(name: string, { clients, settings, installation }: Looking): Promise<boolean> {
  for (let looks = 1; ; looks += 1) {
    const subnet = await subnetsOf(clients).read({ region: clients.region, kind: 'subnet', name });
    if (subnet?.acl?.madeBy !== installation || subnet.tags[FAULT] !== undefined) return false;
    if (looks === LOOKS) return true;
    await pause(slownessMs(settings) * AGAIN, new AbortController().signal);
  }
}
