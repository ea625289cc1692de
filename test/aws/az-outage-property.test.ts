/** Whoever dies when, and however late what was asked takes effect: every subnet has its own network ACL in the end. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { driver as azOutage } from '../../activities/faults/aws/az-outage.ts';
import { awsTargetId } from '../../activities/faults/aws/target.ts';
import type { Attempt, FaultDriver } from '../../activities/faults/driver.ts';
import { awsSettings } from '../../activities/targets/aws-settings.ts';
import type { Fault } from '../../domain/fault.ts';
import { beSomebody } from './account.ts';
import { NetworkOnPaper } from './network-on-paper.ts';
import { CUT, isRead, Shim } from './shim.ts';

/** How long a request may be under way, in milliseconds: as short as a site may have it. */
const REQUEST_MS = 250;
/** Worlds at once: most of their time is waiting. */
const AT_ONCE = 8;
/** For each of them. After a while no more are begun. */
const RUNS = 40;
const BUDGET_MS = 35_000;
/** How long an attempt goes on, in milliseconds. */
const ATTEMPT_MS = 20 * REQUEST_MS;
/** What does not end after so many tries never does. */
const TRIES = 20;
const LONG_MS = 600_000;
const INSTALLATION = 'lab';

/** What happens to the write that is the `at`th of its process. */
interface Trouble {
  readonly at: number;
  /** It never arrives; or its answer is lost; or it takes effect when nobody waits for it any more. */
  readonly how: 'cut' | 'lost' | 'late';
  /** Whether the process is killed there. */
  readonly dies: boolean;
  /** As a share of the latest that it may be. */
  readonly late: number;
}

/** When something begins, beside the attempt before it: with it, where it has its first trouble, or when all before have ended. */
type Starts = 'begun' | 'troubled' | 'ended';

/** An attempt, by a process of its own. Times are shares of the longest request. */
interface Step {
  readonly does: 'inject' | 'renew' | 'revert';
  readonly starts: Starts;
  /** How long after that. */
  readonly after: number;
  readonly troubles: readonly Trouble[];
  /** How long requests are under way, in turn. */
  readonly ways: readonly number[];
  /** How old what is read is, in turn, where it is ever old. */
  readonly ages: readonly number[];
}

interface World {
  readonly subnets: number;
  readonly steps: readonly Step[];
  /** Whether another subnet is cut off all the time: the ACL that denies everything is there before, and after. */
  readonly neighbour: boolean;
  /** When somebody reverts who lives. */
  readonly ends: Starts;
  /**
   * Whether an association keeps its id where its subnet is given the ACL that it has, of which AWS says nothing. Then what was asked
   * is no later than a request may be, and what is read is true; otherwise it is as late as it likes, and what is read may be old.
   */
  readonly keepsIds: boolean;
}

const share = fc.integer({ min: 0, max: 100 }).map((percent) => percent / 100);
const shares = (most: number): fc.Arbitrary<number[]> =>
  fc.array(
    share.map((one) => most * one),
    { minLength: 1, maxLength: 8 },
  );
const starts = fc.constantFrom<Starts>('begun', 'troubled', 'troubled', 'ended');
const trouble = fc.record<Trouble>({
  // The record, the ACL and the swap come first.
  at: fc.oneof({ weight: 3, arbitrary: fc.nat(2) }, { weight: 1, arbitrary: fc.nat(8) }),
  how: fc.constantFrom('cut', 'lost', 'late', 'late'),
  dies: fc.constantFrom(true, true, false),
  late: share,
});
const step = fc.record<Step>({
  does: fc.constantFrom('inject', 'inject', 'renew', 'revert', 'revert'),
  starts,
  after: fc.oneof(fc.constant(0), share),
  troubles: fc.array(trouble, { minLength: 1, maxLength: 2 }),
  ways: shares(0.15),
  ages: shares(1),
});
const world = fc.record<World>({
  subnets: fc.constantFrom(1, 1, 2),
  neighbour: fc.boolean(),
  ends: starts,
  steps: fc
    .array(step, { minLength: 1, maxLength: 4 })
    .map(([first, ...rest]): Step[] => [
      ...(first === undefined ? [] : [{ ...first, does: 'inject' as const }]),
      ...rest,
    ]),
  keepsIds: fc.boolean(),
});

/** Worlds that are always played: each is what some rule is there for. */
const dying = (at: number, how: Trouble['how'], late = 1): Trouble => ({ at, how, late, dies: true });
const one = (does: Step['does'], trouble: Trouble): Step => ({
  does,
  starts: 'troubled',
  after: 0,
  troubles: [trouble],
  ways: [0],
  ages: [0],
});
const KNOWN: Readonly<Record<string, World>> = {
  'a swap that comes long after everything has ended': {
    ...{ subnets: 1, neighbour: true, ends: 'troubled', keepsIds: false },
    steps: [one('inject', dying(1, 'late'))],
  },
  'a swap that comes between two looks': {
    ...{ subnets: 1, neighbour: true, ends: 'troubled', keepsIds: true },
    steps: [one('inject', dying(1, 'late'))],
  },
  'an ACL that comes long after everything has ended': {
    ...{ subnets: 1, neighbour: false, ends: 'troubled', keepsIds: false },
    steps: [one('inject', dying(1, 'late'))],
  },
  'an attempt that finds the fence of a revert that was killed after it': {
    ...{ subnets: 1, neighbour: false, ends: 'ended', keepsIds: false },
    steps: [one('inject', dying(3, 'cut')), one('revert', dying(0, 'lost')), one('inject', dying(8, 'cut'))],
  },
  'an attempt that goes on after a revert': {
    ...{ subnets: 1, neighbour: true, ends: 'troubled', keepsIds: false },
    steps: [{ ...one('inject', dying(1, 'late')), troubles: [{ ...dying(1, 'late', 0.5), dies: false }] }],
  },
};

/** A driver, with a way to the network of its own, on which it can be killed. */
class Process {
  readonly driver: FaultDriver<unknown>;
  readonly #shim: Shim;
  readonly #life = new AbortController();
  readonly #late: Promise<unknown>[] = [];
  readonly #troubled = Promise.withResolvers<undefined>();
  #requests = 0;
  #writes = 0;
  #answeredAtMs = performance.now();
  #isOverdue = false;

  private constructor(shim: Shim) {
    this.#shim = shim;
    const aws = awsSettings.parse({ regions: ['eu-west-1'], endpoint: shim.url, requestTimeout: REQUEST_MS });
    this.driver = azOutage({ name: 'lab', installation: INSTALLATION, stateDir: '', settings: { aws } });
  }

  static async open(network: NetworkOnPaper, keepsIds: boolean, step: Partial<Step> = {}): Promise<Process> {
    const { troubles = [], ways = [0], ages = [0] } = step;
    const shim = await Shim.open({ to: 'http://127.0.0.1:9' });
    const process = new Process(shim);
    shim.before('*', async (call) => {
      if (process.isDead) return CUT;
      const lookedAtMs = process.#answeredAtMs;
      const nth = process.#requests++;
      const trouble = isRead(call) ? undefined : troubles.find(({ at }) => at === process.#writes);
      if (!isRead(call)) process.#writes += 1;
      await sleep((ways[nth % ways.length] ?? 0) * REQUEST_MS);
      if (process.isDead) return CUT;
      if (trouble !== undefined) process.#troubled.resolve(undefined);
      if (trouble?.dies) process.#life.abort();
      if (trouble?.how === 'cut') return CUT;
      if (trouble?.how === 'late') await process.#isLate(trouble.late, keepsIds);
      const answer = network.answer(call, keepsIds ? 0 : (ages[nth % ages.length] ?? 0) * REQUEST_MS);
      process.#isOverdue ||= !isRead(call) && performance.now() - lookedAtMs > REQUEST_MS;
      process.#answeredAtMs = performance.now();
      return trouble === undefined ? answer : CUT;
    });
    return process;
  }

  async #isLate(late: number, keepsIds: boolean): Promise<void> {
    const landed = sleep(late * (keepsIds ? 0.7 : 8) * REQUEST_MS);
    this.#late.push(landed);
    await landed;
  }

  get isDead(): boolean {
    return this.#life.signal.aborted;
  }

  /** Has its first trouble, if it has one. */
  get troubled(): Promise<undefined> {
    return this.#troubled.promise;
  }

  /** Whether a write came longer after what was read before it than a request can be under way: this machine has other things to do. */
  get isOverdue(): boolean {
    return this.#isOverdue;
  }

  get attempt(): Attempt {
    const endsAtMs = performance.now() + ATTEMPT_MS;
    return { signal: this.#life.signal, remainingMs: () => endsAtMs - performance.now() };
  }

  /** What it has asked has taken effect, or never will. */
  async close(): Promise<void> {
    await Promise.all(this.#late);
    this.#life.abort();
    await sleep(2 * REQUEST_MS);
    await this.#shim.close();
  }
}

/** Whether what came of it tells anything. Rejects where a subnet is not as it was. */
async function holds(drawn: World): Promise<boolean> {
  const network = new NetworkOnPaper(drawn);
  const subnets = Array.from({ length: drawn.subnets }, () => network.subnet());
  const neighbours = drawn.neighbour ? [network.subnet()] : [];
  const survivor = await Process.open(network, drawn.keepsIds);
  try {
    const held = neighbours.map(faultOn);
    await survivor.driver.inject(held, survivor.attempt);
    if (!(await played(drawn, subnets.map(faultOn), survivor, network))) return false;
    // Nothing but what was written late is left to a sweep.
    for (const { id, acl } of subnets) assert.equal(network.aclOf(id), acl, `the network ACL of ${id} before a sweep`);
    await reverted(survivor, held);
    await swept(survivor);
  } finally {
    await survivor.close();
  }
  for (const { id, acl } of [...subnets, ...neighbours]) {
    assert.equal(network.aclOf(id), acl, `the network ACL of ${id}`);
    // Fences, and the time that a late renewal has written, go after an hour.
    const left = network.tagsOf(id).filter((key) => !key.startsWith('squall:ended-') && key !== 'squall:expires');
    assert.deepEqual(left, [], `tags of ${id}`);
  }
  assert.equal(network.acls, subnets.length + neighbours.length, 'how many network ACLs there are');
  return true;
}

function faultOn({ id: name }: { readonly id: string }): Fault<unknown> {
  const target = awsTargetId({ region: 'eu-west-1', kind: 'subnet', name });
  const params = { outside: '0%', singleZone: 'allow' };
  const lasts = { ttlMs: LONG_MS, notAfterMs: LONG_MS };
  return { id: `run/${target}`, installation: INSTALLATION, run: 'run', target, params, ...lasts };
}

/** Plays the steps, and reverts. Whether what came of it tells anything. */
async function played(
  { steps, ends, keepsIds }: World,
  faults: readonly Fault<unknown>[],
  survivor: Process,
  network: NetworkOnPaper,
): Promise<boolean> {
  const processes: Process[] = [];
  const attempts: Promise<unknown>[] = [];
  try {
    const start = async (when: Starts): Promise<void> => {
      if (when === 'troubled') await Promise.race([processes.at(-1)?.troubled, attempts.at(-1)]);
      if (when === 'ended') await Promise.all(attempts);
    };
    for (const step of steps) {
      await start(step.starts);
      await sleep(step.after * REQUEST_MS);
      const process = await Process.open(network, keepsIds, step);
      processes.push(process);
      attempts.push(Promise.resolve(process.driver[step.does]?.(faults, process.attempt)).catch(() => undefined));
    }
    await start(ends);
    await reverted(survivor, faults);
  } finally {
    await Promise.all(attempts);
    await Promise.all(processes.map((process) => process.close()));
  }
  return !keepsIds || processes.every(({ isOverdue }) => !isOverdue);
}

/** As a lease does it: until it is. */
async function reverted(process: Process, faults: readonly Fault<unknown>[]): Promise<void> {
  let left = [...faults];
  for (let tries = 1; left.length > 0; tries += 1) {
    const outcomes = await process.driver.revert(left, process.attempt);
    assert.ok(tries < TRIES, `a revert never ends: ${JSON.stringify(outcomes)}`);
    left = left.filter((_, i) => outcomes[i]?.result === 'failed');
  }
}

/** Until there is nothing: what came late may have written a record, or made an ACL. */
async function swept(process: Process): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      const found = await Array.fromAsync(process.driver.leftovers());
      assert.ok(tries < TRIES, `a sweep always finds something: ${JSON.stringify(found)}`);
      if (found.length === 0) return;
      await reverted(
        process,
        found.map(({ fault }) => fault),
      );
    } catch (error) {
      if (tries >= TRIES) throw error;
    }
  }
}

void describe('whatever dies, every subnet has its own network ACL in the end', { concurrency: AT_ONCE }, () => {
  beSomebody();
  for (const [title, known] of Object.entries(KNOWN)) void test(title, async () => void (await holds(known)));
  for (let i = 1; i <= AT_ONCE; i += 1)
    void test(`any interleaving of crash and retry, ${i} of ${AT_ONCE}`, async (context) => {
      const endsAtMs = performance.now() + BUDGET_MS;
      let told = 0;
      const property = fc.asyncProperty(world, async (drawn) => {
        if (performance.now() > endsAtMs) return;
        if (await holds(drawn)) told += 1;
      });
      // A failure names its seed. To make the world smaller takes long: say `endOnFailure: false` for it.
      await fc.assert(property, { numRuns: RUNS, endOnFailure: true });
      context.diagnostic(`${told} worlds`);
    });
});
