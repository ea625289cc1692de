/** Calling a game day: the one way to ask Temporal for one. */
import type { Client, WorkflowHandle } from '@temporalio/client';
import { CONTROL_QUEUE } from '../domain/queues.ts';
import type { GameDayInput } from '../workflows/messages.ts';

/** Starts the workflow of a day, whose name is the workflow's id. Nothing begins before its commander says so. */
export async function startDay(client: Client, day: string, input: GameDayInput): Promise<WorkflowHandle> {
  const { gameDay } = input;
  return client.workflow.start('gameDay', {
    workflowId: day,
    taskQueue: CONTROL_QUEUE,
    args: [input],
    workflowTaskTimeout: '2s',
    memo: { gameDay: gameDay.name },
    staticSummary: `game day ${gameDay.name}`,
    staticDetails: `**${gameDay.name}**, commanded by ${gameDay.roles.commander}\n\n${gameDay.purpose}`,
  });
}
