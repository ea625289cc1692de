/**
 * The emergency stop: being open is the latch.
 *
 * Owns the latch and nothing else: that the runs are told is an activity's business, tried again until the latch is
 * released. Only `resume` releases it; a cancel, from wherever it comes, does not.
 */
import { CancellationScope, condition, setCurrentDetails, setHandler } from '@temporalio/workflow';
import { describeStop } from '../domain/emergency-stop.ts';
import type { EmergencyStop } from '../domain/emergency-stop.ts';
import { resumeSignal, stopSignal } from './messages.ts';
import type { Resume } from './messages.ts';
import { enforcing } from './proxies.ts';

export async function emergencyStop(stop: EmergencyStop): Promise<Resume> {
  let resumed: Resume | undefined;
  setHandler(resumeSignal, (resume) => void (resumed ??= resume));
  // Whoever stops after somebody asked to resume means it.
  setHandler(stopSignal, () => (resumed = undefined));
  setCurrentDetails(`**${describeStop(stop)}.** No run is admitted; \`squall resume\` ends this, a cancel does not.`);
  return CancellationScope.nonCancellable(async () => {
    const telling = new CancellationScope();
    const told = telling.run(() =>
      enforcing().enforceStop.executeWithOptions({ summary: 'tell every open run' }, [stop]),
    );
    // It is told to go on for as long as the latch holds, so it ends by being cancelled.
    told.catch(() => undefined);
    await condition(() => resumed !== undefined);
    telling.cancel();
    await told.catch(() => undefined);
    return resumed as Resume;
  });
}
