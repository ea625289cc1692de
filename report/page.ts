/**
 * A page: one HTML file that needs nothing else.
 *
 * Owns what every page has. It may not run a script, load anything or send anything: its own security policy forbids it, and it
 * is mailed, archived and opened years later.
 */
import { html, Markup } from './markup.ts';
import { STYLE } from './style.ts';

const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/** A complete HTML document; `style` is added to the style that all have. */
export function page(title: string, body: Markup, style = ''): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="Squall">
<title>${title}</title>
<style>${new Markup(STYLE + style)}</style>
</head>
<body>
${body}
</body>
</html>
`.text;
}
