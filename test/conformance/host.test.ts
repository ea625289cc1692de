import { describe } from 'node:test';
import { conformance } from '../../activities/faults/conformance.ts';
import { processLab } from './processes.ts';

// Most of it is waiting.
describe('faults of a host, side by side', { concurrency: 3 }, () => {
  conformance('host/pause', () => processLab('pause', {}));
  conformance('host/stutter', () => processLab('stutter', { stop: '2s', run: '20ms' }));
  conformance('host/kill', () => processLab('kill', {}, true));
});
