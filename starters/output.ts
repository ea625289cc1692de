/**
 * Output: lines for people, or one JSON object a line for programs.
 *
 * Owns the choice between them, and colour: only on a terminal, and never against NO_COLOR. What others have written, in a
 * note, a reason or a probe, must never move a cursor or make a line of its own: a terminal obeys nothing but our own styles.
 */
import { randomBytes } from 'node:crypto';
import { styleText } from 'node:util';

/** Colours and weights used in terminal output. */
export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

/** Writes to standard output in one of the two forms. */
export interface Output {
  readonly json: boolean;
  /** One line for people, whatever is in it; nothing in JSON. */
  line(text: string): void;
  /** An event for programs; nothing for people. */
  event(event: string, fields: Readonly<Record<string, unknown>>): void;
  /** For {@link line}, or {@link shown}. */
  style(style: Style | Style[], text: string): string;
}

/** What begins a style until it is written. It is drawn anew, so that nobody else can say it. */
const ESCAPE = `\u001B${randomBytes(8).toString('hex')}`;

/** One line as a terminal may have it: styles are what they are, and any other control character is a space. */
export function shown(text: string): string {
  const parts = text.split(ESCAPE).map((part) => part.replace(/\p{Cc}/gu, ' '));
  return parts.join('\u001B');
}

/** The output of a verb. */
export function output(json: boolean): Output {
  return {
    json,
    line(text) {
      if (!json) process.stdout.write(`${shown(text)}\n`);
    },
    event(event, fields) {
      if (json) process.stdout.write(`${JSON.stringify({ event, at: new Date().toISOString(), ...fields })}\n`);
    },
    style(style, text) {
      const [open = '', close = ''] = styleText(style, '|', { stream: process.stdout }).split('|');
      return `${open.replaceAll('\u001B', ESCAPE)}${text}${close.replaceAll('\u001B', ESCAPE)}`;
    },
  };
}
