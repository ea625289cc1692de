/**
 * Recording histories to be replayed by later versions.
 *
 * `SQUALL_RECORD=1 npm test -- endings dead-man layers approval. budget. emergency-stop. notify/run janitor programs game-days/held` writes, for the
 * version in package.json, one file for each workflow that those tests name, as Temporal's protobuf. Record with the release that is being made; never over what is released.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import proto from '@temporalio/proto';
import { ROOT } from '../readme/blocks.ts';

const { History } = proto.temporal.api.history.v1;
type History = proto.temporal.api.history.v1.IHistory;

export const HISTORIES = join(import.meta.dirname, 'histories');

/** Writes the histories of a run that has ended and of its first lease, where recording is asked for. */
export async function record(client: Client, run: string, name = run): Promise<void> {
  await recordAs(client, run, `${name}.run`);
  await recordAs(client, `${run}/stage-1`, `${name}.lease`);
}

/** Writes the history so far of a workflow, where recording is asked for. */
export async function recordAs(client: Client, workflowId: string, name: string): Promise<void> {
  if (process.env['SQUALL_RECORD'] !== '1') return;
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  const folder = join(HISTORIES, version);
  await mkdir(folder, { recursive: true });
  const history = await client.workflow.getHandle(workflowId).fetchHistory();
  forgetIdentities(history);
  await writeFile(join(folder, `${name}.binpb`), History.encode(history).finish());
}

/** Reads what was recorded. */
export async function recorded(file: string): Promise<History> {
  return History.decode(await readFile(join(HISTORIES, file)));
}

/** Which process of which machine served a workflow is no part of what happened; sticky queues and traces name it. */
function forgetIdentities(value: unknown): void {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return;
  if ('identity' in value) value.identity = '';
  if ('stackTrace' in value) value.stackTrace = '';
  if ('normalName' in value && 'name' in value && value.normalName) value.name = value.normalName;
  Object.values(value).forEach(forgetIdentities);
}
