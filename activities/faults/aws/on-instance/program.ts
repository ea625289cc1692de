/**
 * The program that an instance runs: its parts, joined.
 *
 * Owns which parts there are, and that what is sent has no comments, since a command has little room. It is POSIX sh, and needs what
 * every distribution has: coreutils, util-linux, grep; for the network tc as well.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const PARTS = ['ground', 'slot', 'life', 'verbs', 'cpu', 'memory', 'disk', 'network', 'main'];
/** What is sent most often needs to know of no harm. */
const FOR_RENEWING = ['ground', 'slot', 'verbs', 'main'];

/** The program's text, which ends with a newline: all of it, or as much as it takes to renew. */
export function program(verb?: string): string {
  return (verb === 'renew' ? FOR_RENEWING : PARTS).map((name) => part(name)).join('');
}

const read = new Map<string, string>();

function part(name: string): string {
  const text = read.get(name) ?? bare(readFileSync(join(import.meta.dirname, `${name}.sh`), 'utf8'));
  read.set(name, text);
  return text;
}

/** Without comments and empty lines. No line of a text in it begins with `#`. */
function bare(source: string): string {
  return source.replaceAll(/^[ \t]*(?:#.*)?\n/gm, '');
}
