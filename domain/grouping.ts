/**
 * Grouping: targets that fall into groups, of which each is hit seldom, and on its own.
 *
 * Owns the mean time between the hits of a group, by a draw at each tick that remembers nothing, as Netflix's Chaos Monkey and kube-monkey have it; and
 * what of a group a hit reaches. Pure.
 */
import type { StageSize } from './experiment.ts';
import { randomFrom } from './random.ts';
import { percent } from './units.ts';

/** How groups are told, and whose turn comes how often. */
export type Grouping =
  /** By the labels of kube-monkey. `dayMs`: in how much time of ticking a day of its `mtbf` is over, in milliseconds. */
  | { readonly by: 'kube-monkey'; readonly dayMs: number }
  /** By the value of a label, of those that have `optIn`, where that is asked for. `meanMs`: of ticking, in milliseconds. */
  | {
      readonly by: 'label';
      readonly label: string;
      readonly optIn?: { readonly label: string; readonly value: string };
      readonly meanMs: number;
    };

/** A group, as its site tells it. */
export interface TargetGroup {
  /** Names it: `shop/payments`. */
  readonly name: string;
  /** Only its targets have this, besides what was selected already. */
  readonly selector: { readonly namespace: string; readonly labels: Readonly<Record<string, string>> };
  /** The mean time between two hits of it, in milliseconds of ticking. */
  readonly meanMs: number;
  /** How far a hit goes; absent: as far as the experiment. */
  readonly kill?: Kill;
}

/** How far a hit goes, in kube-monkey's words. */
export type Kill =
  | { readonly mode: 'fixed'; readonly count: number }
  | { readonly mode: 'fixed-percent' | 'random-max-percent'; readonly share: number }
  | { readonly mode: 'kill-all' };

/** What a site tells of groups. */
export interface Groups {
  readonly groups: readonly TargetGroup[];
  /** Those that are none, and why: a label that cannot be read opts nobody in. */
  readonly left: readonly { readonly name: string; readonly why: string }[];
}

/** What a draw came to: whose turn it is, and how far it goes; nobody's mostly. */
export interface Drawn {
  readonly group: TargetGroup;
  /** Absent: as far as the experiment. */
  readonly size?: StageSize;
}

/**
 * Whose turn it is at one of the ticks that come `everyMs` apart: each group's with the chance of one tick in its mean time, and never two. Where
 * their chances together are more than one tick has, it is somebody's at each.
 */
export function drawGroup(groups: readonly TargetGroup[], everyMs: number, seed: string): Drawn | undefined {
  const random = randomFrom(`${seed} group`);
  const chances = groups.map(({ meanMs }) => Math.min(1, everyMs / meanMs));
  let left =
    random() *
    Math.max(
      1,
      chances.reduce((sum, chance) => sum + chance, 0),
    );
  for (const [i, group] of groups.entries()) {
    left -= chances[i] ?? 0;
    if (left >= 0) continue;
    const size = sizeOf(group.kill, random);
    return size === undefined ? { group } : size === 0 ? undefined : { group, size };
  }
  return undefined;
}

/** Undefined: as far as the experiment; 0: chance would have it reach nobody. */
function sizeOf(kill: Kill | undefined, random: () => number): StageSize | 0 | undefined {
  switch (kill?.mode) {
    case undefined:
      return undefined;
    case 'fixed':
      return { kind: 'count', count: kill.count, text: `${kill.count}` };
    case 'fixed-percent':
      return shareOf(kill.share);
    case 'random-max-percent': {
      const most = Math.round(kill.share * 100);
      const drawn = Math.floor(random() * (most + 1));
      return drawn === 0 ? 0 : shareOf(drawn / 100);
    }
    case 'kill-all':
      return shareOf(1);
  }
}

function shareOf(share: number): StageSize {
  return { kind: 'share', share, text: percent(share) };
}

/** The labels of https://github.com/asobti/kube-monkey. */
const KEYS = {
  enabled: 'kube-monkey/enabled',
  identifier: 'kube-monkey/identifier',
  mtbf: 'kube-monkey/mtbf',
  mode: 'kube-monkey/kill-mode',
  value: 'kube-monkey/kill-value',
};
/** By which an object opts in. */
export const KUBE_MONKEY: Readonly<Record<string, string>> = { [KEYS.enabled]: 'enabled' };

/** The group that a workload's labels make of its pods, or why they make none. */
export function kubeMonkeyGroup(
  {
    name,
    namespace,
    labels,
  }: { readonly name: string; readonly namespace: string; readonly labels: Readonly<Record<string, string>> },
  dayMs: number,
): TargetGroup | { readonly why: string } {
  const identifier = labels[KEYS.identifier] ?? '';
  const days = wholeOf(labels[KEYS.mtbf]);
  if (identifier === '') return { why: `it has no ${KEYS.identifier}` };
  if (days === undefined)
    return { why: `${KEYS.mtbf}: found ${labels[KEYS.mtbf] ?? 'nothing'}, expected whole days from 1` };
  const kill = killOf(labels[KEYS.mode], labels[KEYS.value]);
  if ('why' in kill) return kill;
  return {
    name: `${namespace}/${name}`,
    selector: { namespace, labels: { ...KUBE_MONKEY, [KEYS.identifier]: identifier } },
    meanMs: days * dayMs,
    kill,
  };
}

function killOf(mode: string | undefined, value: string | undefined): Kill | { readonly why: string } {
  const number = wholeOf(value);
  if (mode === 'kill-all') return { mode };
  if (mode !== undefined && mode !== 'fixed' && mode !== 'fixed-percent' && mode !== 'random-max-percent')
    return { why: `${KEYS.mode}: found ${mode}, expected fixed, fixed-percent, random-max-percent or kill-all` };
  // Where nothing is said, kube-monkey kills one.
  if (mode === undefined && value === undefined) return { mode: 'fixed', count: 1 };
  const isShare = mode === 'fixed-percent' || mode === 'random-max-percent';
  if (number === undefined || (isShare && number > 100))
    return {
      why: `${KEYS.value}: found ${value ?? 'nothing'}, expected a whole number ${isShare ? 'from 1 to 100' : 'from 1'}`,
    };
  return isShare ? { mode, share: number / 100 } : { mode: 'fixed', count: number };
}

function wholeOf(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-9]\d{0,5}$/.test(text) ? Number(text) : undefined;
}

/** In words. */
export function describeGrouping(grouping: Grouping): string {
  if (grouping.by === 'kube-monkey') return 'of groups by the labels of kube-monkey';
  const { label, optIn } = grouping;
  return `of groups by ${label}${optIn === undefined ? '' : `, of those with ${optIn.label}=${optIn.value}`}`;
}
