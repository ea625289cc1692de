/**
 * Connections to Temporal.
 *
 * Owns how the server is found: the standard `TEMPORAL_*` variables and configuration file, by the SDK's own rules.
 */
import { Client, Connection, QueryRejectCondition } from '@temporalio/client';

import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { NativeConnection } from '@temporalio/worker';

/** How long a first answer may take, in milliseconds. */
const CONNECT_MS = 5_000;

/** Temporal cannot be reached; the message says where it was looked for. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable';
}

/** Where Temporal is, as the environment says. */
export interface Where {
  readonly address: string;
  readonly namespace: string;
}

/** Where this process would connect. */
export function whereIsTemporal(): Where {
  const { connectionOptions, namespace } = loadClientConnectConfig();
  return { address: connectionOptions.address ?? 'localhost:7233', namespace: namespace ?? 'default' };
}

/** A client. Throws {@link Unreachable}. Queries of closed workflows are rejected unless `queryClosed`. */
export async function connectClient(options: { queryClosed?: boolean } = {}): Promise<Client> {
  const { connectionOptions } = loadClientConnectConfig();
  const { namespace } = whereIsTemporal();
  try {
    const connection = await Connection.connect({ ...connectionOptions, connectTimeout: CONNECT_MS });
    await connection.withDeadline(Date.now() + CONNECT_MS, () =>
      connection.workflowService.describeNamespace({ namespace }),
    );
    const reject = options.queryClosed ? QueryRejectCondition.NONE : QueryRejectCondition.NOT_OPEN;
    return new Client({ connection, namespace, workflow: { queryRejectCondition: reject } });
  } catch (error) {
    throw unreachable(error);
  }
}

/** A worker's connection. Throws {@link Unreachable}. */
export async function connectWorker(): Promise<NativeConnection> {
  const { connectionOptions } = loadClientConnectConfig();
  // Loaded here, since it is a native module that clients do without.
  const { NativeConnection } = await import('@temporalio/worker');
  try {
    return await NativeConnection.connect(connectionOptions);
  } catch (error) {
    throw unreachable(error);
  }
}

function unreachable(cause: unknown): Unreachable {
  const { address, namespace } = whereIsTemporal();
  const what = cause instanceof Error ? cause.message : String(cause);
  const help = 'Start one with `squall dev`, or set TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE.';
  return new Unreachable(`Temporal does not answer at ${address}, namespace ${namespace}: ${what}. ${help}`, { cause });
}
