/** `squall schema`: the JSON Schema of experiments, programs and game days, with the faults of this configuration. */
import { documentJsonSchema } from '../documents/json-schema.ts';
import { catalogueOf } from '../workers/catalogue.ts';
import { configOf } from './verb-config.ts';
import type { Common } from './verbs.ts';

export async function main(_args: readonly string[], options: Common): Promise<number> {
  const schema = documentJsonSchema(await catalogueOf(await configOf(options)));
  process.stdout.write(`${JSON.stringify(schema, null, 2)}\n`);
  return 0;
}
