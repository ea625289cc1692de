/**
 * Search attributes: what runs can be filtered by in the Temporal UI.
 *
 * Owns their registration. Where the worker may not register them it says how, and Squall works without.
 */
import type { NativeConnection } from '@temporalio/worker';
import { SEARCH_ATTRIBUTES } from '../workflows/story.ts';

/** Temporal's number for the type Keyword. */
const KEYWORD = 2;

/** Makes sure that they are registered; returns whether workflows may set them. */
export async function registerSearchAttributes(
  connection: NativeConnection,
  namespace: string,
  log: (line: string) => void,
): Promise<boolean> {
  const names = Object.values(SEARCH_ATTRIBUTES).map(({ name }) => name);
  try {
    const missing = await missingOf(connection, namespace, names);
    if (missing.length === 0) return true;
    await connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(missing.map((name) => [name, KEYWORD])),
    });
    return true;
  } catch (error) {
    const how = names.map((name) => `--name ${name} --type Keyword`).join(' ');
    const what = error instanceof Error ? error.message : String(error);
    log(
      `search attributes are not registered (${what}); runs work without them. To have them: temporal operator search-attribute create --namespace ${namespace} ${how}`,
    );
    return false;
  }
}

async function missingOf(connection: NativeConnection, namespace: string, names: readonly string[]): Promise<string[]> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  return names.filter((name) => customAttributes?.[name] === undefined);
}
