import { conformance } from '../../activities/faults/conformance.ts';
import { driver as kill } from '../../activities/faults/host/kill.ts';
import { driver as pause } from '../../activities/faults/host/pause.ts';
import { driver as stutter } from '../../activities/faults/host/stutter.ts';
import { processLab } from './processes.ts';

conformance('host/pause', () => processLab(pause, {}));
conformance('host/stutter', () => processLab(stutter, { stop: '2s', run: '20ms' }));
conformance('host/kill', () => processLab(kill, {}, true));
