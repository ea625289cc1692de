/**
 * Faults that have a service fail over, once: of a database, or of a cache.
 *
 * Owns that it is asked for at most once. It is written down before; an answer that did not come is looked for on the resource. Asked again
 * it is only by whoever has asked, where AWS refused, or where nothing has come of it for longer than a request can be under way. Nothing
 * is undone: verified is that the other one has taken over, that everybody is available, and that the endpoint answers.
 */
import { z } from 'zod';
import type { Fault } from '../../../domain/fault.ts';
import { targetKey } from '../../../domain/target-key.ts';
import { answers } from '../../aws/endpoint.ts';
import type { Endpoint } from '../../aws/endpoint.ts';
import { slownessMs } from '../../targets/aws-settings.ts';
import type { DriverFactory } from '../driver.ts';
import { mayPass } from './passing.ts';
import { refusals } from './refusals.ts';
import { taggedFault } from './tagged-fault.ts';
import type { Acting, TaggedFault } from './tagged-fault.ts';
import type { Tagged } from './tagged.ts';
import type { Looking } from './tagged-site.ts';

const undoRecord = z.object({
  /** Who, or which zone, had the part that moves; undefined where AWS does not tell. */
  from: z.string().optional(),
  /** Of a cache, what of it fails over. */
  shard: z.string().optional(),
  /** Whether its endpoint could be reached from the worker before. */
  answers: z.boolean(),
  /** When it was asked for, by AWS's clock, in milliseconds since 1970; undefined where it was not. */
  asked: z.number().optional(),
  /** Whether AWS has said yes, or it was seen to begin. */
  accepted: z.literal(true).optional(),
});
/** What is known of a failover, small enough for the tag of a fence. */
export type FailoverRecord = z.infer<typeof undoRecord>;

/** What differs between services. */
export interface Failover<Params, Live extends Tagged> extends Pick<
  TaggedFault<Params, Live, FailoverRecord>,
  'kind' | 'summary' | 'params' | 'resource' | 'permissions' | 'undo'
> {
  /** Who it fails over from, or why it must not. Changes nothing. */
  readonly from: (
    live: Live,
    params: Params,
    looking: Looking,
  ) => Promise<Pick<FailoverRecord, 'from' | 'shard'> | string>;
  /** Asks for it. */
  readonly ask: (live: Live, record: FailoverRecord, params: Params, looking: Looking) => Promise<unknown>;
  /** Whether one that was asked for is under way, or over. */
  readonly isBegun: (live: Live, record: FailoverRecord, looking: Looking) => Promise<boolean>;
  /** Whether another one has taken over. */
  readonly isMoved: (live: Live, record: FailoverRecord, looking: Looking) => Promise<boolean>;
  /** What is not available, in words; undefined when everything is. */
  readonly unavailable: (live: Live, record: FailoverRecord, looking: Looking) => Promise<string | undefined>;
  /** Where its clients write; undefined where AWS does not tell. */
  readonly endpoint: (live: Live, record: Pick<FailoverRecord, 'shard'>) => Endpoint | undefined;
}

/**
 * Until everything is available again, in milliseconds: mostly one or two minutes, longer where there is much to recover
 * (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.MultiAZ.Failover.html).
 */
const REVERT_MS = 600_000;
/** Nothing has come of a request if nothing is seen this many times the longest request after it was sent: what AWS tells may lag behind. */
const NOTHING = 5;
/** Whatever was asked for without an answer, by whoever died of it, has begun after this many times the longest request, or never will. */
const DOUBT = 12;

/**
 * How far this worker has come with each fault: it is to be asked for; it is about to be, by an attempt which another one must not join; it
 * was, at a time of `performance.now()`; it was accepted. What AWS tells of a record may be older than that. A failover is rare, so nothing
 * is forgotten.
 */
type Asking = Map<string, 'to be asked' | 'about to' | number | 'accepted'>;

/** Builds the driver of such a fault. */
export function failover<Params, Live extends Tagged>(what: Failover<Params, Live>): DriverFactory<Params> {
  return (site) => {
    const asking: Asking = new Map();
    return taggedFault<Params, Live, FailoverRecord>({
      ...what,
      reversal: 'heals',
      revertMs: REVERT_MS,
      undoRecord,
      unfit: (targets, params, anywhere) =>
        refusals(what.resource, targets, anywhere, async (live, looking) => {
          const found = await what.from(live, params, looking);
          return typeof found === 'string' ? found : undefined;
        }),
      async record(live, { params }, looking) {
        const found = await what.from(live, params, looking);
        if (typeof found === 'string') return found;
        const endpoint = what.endpoint(live, found);
        const isReached = endpoint !== undefined && (await answers(endpoint, looking.settings.requestTimeout));
        return { undo: { ...found, answers: isReached } };
      },
      act: (live, record, fault, acting) => act(what, asking, live, record, fault, acting),
      isOn: (_live, { accepted }) => accepted === true,
      async told(_live, { answers: isReached }) {
        return isReached ? undefined : 'its endpoint cannot be reached from here: it is not verified that it answers';
      },
      heal: async () => ({ done: true }),
      unhealed: (live, record, _fault, looking) => unhealed(what, live, record, looking),
    })(site);
  };
}

async function act<Params, Live extends Tagged>(
  what: Failover<Params, Live>,
  asking: Asking,
  live: Live,
  record: FailoverRecord,
  fault: Fault<Params>,
  acting: Acting<FailoverRecord>,
): Promise<void> {
  const key = targetKey(`${fault.installation} ${fault.id}`);
  const asked = record.asked === undefined ? { ...record, asked: Math.round(acting.nowMs()) } : record;
  const accept = async (): Promise<void> => {
    asking.set(key, 'accepted');
    acting.answered();
    // It is on all the same, and whoever verifies it looks.
    await acting.keep({ ...asked, accepted: true }).catch(mayPass);
  };
  const mine = asking.get(key);
  if (mine === 'accepted') return acting.answered();
  // An attempt that was given up goes on for a while beside the next one.
  if (mine === 'about to') return;
  if (mine !== 'to be asked' && (mine !== undefined || record.asked !== undefined)) {
    if (await what.isBegun(live, asked, acting)) return accept();
    // Whoever asked and died may have been heard, and is not asked for again.
    if (mine !== undefined && performance.now() - mine > NOTHING * slownessMs(acting.settings))
      asking.set(key, 'to be asked');
    return;
  }
  // Who was refused may have been so since another worker's request was heard.
  if (mine === 'to be asked' && (await what.isMoved(live, asked, acting))) return accept();
  asking.set(key, 'about to');
  let holds = false;
  try {
    if (record.asked === undefined) await acting.keep(asked);
    holds = await acting.holds();
  } finally {
    asking.set(key, holds ? performance.now() : 'to be asked');
  }
  if (!holds) return;
  try {
    await what.ask(live, record, fault.params, acting);
  } catch (error) {
    if (isRefusal(error)) {
      asking.set(key, 'to be asked');
      await acting.keep({ ...record, asked: undefined }).catch(mayPass);
    }
    throw error;
  }
  return accept();
}

/** Whether AWS has answered that it does not do it. Of what failed on its side nobody knows. */
function isRefusal(error: unknown): boolean {
  const { $metadata } = error as { $metadata?: { httpStatusCode?: number } };
  const { httpStatusCode: status = 0 } = $metadata ?? {};
  return status >= 400 && status < 500;
}

async function unhealed<Params, Live extends Tagged>(
  what: Failover<Params, Live>,
  live: Live,
  record: FailoverRecord,
  looking: Looking,
): Promise<string | undefined> {
  const { asked, accepted, answers: wasReached } = record;
  const isDue =
    asked !== undefined && (accepted === true || looking.nowMs() - asked < DOUBT * slownessMs(looking.settings));
  if (isDue && !(await what.isMoved(live, record, looking))) return 'nobody else has taken over';
  const why = await what.unavailable(live, record, looking);
  if (why !== undefined || !wasReached) return why;
  const endpoint = what.endpoint(live, record);
  if (endpoint === undefined) return 'AWS does not say where its endpoint is';
  const isReached = await answers(endpoint, looking.settings.requestTimeout);
  return isReached ? undefined : `its endpoint ${endpoint.host}:${endpoint.port} does not answer`;
}
