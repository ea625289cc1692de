/**
 * Markup: HTML that cannot be broken by what is put into it.
 *
 * Owns escaping. Everything interpolated is text unless it is itself {@link Markup}; must never offer a way around that
 * for text that came from outside.
 */

/** A piece of HTML. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What may stand in a template: nothing, text, markup, or a list of them. */
export type Piece = Markup | string | number | null | undefined | false | readonly Piece[];

/** HTML from a template, every value escaped. Attributes must be written in double quotes. */
export function html(strings: TemplateStringsArray, ...values: readonly Piece[]): Markup {
  return new Markup(strings.reduce((text, part, i) => `${text}${render(values[i - 1])}${part}`));
}

/** Text as it may stand in an element or in a double-quoted attribute. Control characters become visible. */
export function escapeText(text: string): string {
  return printable(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** Text whose control characters are visible. */
export function printable(text: string): string {
  return text.replaceAll(UNPRINTABLE, '\u{fffd}');
}

// Control characters, and those that turn the direction of what follows: a target's name must read as it is.

const UNPRINTABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

function render(piece: Piece): string {
  if (piece instanceof Markup) return piece.text;
  if (piece === null || piece === undefined || piece === false) return '';
  if (typeof piece === 'object') return piece.map(render).join('');
  return escapeText(String(piece));
}
