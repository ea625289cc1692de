/** Targets of the no-op: as many names as are asked for. */
import { z } from 'zod';
import type { TargetProviderFactory } from './provider.ts';

const selector = z.strictObject({
  count: z.number().int().min(1).max(100_000).describe('How many.'),
  name: z
    .string()
    .regex(/^[a-z0-9-]{1,40}$/)
    .default('n')
    .describe('What they are called, before their number.'),
});

export const targets: TargetProviderFactory<z.infer<typeof selector>> = () => ({
  provider: 'noop',
  selector,
  async resolve({ count, name }) {
    const found = Array.from({ length: count }, (_, i) => `${name}${i + 1}`);
    return { targets: found, facts: new Map(found.map((target) => [target, { labels: {} }])), excluded: [] };
  },
});
