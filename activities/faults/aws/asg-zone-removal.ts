/**
 * `aws/asg-zone-removal`: an Auto Scaling group starts nothing in a zone any more, and moves what it has there to its other zones.
 *
 * Owns the zone's share of the list of subnets, or of zones where the group has no subnets of its own. Given back it is to whatever the
 * list is then; where somebody else has put the zone into it meanwhile, it is theirs.
 */
import { z } from 'zod';
import type { Permission } from '../driver.ts';
import { goneOf } from './absences.ts';
import { busy, groups, GROUPS_CHANGED, GROUPS_MARKED } from './groups.ts';
import type { LiveGroup } from './groups.ts';
import { unlessMissing } from './passing.ts';
import { perRegion } from './per-region.ts';
import { refusals } from './refusals.ts';
import { describedSubnets } from './subnets.ts';
import { readTogether } from './tagged.ts';
import { taggedFault } from './tagged-fault.ts';
import type { Progress } from './tagged-fault.ts';
import type { Looking } from './tagged-site.ts';

const params = z.strictObject({
  zone: z
    .string()
    .regex(/^[a-z]{2}(?:-[a-z]+)+-\d{1,2}(?:-[a-z]+-\d{1,2})?[a-z]$/, 'expected the name of a zone, such as eu-west-1a')
    .describe('The zone that is taken away.'),
});
type Params = z.infer<typeof params>;

const undoRecord = z.object({
  zone: z.string(),
  /** Which list was changed. */
  of: z.enum(['subnets', 'zones']),
  /** The list as it was. */
  all: z.array(z.string()),
  /** What was taken out of it. */
  removed: z.array(z.string()).min(1),
});
type Undo = z.infer<typeof undoRecord>;

const ZONES_READ: Permission = {
  needs: 'to look in which zone a subnet is',
  actions: [{ actions: ['ec2:DescribeSubnets'] }],
};

export const driver = taggedFault<Params, LiveGroup, Undo>({
  kind: 'aws/asg-zone-removal',
  summary: 'An Auto Scaling group starts nothing in a zone any more, and moves what it has there to its other zones.',
  params,
  resource: groups,
  permissions: [GROUPS_MARKED, GROUPS_CHANGED, ZONES_READ],
  undo: 'the zone is given back to the group, unless somebody else has done so meanwhile',
  undoRecord,
  unfit: (targets, { zone }, anywhere) =>
    refusals(groups, targets, anywhere, async (live, looking) => {
      const without = await removal(live, zone, looking);
      return typeof without === 'string' ? without : busy(live, looking);
    }),
  async record(live, { params: { zone } }, looking) {
    const undo = await removal(live, zone, looking);
    if (typeof undo === 'string') return undo;
    return (await busy(live, looking)) ?? { undo };
  },
  async act(live, { of, removed }, _fault, { once }) {
    const kept = live[of].filter((one) => !removed.includes(one));
    if (kept.length === 0) throw new Error('somebody else has taken its other zones away meanwhile');
    if (kept.length < live[of].length) await setList(live, of, kept, once);
  },
  isOn(live, { of, removed, zone }) {
    return live[of].some((one) => removed.includes(one)) ? `somebody else has given it ${zone} back` : true;
  },
  async told({ suspended }, { zone }) {
    return suspended.includes('AZRebalance')
      ? `its process AZRebalance is suspended: what it has in ${zone} may stay there`
      : undefined;
  },
  heal,
});

/** What is to be taken away, or why it must not be. */
async function removal({ subnets, zones }: LiveGroup, zone: string, looking: Looking): Promise<Undo | string> {
  const of = subnets.length > 0 ? 'subnets' : 'zones';
  const all = of === 'subnets' ? [...subnets] : [...zones];
  const where = of === 'subnets' ? await zonesOf(all, looking) : new Map(all.map((one) => [one, one]));
  const removed = all.filter((one) => where.get(one) === zone);
  if (removed.length === 0) return `it has nothing in ${zone}`;
  // A subnet that is not there any more is in no zone.
  if (where.size === removed.length) return `${zone} is the only zone that it has`;
  return { zone, of, all, removed };
}

/** Many groups are looked at by few requests. */
const zoneReader = perRegion(({ ec2 }) =>
  readTogether(async (ids) => {
    const found = new Map<string, string>();
    // By a filter, not by their ids: of an id that is not there the whole request would fail.
    for await (const { id, zone } of describedSubnets(await ec2(), [{ Name: 'subnet-id', Values: [...ids] }]))
      if (zone !== undefined) found.set(id, zone);
    return found;
  }),
);

/** The zone of each subnet that is there. */
async function zonesOf(subnets: readonly string[], { clients }: Looking): Promise<Map<string, string>> {
  const read = zoneReader(clients);
  const found = await Promise.all(subnets.map(async (id) => [id, await read(id)] as const));
  return new Map(found.flatMap(([id, zone]) => (zone === undefined ? [] : [[id, zone]])));
}

async function setList(
  { name }: LiveGroup,
  of: Undo['of'],
  list: readonly string[],
  once: Looking['once'],
): Promise<void> {
  const asked = of === 'subnets' ? { VPCZoneIdentifier: list.join(',') } : { AvailabilityZones: [...list] };
  const client = await once.autoScaling();
  await client.updateAutoScalingGroup({ AutoScalingGroupName: name, ...asked }).catch(unlessMissing);
}

async function heal(
  live: LiveGroup,
  { zone, of, all, removed }: Undo,
  _fault: unknown,
  looking: Looking,
): Promise<Progress> {
  const now = live[of];
  const missing = removed.filter((one) => !now.includes(one));
  if (missing.length === 0) return { done: true };
  const asked = [...now, ...missing];
  const where = of === 'subnets' ? await zonesOf(asked, looking) : new Map(asked.map((one) => [one, one]));
  const gone = goneOf(asked, new Set(where.keys()), looking);
  if (gone === undefined)
    return { done: false, detail: `not all of its subnets, and of those in ${zone}, are to be seen` };
  const back = missing.filter((one) => !gone.has(one));
  if (back.length === 0)
    return {
      done: true,
      detail: `${missing.join(', ')} in ${zone} cannot be given back to it: there is no such subnet any more`,
    };
  if (now.some((one) => where.get(one) === zone))
    return { done: true, detail: `somebody else has given it ${zone} back in another way meanwhile, which was left` };
  const restored = all.filter((one) => now.includes(one) || back.includes(one));
  const wanted = [...restored, ...now.filter((one) => !all.includes(one))];
  // AWS takes no list with a subnet that is not there any more, whoever has deleted it.
  const there = wanted.filter((one) => !gone.has(one));
  await setList(live, of, there, looking.once);
  return { done: false, detail: `${zone} is being given back to it` };
}
