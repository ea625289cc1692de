/**
 * Whether a zone may be taken out, and whether this worker may do it.
 *
 * Owns the rules: one zone a run, one at a time in a network, enough left outside of it, and this worker's own way to AWS left alone.
 * Looks and rehearses; must never change anything.
 */
import type { TargetId } from '../../../domain/fault.ts';
import { isDenied, isDryRunPassed, wordsOf } from '../../aws/denied.ts';
import { Nobody } from '../../targets/aws-selector.ts';
import { newAcl } from './deny-acl.ts';
import { ownWay } from './own-way.ts';
import type { OwnWay } from './own-way.ts';
import { perRegion } from './per-region.ts';
import { describedSubnets, subnetsOf } from './subnets.ts';
import type { LiveSubnet } from './subnets.ts';
import { FAULT } from './tag-slot.ts';
import type { TagPatch } from './tag-slot.ts';
import { doTogether, halves, readTogether } from './tagged.ts';
import type { Looking } from './tagged-site.ts';
import { parseAwsTarget } from './target.ts';
import { whyNotSpared } from './zone-spare.ts';
import type { Spare } from './zone-spare.ts';

/** The fault's kind, by which zones that are out are found. */
export const AZ_OUTAGE = 'aws/az-outage';

type Placed = Pick<LiveSubnet, 'acl' | 'zone' | 'vpc'>;

/** Why a subnet must not be cut off with its zone; undefined where it may be. Throws where nobody can say. */
export async function whyNotOut(
  { acl, zone, vpc }: Placed,
  spare: Spare,
  { clients }: Looking,
): Promise<string | undefined> {
  if (zone === undefined || vpc === undefined) return 'AWS does not say in which zone and network it is';
  if (acl?.madeBy !== undefined)
    return `its network ACL ${acl.id} is one of Squall's already, and nobody knows which one it had: give it its own`;
  const out = ((await zonesOut(clients)(vpc)) ?? []).find((one) => one !== zone);
  if (out !== undefined) return `zone ${out} of ${vpc} is being taken out already: one at a time`;
  return whyNotSpared(vpc, zone, spare, clients);
}

/** By network: the zones that are being taken out, by whomever. */
const zonesOut = perRegion(({ ec2 }) =>
  readTogether(async (vpcs) => {
    const found = new Map<string, string[]>();
    const filters = [
      { Name: 'vpc-id', Values: [...vpcs] },
      { Name: `tag:${FAULT}`, Values: [AZ_OUTAGE] },
    ];
    for await (const { vpc = '', zone = 'that AWS does not name' } of describedSubnets(await ec2(), filters))
      found.set(vpc, [...(found.get(vpc) ?? []), zone]);
    return found;
  }),
);

/** Which of these must not be cut off, and why. Rehearses what AWS lets be rehearsed: it says nothing of how many ACLs there may be. */
export async function whyUnfit(
  targets: readonly TargetId[],
  spare: Spare,
  looking: Looking,
): Promise<Map<TargetId, string>> {
  const found = await Promise.all(
    targets.map(async (target) => {
      const parsed = parseAwsTarget(target, ['subnet']);
      const there = looking.in(parsed.region);
      return { target, there, live: await subnetsOf(there.clients).read(parsed) };
    }),
  );
  const zones = [...new Set(found.map(({ live }) => live?.zone).filter((zone) => zone !== undefined))].toSorted();
  const many =
    zones.length < 2
      ? undefined
      : `selected with subnets of other zones (${zones.join(', ')}), and an outage is of one: say \`zone: ${zones[0] ?? ''}\``;
  const ways = new Map<string, Promise<OwnWay>>();
  const wayAt = (there: Looking): Promise<OwnWay> => {
    const way = ways.get(there.clients.region) ?? ownWay(there);
    ways.set(there.clients.region, way);
    return way;
  };
  const whys = await Promise.all(
    found.map(async ({ target, there, live }): Promise<[TargetId, string | undefined]> => {
      if (live === undefined) return [target, 'gone'];
      return [target, many ?? (await whyNot(live, spare, there, wayAt))];
    }),
  );
  return new Map(whys.filter((entry): entry is [TargetId, string] => entry[1] !== undefined));
}

async function whyNot(
  live: LiveSubnet,
  spare: Spare,
  looking: Looking,
  wayAt: (there: Looking) => Promise<OwnWay>,
): Promise<string | undefined> {
  const isHeld = live.tags[FAULT] !== undefined;
  try {
    // One that is held has Squall's already. Who holds it is told by others.
    const why = await whyNotOut(isHeld ? { ...live, acl: undefined } : live, spare, looking);
    if (why !== undefined) return why;
    const own = (await wayAt(looking)).get(live.id);
    if (own !== undefined)
      return `this worker might not reach AWS any more, to take it back: ${own}; run the worker in another network`;
    return await forbidden(live, looking);
  } catch (error) {
    if (!(error instanceof Nobody)) throw error;
    return error.message;
  }
}

/** What this worker may not do; undefined where AWS says that it may do all of it. */
async function forbidden(
  { id, acl, vpc = '' }: LiveSubnet,
  { clients, installation }: Looking,
): Promise<string | undefined> {
  const { tag, make } = rehearsals(clients);
  const ec2 = await clients.ec2();
  // The same one again: whether ours is allowed is not known before it is there.
  const again = acl && { AssociationId: acl.association, NetworkAclId: acl.id, DryRun: true };
  const may: readonly (readonly [what: string, rehearse: () => Promise<unknown>])[] = [
    ['tag subnets', () => tag(id, { [FAULT]: AZ_OUTAGE })],
    ['make a network ACL', () => make(vpc, installation)],
    [
      'give a subnet another network ACL',
      () => rehearsed(async () => again && ec2.replaceNetworkAclAssociation(again)),
    ],
  ];
  for (const [what, rehearse] of may)
    try {
      await rehearse();
    } catch (error) {
      if (isDenied(error)) return `this worker may not ${what}: ${wordsOf(error)}`;
      throw error;
    }
  return undefined;
}

/** What is the same for many is rehearsed once. Where one of many is refused, each is asked for by itself. */
const rehearsals = perRegion(({ ec2 }) => ({
  tag: doTogether<TagPatch>((ids, patch) => {
    const tagging = { Resources: [...ids], Tags: [...halves(patch).set], DryRun: true };
    return rehearsed(async () => (await ec2()).createTags(tagging));
  }),
  make: doTogether<string>(async (vpcs, installation) => {
    const client = await ec2();
    for (const vpc of vpcs)
      await rehearsed(() => client.createNetworkAcl({ ...newAcl(vpc, installation), DryRun: true }));
  }),
}));

async function rehearsed(rehearse: () => Promise<unknown>): Promise<void> {
  try {
    await rehearse();
  } catch (error) {
    if (!isDryRunPassed(error)) throw error;
  }
}
