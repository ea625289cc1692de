/** Probes of type `file-size`: how many bytes a file has. No file is no data. */
import { stat } from 'node:fs/promises';
import type { ProbeProvider } from 'squall/probe';
import { z } from 'zod';

const settings = z.strictObject({ path: z.string().min(1) });

export const provider: ProbeProvider<z.infer<typeof settings>> = {
  type: 'file-size',
  settings,
  check: () => [],
  open: ({ path }, { scale }) => ({
    read: async () =>
      stat(path).then(
        ({ size }) => ({ ok: true, value: size * scale }) as const,
        () => ({ ok: false, why: `there is no ${path}` }) as const,
      ),
  }),
};
