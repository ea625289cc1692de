/**
 * Picking by evidence: the experiment that teaches most.
 *
 * Owns the model: what nobody has tried first; then risk × value × staleness × change, minus recent disruption. It reads nothing but past runs. Where
 * those tell nothing it takes each nearly in its turn, since whatever else would come first keeps something waiting.
 * `npm run bench -- --only pickers` says how well.
 */
import { byPlace, rounded } from './picking.ts';
import type { Candidate, Choosing, PastRun, Ranked } from './picking.ts';
import { randomFrom } from './random.ts';

/** What is known before anything was tested: one finding in four tests, as if so many had been made. */
const PRIOR = { found: 25, held: 75 };
/** The tests of one experiment that count; older ones say little of what it is now. */
const TESTS_MAX = 12;
/** How many tests that say nothing stand beside those that were made: what few of them tell is believed little. */
const DOUBT = { group: 3, again: 4, change: 2 };
/** How much more those may teach whose document has changed, before any such test was made (ratio). */
const CHANGE_PRIOR = 3;
/** What was learnt of repeated findings, and of changes, counts so often: it has to outweigh staleness. */
const POWER = { again: 3, change: 5, staleness: 10 };
/** Who waits longer than so many turns gains no more. */
const TURNS_MAX = 4;
/** What a disruption of the same target costs as it happens; half of it is forgotten with each tick. */
const DISRUPTION = 0.2;

/** Ranks those of the pool that are `open`, by their places. */
export function rankByEvidence(choosing: Choosing, open: readonly number[]): readonly Ranked[] {
  const { pool, past } = choosing;
  const runs = Map.groupBy(past, ({ experiment }) => experiment);
  const lessons = new Lessons(pool, runs);
  return open
    .map((pooled): Ranked => {
      const candidate = pool[pooled];
      if (!candidate) throw new RangeError(`a pool of ${pool.length} has no place ${pooled}`);
      const own = runs.get(candidate.experiment) ?? [];
      const reasons = {
        risk: rounded(lessons.risk(candidate)),
        value: rounded(chanceOf(own, `${choosing.seed} ${nameIn(pool, pooled)}`) * lessons.again(own)),
        staleness: rounded(stalenessOf(own, open.length, choosing)),
        change: rounded(lessons.change(candidate, own)),
        disruption: rounded(disruptionOf(candidate, choosing)),
      };
      const { risk, value, staleness, change, disruption } = reasons;
      const score = rounded(risk * value * staleness * change - disruption);
      const untested = own.length === 0 ? { untested: true as const } : {};
      const deployed = deploymentOf(candidate, own);
      const seen = deployed === undefined ? {} : { deployed };
      return { pooled, experiment: candidate.experiment, score, ...untested, reasons, ...seen };
    })
    .toSorted(byPlace);
}

/** How many tests were made, and how many of them found something. */
interface Tally {
  tests: number;
  found: number;
}

/** What the tests of all tell of one. Each ratio says how many times likelier than others it is to find something: 1 where nobody knows. */
class Lessons {
  /** Of each experiment that was tested, whether it ever found something. */
  readonly #tested: readonly { readonly candidate: Candidate; readonly found: boolean }[];
  readonly #all: Tally = { tests: 0, found: 0 };
  /** Of those that had found something before. */
  readonly #again: Tally = { tests: 0, found: 0 };
  /** Of those whose document had changed, or whose targets had been deployed, since the test before. */
  readonly #changed: Tally = { tests: 0, found: 0 };

  constructor(pool: readonly Candidate[], runs: ReadonlyMap<string, readonly PastRun[]>) {
    // An experiment counts once, however often it stands in the pool.
    const byName = new Map(pool.map((candidate) => [candidate.experiment, candidate]));
    this.#tested = [...byName.values()].flatMap((candidate) => {
      const tests = testsOf(runs.get(candidate.experiment) ?? []);
      return tests.length === 0 ? [] : [{ candidate, found: this.#take(tests) }];
    });
  }

  /** Whether any of them found something. */
  #take(tests: readonly PastRun[]): boolean {
    let found = false;
    let before: string | undefined;
    for (const { deviated, documentHash, afterDeployment } of tests) {
      const tallies = [this.#all];
      if (found) tallies.push(this.#again);
      const edited = before !== undefined && documentHash !== undefined && before !== documentHash;
      if (edited || afterDeployment === true) tallies.push(this.#changed);
      for (const tally of tallies) {
        tally.tests += 1;
        if (deviated === true) tally.found += 1;
      }
      found ||= deviated === true;
      before = documentHash ?? before;
    }
    return found;
  }

  get #usual(): number {
    return usualOf(this.#all);
  }

  /** By what others of its target, and of its fault, have found. */
  risk({ experiment, target, fault }: Candidate): number {
    const others = this.#tested.filter(({ candidate }) => candidate.experiment !== experiment);
    const tally = (list: typeof others): Tally => ({
      tests: list.length,
      found: list.filter(({ found }) => found).length,
    });
    const usual = usualOf(tally(others));
    const ratio = (list: typeof others): number => ratioOf(tally(list), usual, DOUBT.group, 1);
    return (
      ratio(others.filter(({ candidate }) => candidate.target === target)) *
      ratio(others.filter(({ candidate }) => candidate.fault === fault))
    );
  }

  /** For one that has found something before: whether such ones do so again. Nobody is neglected for what was mended. */
  again(own: readonly PastRun[]): number {
    if (!own.some(({ deviated }) => deviated === true)) return 1;
    return Math.max(1, ratioOf(this.#again, this.#usual, DOUBT.again, 1)) ** POWER.again;
  }

  /** For one whose document is another than that which was tested last, or whose targets were deployed since: whether such changes break things. */
  change(candidate: Candidate, own: readonly PastRun[]): number {
    const tested = testsOf(own).findLast((run) => run.documentHash !== undefined);
    const edited = tested !== undefined && tested.documentHash !== candidate.documentHash;
    if (!edited && deploymentOf(candidate, own) !== 'since-tested') return 1;
    return Math.max(1, ratioOf(this.#changed, this.#usual, DOUBT.change, CHANGE_PRIOR)) ** POWER.change;
  }
}

/** Whether its targets were deployed since it was tested; undefined where they were not, or nobody has tested it. What nobody could read changes nothing. */
function deploymentOf({ deployedAtMs }: Candidate, own: readonly PastRun[]): Ranked['deployed'] {
  const tested = testsOf(own).at(-1);
  if (deployedAtMs === undefined || tested === undefined) return undefined;
  if (deployedAtMs === null) return 'unknown';
  return deployedAtMs > tested.atMs ? 'since-tested' : undefined;
}

/** Those that came to a verdict. */
function testsOf(runs: readonly PastRun[]): readonly PastRun[] {
  return runs.filter(({ deviated }) => deviated !== null);
}

/** The share of tests that find something; one in four before there was any. */
function usualOf({ tests, found }: Tally): number {
  return (found + 1) / (tests + 4);
}

/** How many times likelier than `usual` these find something, where `doubt` tests are taken to have said `prior`. */
function ratioOf({ tests, found }: Tally, usual: number, doubt: number, prior: number): number {
  return (found / usual + doubt * prior) / (tests + doubt);
}

/** The name of one of the pool; of one that stands in it again, also as which time. */
function nameIn(pool: readonly Candidate[], place: number): string {
  const { experiment = '' } = pool[place] ?? {};
  const before = pool.slice(0, place).filter((one) => one.experiment === experiment).length;
  return before === 0 ? experiment : `${experiment} ${before + 1}`;
}

/**
 * The chance that it finds something, drawn from what its own tests leave open (Thompson sampling), and divided by what it is before any test:
 * one that was seldom tested, or has found something before, may draw high.
 */
function chanceOf(own: readonly PastRun[], seed: string): number {
  const tests = testsOf(own).slice(-TESTS_MAX);
  const found = tests.filter(({ deviated }) => deviated).length;
  const drawn = beta(PRIOR.found + found, PRIOR.held + tests.length - found, randomFrom(seed));
  return drawn / (PRIOR.found / (PRIOR.found + PRIOR.held));
}

/** A number from the beta distribution of whole parameters: of so many uniform ones the one in that place. */
function beta(found: number, held: number, random: () => number): number {
  let drawn = 0;
  // The least of those that are left lies between the one before and 1.
  for (let left = found + held - 1; left >= held; left--) drawn += (1 - drawn) * (1 - (1 - random()) ** (1 / left));
  return drawn;
}

/**
 * How long nobody has tried it, in turns of those that are not passed over. Who waits twice as long is a thousand times more worth, so that nobody is forgotten. An attempt without a
 * verdict counts: what is always refused must not starve the others.
 */
function stalenessOf(own: readonly PastRun[], turn: number, { nowMs, everyMs }: Choosing): number {
  const last = own.at(-1);
  if (!last) return 1;
  const turns = (nowMs - last.atMs) / (everyMs * turn);
  return Math.min(TURNS_MAX, Math.max(0, turns)) ** POWER.staleness;
}

/** What its target has been through lately. */
function disruptionOf({ target }: Candidate, { pool, past, nowMs, everyMs }: Choosing): number {
  const there = new Set(pool.filter((one) => one.target === target).map(({ experiment }) => experiment));
  let sum = 0;
  for (const { experiment, aborted, deviated, atMs } of past)
    if (there.has(experiment) && (aborted || deviated === true)) sum += 2 ** -((nowMs - atMs) / everyMs);
  return DISRUPTION * sum;
}
