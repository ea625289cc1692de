/**
 * The control worker's activities of game days.
 *
 * Owns the wiring; what each does is in the module that it calls.
 */
import { Context } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import { beating } from '../attempt.ts';
import type { JournalStore } from '../journal/store.ts';
import type { AlertSource } from './alerts.ts';
import { attendDay } from './attend.ts';
import type { Attended } from './attend.ts';
import { auditDay } from './audit.ts';
import { endRuns } from './end-runs.ts';
import type { GameDayActivities } from './interface.ts';
import { judgeDay } from './judge.ts';

/** What they work with. */
export interface GameDayControl {
  readonly store: Pick<JournalStore, 'days' | 'audit'>;
  readonly client: Client;
  readonly installation: string;
  /** Where alerts are known; none where no Alertmanager is configured. */
  readonly alerts: readonly AlertSource[];
}

export function gameDayActivities(control: GameDayControl): GameDayActivities {
  const { client, installation, alerts } = control;
  const { days } = control.store;
  return {
    async keepDay(day, events) {
      const named = events.map((event) => (event.type === 'called' ? { ...event, installation } : event));
      await days.append(day, named);
      await auditDay(control.store, day, named);
      return { execution: Context.current().info.workflowExecution?.runId ?? '' };
    },
    attendDay(input) {
      const { info, cancellationSignal } = Context.current();
      let beat = info.heartbeatDetails as Attended | undefined;
      const execution = info.workflowExecution?.runId ?? '';
      return beating(
        () =>
          attendDay(
            { days, client, alerts, execution, before: beat, signal: cancellationSignal },
            input,
            (attended) => {
              beat = attended;
            },
          ),
        () => beat,
      );
    },
    judgeDay(input) {
      const { info, cancellationSignal } = Context.current();
      const execution = info.workflowExecution?.runId ?? '';
      return beating(() => judgeDay({ days, client, execution, signal: cancellationSignal }, input));
    },
    endRuns: (input) => beating(() => endRuns(days, client, input, Context.current().cancellationSignal)),
  };
}
