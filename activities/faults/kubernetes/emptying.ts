/**
 * Emptying a node: its pods are evicted, as long as the fault holds the node.
 *
 * Owns which pods go and which stay, and why. An owner is written down before any pod of it goes, and its last ready pod never
 * does: that is waited for, like a disruption budget. Must never evict what nobody would replace.
 */
import type { InjectResult, Outcome } from '../../../domain/fault.ts';
import { PROTECTED, protectionOf } from '../../../domain/policy.ts';
import { hasAll } from '../../kubernetes/labels.ts';
import { holds, listPath, MIRROR, podSchema } from '../../kubernetes/objects.ts';
import type { Pod } from '../../kubernetes/objects.ts';
import type { PodName } from '../../kubernetes/own-pod.ts';
import { pause } from '../../pause.ts';
import { reasonOf } from '../../probes/reading.ts';
import { mayTouch } from '../../targets/kubernetes-settings.ts';
import { isOver } from '../driver.ts';
import type { Attempt } from '../driver.ts';
import { BUDGET_MS, evict } from './eviction.ts';
import { inTurn } from './in-turn.ts';
import type { Holding } from './object-fault.ts';
import { findOwner, ownerAt } from './owner.ts';
import type { Owner } from './owner.ts';
import { OVER } from './slotted.ts';

/** Pods that stayed, named in an outcome; the rest are counted. */
const NAMED_MAX = 10;
/** What is left of an attempt to say which pods stayed, in milliseconds. */
const LAST_WORDS_MS = 2_500;

/** One pod's eviction is tried again for no longer than this before it has to wait like the others, in milliseconds. */
const TRY_MS = 4_000;
const LAPSED = { result: 'lapsed', detail: 'it was reverted, or its time was over, in the midst of it' } as const;

/** What is written on the node while it is emptied: whose pods may have been evicted, with what they had ready before. */
export interface Emptied {
  readonly owners: readonly Owner[];
}

/** How a node is emptied. */
export interface Emptying {
  readonly node: string;
  readonly gracePeriod?: number | undefined;
  /** Pods with one of these labels stay, besides those that every policy protects. */
  readonly spare: Readonly<Record<string, string>>;
  /** The pod of this worker, which stays. */
  readonly own: PodName | undefined;
}

/** Why pods stay, by their names. */
type Stayed = Map<string, string>;
interface Going {
  readonly pod: Pod;
  readonly owner: Owner;
}

/** Evicts what may go, and says what stayed when the attempt's time is over. */
export async function emptyNode<Undo extends Emptied>(
  asked: Emptying,
  holding: Holding<Undo>,
): Promise<Omit<Outcome<InjectResult>, 'id'>> {
  const { attempt } = holding;
  let waited: Stayed = new Map();
  for (;;) {
    if (isOver(attempt)) return OVER;
    const { going, stay } = await sorted(asked, holding);
    const kept = await holding.keep((undo) => ({ ...undo, owners: joined(undo.owners, going) }));
    if (kept === undefined) return LAPSED;
    if (going.length === 0) return { result: 'injected', ...words(stay) };
    const waiting = await evictSome(going, waited, asked, holding);
    if (attempt.signal.aborted) return OVER;
    if (waiting === undefined) return LAPSED;
    if (attempt.remainingMs() <= LAST_WORDS_MS) return { result: 'injected', ...words(new Map([...waiting, ...stay])) };
    if (waiting.size > 0) await pause(BUDGET_MS, attempt.signal);
    waited = waiting;
  }
}

/** The pods of the node that go, with their owners, and those that stay although they would have to go. */
async function sorted(asked: Emptying, holding: Holding<Emptied>): Promise<{ going: Going[]; stay: Stayed }> {
  const { api, attempt, settings } = holding;
  const going: Going[] = [];
  const stay: Stayed = new Map();
  const query = { fieldSelector: `spec.nodeName=${asked.node},status.phase!=Succeeded,status.phase!=Failed` };
  for (const namespace of settings.namespaces ?? [undefined]) {
    for await (const pod of api.list(listPath('pod', namespace), query, podSchema, attempt)) {
      if (isOfTheNode(pod) || pod.metadata.deletionTimestamp !== undefined) continue;
      const owner = whyItStays(pod, asked, holding) ?? (await findOwner(pod.metadata, api, attempt));
      const why = typeof owner === 'string' ? owner : onlyOne(owner);
      if (typeof owner === 'string' || why !== undefined) stay.set(shownAs(pod), why ?? '');
      else going.push({ pod, owner });
    }
  }
  return { going, stay };
}

/** Whether a pod is there because the node is: another would be started at once, or nothing would happen. */
function isOfTheNode({ metadata: { annotations, ownerReferences } }: Pod): boolean {
  return (
    Object.hasOwn(annotations, MIRROR) ||
    ownerReferences.some(({ controller, kind }) => controller && kind === 'DaemonSet')
  );
}

function whyItStays(
  { metadata: { namespace = '', name, labels } }: Pod,
  { spare, own }: Emptying,
  { settings }: Holding<Emptied>,
): string | undefined {
  if (!mayTouch(settings, namespace)) return 'in a namespace that this site may not touch';
  if (own?.namespace === namespace && own.name === name) return 'this worker itself';
  if (labels['app.kubernetes.io/part-of'] === 'squall') return 'part of Squall';
  const why = protectionOf(PROTECTED, { labels, namespace });
  if (why !== undefined) return why;
  const label = Object.entries(spare).find(([key, value]) => hasAll(labels, { [key]: value }));
  return label && `spared by the label ${label.join('=')}`;
}

function onlyOne({ replicas }: Owner): string | undefined {
  return replicas !== undefined && replicas <= 1 ? 'all there is of its owner' : undefined;
}

/** What is known, and who comes in addition: what they have ready now is what they had. */
function joined(known: readonly Owner[], going: readonly Going[]): Owner[] {
  const owners = new Map([...going.map(({ owner }) => owner), ...known].map((owner) => [owner.uid, owner]));
  return [...owners.values()];
}

/** Evicts what may go now; returns what has to wait, and why; undefined where the node is held no more. */
async function evictSome(
  going: readonly Going[],
  waited: Stayed,
  asked: Emptying,
  holding: Holding<Emptied>,
): Promise<Stayed | undefined> {
  const waiting: Stayed = new Map();
  let isHeld = true;
  const ofOwners = Map.groupBy(going, ({ owner }) => owner.uid);
  await Promise.all(
    [...ofOwners].map(async ([uid, pods]) => {
      for (const { pod, owner } of pods) {
        if (!isHeld || isOver(holding.attempt)) return;
        try {
          // Other nodes with pods of this owner may be emptied at the same time.
          const why = await inTurn(uid, () => evictOne(pod, owner, asked, holding));
          if (why !== undefined) waiting.set(shownAs(pod), why);
        } catch (error) {
          // What is wrong with one pod must not keep the others; that no time is left says less than why it had to wait before.
          const before = isOver(tryOf(holding.attempt)) ? waited.get(shownAs(pod)) : undefined;
          waiting.set(shownAs(pod), before ?? reasonOf(error));
        }
        if (!(await holding.holds())) isHeld = false;
      }
    }),
  );
  return isHeld ? waiting : undefined;
}

/** Evicts a pod unless it is the last ready one of its owner, counted just before; why it has to wait, or undefined. */
async function evictOne(
  pod: Pod,
  owner: Owner,
  { gracePeriod }: Emptying,
  { api, attempt, ...holding }: Holding<Emptied>,
): Promise<string | undefined> {
  if (holds(pod, 'Ready')) {
    const now = await ownerAt(owner, owner.uid, api, attempt);
    if (now === undefined) return 'its owner is gone';
    if (now.ready < 2) return 'the last ready replica of its owner';
  }
  if (isOver(attempt) || !(await holding.holds())) return undefined;
  const answer = await evict(pod.metadata, gracePeriod, api, tryOf(attempt));
  return typeof answer === 'object' ? answer.overBudget : undefined;
}

/** As much of an attempt as one eviction may take, so that one that always fails leaves time for the others, and to say so. */
function tryOf(attempt: Attempt): Attempt {
  const endsAtMs = performance.now() + TRY_MS;
  return {
    signal: attempt.signal,
    remainingMs: () => Math.min(attempt.remainingMs() - LAST_WORDS_MS, endsAtMs - performance.now()),
  };
}

function shownAs({ metadata: { namespace, name } }: Pod): string {
  return `${namespace ?? ''}/${name}`;
}

function words(stayed: Stayed): { readonly detail?: string } {
  if (stayed.size === 0) return {};
  const named = [...stayed].slice(0, NAMED_MAX).map(([pod, why]) => `${pod} (${why})`);
  const more = stayed.size > NAMED_MAX ? [`${stayed.size - NAMED_MAX} more`] : [];
  return { detail: `${stayed.size} pods stayed: ${[...named, ...more].join(', ')}` };
}
