/** The suite on drivers that cheat: `suite.test.ts` runs it, and looks at which cases fail. */
import { conformance } from '../../activities/faults/conformance.ts';
import { timedLab } from './timed.ts';
import type { Cheat } from './timed.ts';

for (const cheat of ['the worker ends it', 'is deaf to the signal', 'forgets the time'] satisfies Cheat[])
  conformance(cheat, () => timedLab(cheat));
