import { conformance } from '../../activities/faults/conformance.ts';
import { processLab } from './processes.ts';

conformance('host/pause', () => processLab('pause', {}));
conformance('host/stutter', () => processLab('stutter', { stop: '2s', run: '20ms' }));
conformance('host/kill', () => processLab('kill', {}, true));
