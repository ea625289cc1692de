/**
 * `aws/asg-scale`: an Auto Scaling group should have another number of instances.
 *
 * Owns the group's `DesiredCapacity`, and its `MinSize` where that is in the way; `MaxSize` is the limit of what its owner pays for,
 * and is never raised. Each is set back by itself: what somebody else, or a scaling policy, has changed meanwhile is theirs.
 */
import type { UpdateAutoScalingGroupCommandInput } from '@aws-sdk/client-auto-scaling';
import { z } from 'zod';
import { busy, groups, GROUPS_CHANGED, GROUPS_MARKED } from './groups.ts';
import type { LiveGroup } from './groups.ts';
import { unlessMissing } from './passing.ts';
import { refusals } from './refusals.ts';
import { taggedFault } from './tagged-fault.ts';
import type { Progress } from './tagged-fault.ts';
import type { Looking } from './tagged-site.ts';

const SIZE_MAX = 10_000;

const params = z.strictObject({
  to: z
    .union([
      z.number().int().min(0).max(SIZE_MAX),
      z.string().regex(/^\d{1,4}(?:\.\d{1,2})?%$/, 'expected a number of instances, or a share such as 50%'),
    ])
    .describe(
      'How many instances it should have, or which share of those that it should have now; a share is rounded towards what there is.',
    ),
  zero: z.boolean().default(false).describe('Whether it may be left without any instance.'),
});
type Params = z.infer<typeof params>;

/** How it was, and what it was set to. */
const changed = z.object({ from: z.number().int(), to: z.number().int() });
const undoRecord = z.object({ desired: changed, minSize: changed.optional() });
type Undo = z.infer<typeof undoRecord>;

/** What is changed, as AWS calls it. */
const FIELDS = { desired: 'DesiredCapacity', minSize: 'MinSize' } as const;
type Field = keyof typeof FIELDS;

export const driver = taggedFault<Params, LiveGroup, Undo>({
  kind: 'aws/asg-scale',
  summary: 'An Auto Scaling group should have another number of instances.',
  params,
  resource: groups,
  permissions: [GROUPS_MARKED, GROUPS_CHANGED],
  undo: 'its desired capacity and its minimum are as before, but for what somebody else has changed meanwhile',
  undoRecord,
  unfit: (targets, wanted, anywhere) =>
    refusals(groups, targets, anywhere, async (live, looking) => {
      const size = sizeOf(live, wanted);
      return typeof size === 'string' ? size : busy(live, looking);
    }),
  async record(live, { params: wanted }, looking) {
    const to = sizeOf(live, wanted);
    if (typeof to === 'string') return to;
    const why = await busy(live, looking);
    if (why !== undefined) return why;
    const desired = { from: live.desired, to };
    return { undo: to < live.minSize ? { desired, minSize: { from: live.minSize, to } } : { desired } };
  },
  async act(live, undo, _fault, { once }) {
    const drifted = changesOf(undo).find(([field, { from, to }]) => live[field] !== from && live[field] !== to);
    if (drifted !== undefined) throw new Error(words(live, ...drifted));
    const wanted = Object.fromEntries(changesOf(undo).map(([field, { to }]) => [field, to]));
    await update(live, wanted, await once.autoScaling()).catch(unlessMissing);
  },
  isOn(live, undo) {
    const off = changesOf(undo).find(([field, { to }]) => live[field] !== to);
    return off === undefined || words(live, ...off);
  },
  heal,
});

/** How many instances are wanted, or why it must not have so many. */
function sizeOf({ desired, maxSize }: LiveGroup, { to, zero }: Params): number | string {
  const size = typeof to === 'number' ? to : shareOf(desired, Number(to.slice(0, -1)));
  if (size === desired) return `it should have ${desired} instances already`;
  if (size === 0 && !zero) return 'it would be left without any instance: say `zero: true` if that may be';
  if (size > maxSize) return `${size} instances are more than its MaxSize of ${maxSize}, which Squall does not raise`;
  return size;
}

/** Never more harm than asked. */
function shareOf(desired: number, percent: number): number {
  const exact = (desired * percent) / 100;
  return percent < 100 ? Math.ceil(exact - 1e-9) : Math.floor(exact + 1e-9);
}

function changesOf(undo: Undo): [Field, z.infer<typeof changed>][] {
  const all = [['desired', undo.desired] as const, ['minSize', undo.minSize] as const];
  return all.flatMap(([field, change]) => (change === undefined ? [] : [[field, change]]));
}

function words(live: LiveGroup, field: Field, { from, to }: z.infer<typeof changed>): string {
  return `its ${FIELDS[field]} was ${from}, and ${to} was set by this fault: it is ${live[field]}, which somebody else has set, or a scaling policy`;
}

async function update(
  { name }: LiveGroup,
  sizes: Partial<Record<Field, number>>,
  client: Awaited<ReturnType<Looking['once']['autoScaling']>>,
): Promise<void> {
  const { desired: DesiredCapacity, minSize: MinSize } = sizes;
  const asked: UpdateAutoScalingGroupCommandInput = { AutoScalingGroupName: name, DesiredCapacity, MinSize };
  await client.updateAutoScalingGroup(asked);
}

async function heal(live: LiveGroup, undo: Undo, _fault: unknown, { once }: Looking): Promise<Progress> {
  const told: string[] = [];
  const back: Partial<Record<Field, number>> = {};
  // The minimum first: the capacity is set back to no less.
  for (const [field, { from, to }] of changesOf(undo).toReversed()) {
    const least = field === 'desired' ? (back.minSize ?? live.minSize) : 0;
    const wanted = Math.max(least, Math.min(from, live.maxSize));
    if (live[field] !== wanted && live[field] !== to) {
      told.push(`${words(live, field, { from, to })}, and was left`);
      continue;
    }
    if (live[field] !== wanted) back[field] = wanted;
    if (wanted !== from)
      told.push(
        `its ${FIELDS[field]} was ${from}, and is ${wanted}, for what somebody else has set meanwhile: it may have ${live.minSize} to ${live.maxSize} instances`,
      );
  }
  if (Object.keys(back).length > 0) {
    await update(live, back, await once.autoScaling()).catch(unlessMissing);
    return { done: false, detail: 'its capacity is being set back' };
  }
  return { done: true, ...(told.length === 0 ? {} : { detail: told.join('; ') }) };
}
