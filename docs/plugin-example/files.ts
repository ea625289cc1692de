/** Targets of `file/…` faults: the files that a pattern of the site's settings matches, by name. */
import { glob } from 'node:fs/promises';
import { basename } from 'node:path';
import type { TargetProviderFactory } from 'squall/targets';
import { z } from 'zod';

export const settings = z.strictObject({ pattern: z.string().min(1) });
const selector = z.strictObject({
  names: z.array(z.string().min(1)).min(1).optional().describe('Only files with these names.'),
});

/** What is aside is no target, whoever has put it there. */
const isAside = (path: string): boolean => /\.missing-[^/]+$/.test(path);

export const targets: TargetProviderFactory<z.infer<typeof selector>> = (site) => ({
  provider: 'file',
  selector,
  async resolve({ names }) {
    const { pattern } = settings.parse(site.settings['file']);
    const found = (await Array.fromAsync(glob(pattern)))
      .filter((path) => !isAside(path) && (names?.includes(basename(path)) ?? true))
      .toSorted();
    // Files have no labels, and that is known: of whom nothing is known, a policy protects.
    return { targets: found, facts: new Map(found.map((path) => [path, { labels: {} }])), excluded: [] };
  },
});
