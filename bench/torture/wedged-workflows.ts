/** Workflows after a bad deploy: a run begins with a timer that no recorded history has. The lease is unchanged. */
import { sleep } from '@temporalio/workflow';

export async function experiment(): Promise<void> {
  await sleep('1 hour');
}
export { lease } from '../../workflows/lease.ts';
