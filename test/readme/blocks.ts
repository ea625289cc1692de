/**
 * The commands of README.md, and of docs/safety.md.
 *
 * Every `sh` block says in its info string who runs it: `terminal=N`, in the tour; `by=FILE`, a test of its own; `step=NAME`, the
 * page's test, by that name.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..', '..');

/** One block of commands. */
export interface Block {
  readonly commands: string;
  /** The terminal of the tour it is typed into. */
  readonly terminal?: number;
  /** The test that runs it instead. */
  readonly by?: string;
  readonly step?: string;
}

/** The `sh` blocks of README.md, or of another page, in order. */
export function readmeBlocks(page = 'README.md'): Block[] {
  const text = readFileSync(join(ROOT, page), 'utf8');
  return [...text.matchAll(/^```sh(.*)\n([^]*?)^```$/gm)].map(([, info = '', commands = '']) => {
    const terminal = /\bterminal=(\d)/.exec(info)?.[1];
    const by = /\bby=(\S+)/.exec(info)?.[1];
    const step = /\bstep=(\S+)/.exec(info)?.[1];
    return {
      commands,
      ...(terminal === undefined ? {} : { terminal: Number(terminal) }),
      ...(by === undefined ? {} : { by }),
      ...(step === undefined ? {} : { step }),
    };
  });
}
