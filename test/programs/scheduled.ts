/**
 * A program on a real server: an installation, three processes to be harmed, and the command line that schedules what harms them.
 *
 * Its own times are far away: ticks come when a test tells them to.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Lane } from '../../bench/torture/lane.ts';
import { Victims } from '../../bench/torture/victims.ts';
import { scheduledCadences } from '../../workers/schedules.ts';
import type { Scheduled } from '../../workers/schedules.ts';
import type { TickResult } from '../../workflows/messages.ts';
import { squall } from '../cli/squall.ts';
import { until } from '../until.ts';

/** An experiment on one of three processes of a group, as a document. */
export const experiment = (name: string, fault: string, hold: string, more = '', group = 'victims'): string => `---
experiment: ${name}
hypothesis: It is alive
steadyState: [{ probe: alive, min: 1 }]
fault: ${fault}
${more}targets: { site: torture, group: ${group} }
blastRadius: { stages: [1], hold: ${hold} }
stopConditions: [{ probe: alive, below: 1, for: 10s }]
recoverWithin: 20s
sampleEvery: 500ms
timeToLive: 30s
`;

/** The program `shop-monkey`, whose one cadence has `more` keys. */
export function document(hold: string, cadence = 'seldom', more = ''): string {
  return `program: shop-monkey
cadences:
  - { cadence: ${cadence}, every: 30d, pool: [one-frozen, { experiment: one-stutters, draw: { stop: [20ms, 400ms] } }]${more} }
${experiment('one-frozen', 'host/pause', hold)}${experiment('one-stutters', 'host/stutter', hold, 'with: { stop: 100ms, run: 50ms }\n')}`;
}

/** The installation. */
export class ScheduledProgram {
  readonly lane: Lane;
  /** Of the first group. */
  readonly victims: Victims;
  readonly env: Readonly<Record<string, string>>;
  readonly #folder: string;

  readonly #all: readonly Victims[];

  private constructor(folder: string, lane: Lane, all: readonly Victims[]) {
    this.#folder = folder;
    this.lane = lane;
    this.#all = all;
    this.victims = all[0] ?? assert.fail('no group');
    this.env = { TEMPORAL_ADDRESS: lane.address, SQUALL_CONFIG: lane.config, SQUALL_AS: 'alice' };
  }

  static async open(groups: readonly string[] = ['victims']): Promise<ScheduledProgram> {
    const folder = await mkdtemp(join(tmpdir(), 'squall-program-'));
    const lane = new Lane(folder, 'program', { groups });
    await lane.up();
    const all = await Promise.all(groups.map((group) => Victims.start(join(folder, 'victims'), group, 3)));
    return new ScheduledProgram(folder, lane, all);
  }

  /** Pids of those that stand still. */
  stopped(): number[] {
    return this.#all.flatMap((victims) => victims.stopped());
  }

  async close(): Promise<void> {
    for (const victims of this.#all) await victims.end();
    await this.lane.down();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** The file of this text. */
  async file(text: string): Promise<string> {
    const path = join(this.#folder, 'program.yaml');
    await writeFile(path, text);
    return path;
  }

  /** What `squall schedule` prints, which must not fail. */
  async schedule(...args: readonly string[]): Promise<string> {
    const { code, out, err } = await squall(['schedule', ...args], this.env);
    assert.equal(code, 0, `${args.join(' ')}: ${out}${err}`);
    return out;
  }

  /** What `squall schedule apply` prints of this text. */
  async apply(text: string, ...options: readonly string[]): Promise<string> {
    return this.schedule('apply', await this.file(text), ...options);
  }

  async listed(): Promise<Scheduled | undefined> {
    return (await scheduledCadences(this.lane.client)).find(({ program }) => program === 'shop-monkey');
  }

  /** Has a tick begin now; its id. */
  async tick(): Promise<string> {
    const known = new Set((await this.listed())?.ticks);
    await this.schedule('tick', 'shop-monkey');
    let begun: string | undefined;
    await until(async () => {
      begun = (await this.listed())?.ticks.find((id) => !known.has(id));
      return begun !== undefined;
    });
    return begun ?? assert.fail();
  }

  async resultOf(tick: string): Promise<TickResult> {
    return (await this.lane.client.workflow.getHandle(tick).result()) as TickResult;
  }

  /** What a tick that begins now has done. */
  async ticked(): Promise<TickResult> {
    return this.resultOf(await this.tick());
  }
}
