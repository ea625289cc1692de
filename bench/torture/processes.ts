/** Where runs harm processes of this host: half of them pause their victims, the others make them stutter. */
import { join } from 'node:path';
import type { Arena, Harmed } from './arena.ts';
import { BLOWS } from './blows.ts';
import { pausing } from './experiment.ts';
import { Lane } from './lane.ts';
import { Victims } from './victims.ts';

/** Runs struck by one blow. */
const SLOTS = 8;
/** Processes of one run. */
const VICTIMS = 6;

/** Opens an installation in the folder `home`. */
export async function processes(home: string, name: string): Promise<Arena> {
  const groups = Array.from({ length: SLOTS }, (_, slot) => `slot${slot}`);
  const lane = new Lane(home, name, { groups });
  await lane.up();
  return {
    lane,
    blows: BLOWS,
    onAtLeast: 1,
    clearMs: 0,
    harmed: () => Promise.all(groups.map((group, slot) => victims(lane, group, slot))),
    close: () => lane.down(),
  };
}

async function victims(lane: Lane, group: string, slot: number): Promise<Harmed> {
  const fault = slot % 2 === 0 ? 'host/moody-pause' : 'host/moody-stutter';
  const started = await Victims.start(join(lane.folder, 'victims'), group, VICTIMS);
  return {
    kind: 'processes',
    get firstHarmedMs() {
      return started.firstStoppedMs;
    },
    get lastHarmedMs() {
      return started.lastStoppedMs;
    },
    experiment: (seed, ttlMs) => pausing({ fault, group, seed, ttlMs }),
    isOn: () => started.harmedFor(0).length > 0,
    harmedFor: (ms) => started.harmedFor(ms).map((pid) => `process ${pid}`),
    async end() {
      await started.end();
      return [];
    },
  };
}
