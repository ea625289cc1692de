/**
 * A plugin with a probe that answers at once with a number from `squall.yaml`: reading it costs nothing, so that what is
 * measured is Squall. Its peer reads a constant in-process too.
 */
import { z } from 'zod';
import type { ProbeProvider } from '../activities/probes/probe.ts';

const settings = z.strictObject({ value: z.number() });

export const probes: readonly ProbeProvider<z.infer<typeof settings>>[] = [
  {
    type: 'constant',
    settings,
    check: () => [],
    open: ({ value }, { scale }) => ({ read: async () => ({ ok: true, value: value * scale }) }),
  },
];
