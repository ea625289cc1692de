/** Labels of runs, such as `ci`: which there may be. Pure. */

/** The most labels of one run. */
export const LABELS_MAX = 10;
/** How a label is written, in words. */
export const LABEL = 'lower-case letters, digits and dashes, at most 40';

/** Whether it is written as a label is. */
export function isLabel(text: string): boolean {
  return /^[a-z0-9][a-z0-9-]{0,39}$/.test(text);
}
