/** Owns the names that every store must bear. */
import { HOSTILE } from '../report/journals.ts';

/** Names of runs that a file system, a URL or a database might take for something else. */
export const NAMES = [
  '../escape',
  '..',
  '.',
  '.hidden',
  '/etc/passwd',
  'a/b',
  'a%2Fb',
  'ü',
  'a b',
  '..\\x',
  'C:x',
  '-',
  HOSTILE.slice(0, 60),
  'nul\0byte',
];
