/**
 * Connections to Temporal.
 *
 * Owns how the server is found: the standard `TEMPORAL_*` variables and configuration file, by the SDK's own rules.
 */
import { Client, Connection, QueryRejectCondition } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { NativeConnection } from '@temporalio/worker';
import { dataConverter } from '../activities/packing.ts';

/** How long a first answer may take, in milliseconds. */
const CONNECT_MS = 5_000;

/** Temporal cannot be reached; the message says where it was looked for. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable';
}

/** What the environment says of Temporal cannot be used: a certificate that is not there, a configuration file that is none. */
export class InvalidConnection extends Error {
  override readonly name = 'InvalidConnection';
}

/** Where Temporal is, as the environment says. */
export interface Where {
  readonly address: string;
  readonly namespace: string;
}

/** Where this process would connect. Throws {@link InvalidConnection}. */
export function whereIsTemporal(): Where {
  const { connectionOptions, namespace } = settings();
  return { address: connectionOptions.address ?? 'localhost:7233', namespace: namespace ?? 'default' };
}

/** A client. Throws {@link Unreachable} and {@link InvalidConnection}. Queries of closed workflows are rejected unless `queryClosed`. */
export async function connectClient(options: { queryClosed?: boolean } = {}): Promise<Client> {
  const { connectionOptions } = settings();
  const { namespace } = whereIsTemporal();
  try {
    const connection = await Connection.connect({ ...connectionOptions, connectTimeout: CONNECT_MS });
    await connection.withDeadline(Date.now() + CONNECT_MS, () =>
      connection.workflowService.describeNamespace({ namespace }),
    );
    const reject = options.queryClosed ? QueryRejectCondition.NONE : QueryRejectCondition.NOT_OPEN;
    return new Client({ connection, namespace, dataConverter, workflow: { queryRejectCondition: reject } });
  } catch (error) {
    throw unreachable(error);
  }
}

/** A worker's connection. Throws {@link Unreachable} and {@link InvalidConnection}. */
export async function connectWorker(): Promise<NativeConnection> {
  const { connectionOptions } = settings();
  // Loaded here, since it is a native module that clients do without.
  const { NativeConnection } = await import('@temporalio/worker');
  try {
    return await NativeConnection.connect(connectionOptions);
  } catch (error) {
    throw unreachable(error);
  }
}

function settings(): ReturnType<typeof loadClientConnectConfig> {
  try {
    return loadClientConnectConfig();
  } catch (error) {
    const help = 'expected the TEMPORAL_* variables, or Temporal’s configuration file, to say where it is';
    throw new InvalidConnection(`Temporal’s settings cannot be used: ${reasonsOf(error)}; ${help}`, { cause: error });
  }
}

function unreachable(cause: unknown): Unreachable {
  const { address, namespace } = whereIsTemporal();
  const help =
    'Start one with `squall dev`, or set TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE and, where it asks for them, TEMPORAL_API_KEY and TEMPORAL_TLS_*.';
  return new Unreachable(
    `Temporal does not answer at ${address}, namespace ${namespace}: ${reasonsOf(cause)}. ${help}`,
    { cause },
  );
}

/** What went wrong and why, down to the first cause. */
function reasonsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${reasonsOf(error.cause)}`;
}
