/**
 * Output: lines for people, or one JSON object a line for programs.
 *
 * Owns the choice between them, and colour: only on a terminal, and never against NO_COLOR.
 */
import { styleText } from 'node:util';

/** Colours and weights used in terminal output. */
export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

/** Writes to standard output in one of the two forms. */
export interface Output {
  readonly json: boolean;
  /** A line for people; nothing in JSON. */
  line(text: string): void;
  /** An event for programs; nothing for people. */
  event(event: string, fields: Readonly<Record<string, unknown>>): void;
  style(style: Style | Style[], text: string): string;
}

/** The output of a verb. */
export function output(json: boolean): Output {
  return {
    json,
    line(text) {
      if (!json) process.stdout.write(`${text}\n`);
    },
    event(event, fields) {
      if (json) process.stdout.write(`${JSON.stringify({ event, at: new Date().toISOString(), ...fields })}\n`);
    },
    style: (style, text) => styleText(style, text, { stream: process.stdout }),
  };
}
