/**
 * Into a test's bundle of workflows: lets `hold` and `watch` be tried again.
 *
 * The time-skipping server does not skip while an activity runs. A stub that asks to be tried again in a month runs for no
 * time at all, and is as endless as the real activity.
 */
import type { WorkflowInterceptors } from '@temporalio/workflow';

const ENDLESS: ReadonlySet<string> = new Set(['hold', 'watch']);

export const interceptors = (): WorkflowInterceptors => ({
  outbound: [
    {
      scheduleActivity(input, next) {
        if (!ENDLESS.has(input.activityType)) return next(input);
        const { retry: _once, ...options } = input.options;
        return next({ ...input, options });
      },
    },
  ],
});
