/**
 * A real browser, for the pages that people look at.
 *
 * Owns where it is found, and how the contrast of a page is measured.
 */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium } from 'playwright-core';
import type { Browser } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const FOUND = (process.env['PATH'] ?? '').split(delimiter).flatMap((folder) => NAMES.map((name) => join(folder, name)));
const CHROMIUM = process.env['CHROMIUM'] ?? FOUND.find((path) => existsSync(path));
// As root a browser has no sandbox; the rest keeps it from talking to anybody.
const FLAGS =
  '--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync';

/** Why a test of a page is skipped; false where there is a browser. */
export const NO_BROWSER =
  CHROMIUM === undefined ? 'no Chromium here: install it (apt-get install chromium) or name it in CHROMIUM' : false;

/** Starts one; whoever does closes it. */
export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM ?? '', args: FLAGS.split(' ') });
}

/** In the page: the contrast of every visible text, in HTML and in the charts, with what is painted behind it (WCAG 2). */
export const CONTRAST = `(() => {
  const context = Object.assign(document.createElement('canvas'), { width: 1, height: 1 }).getContext('2d', { willReadFrequently: true });
  const rgba = (color) => { context.clearRect(0, 0, 1, 1); context.fillStyle = color; context.fillRect(0, 0, 1, 1); return [...context.getImageData(0, 0, 1, 1).data]; };
  const light = ([r, g, b]) => { const [x, y, z] = [r, g, b].map((v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * x + 0.7152 * y + 0.0722 * z; };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) { const color = rgba(getComputedStyle(at).backgroundColor); if (color[3] === 255) return color; }
    return [255, 255, 255, 255];
  };
  const faint = []; let measured = 0;
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== '');
    if (!own || !element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const [a, b] = [light(rgba(element instanceof SVGElement ? style.fill : style.color)), light(ground(element))].sort((x, y) => y - x);
    measured += 1;
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) faint.push(element.textContent.trim().slice(0, 40) + ' ' + ratio.toFixed(2));
  }
  return { faint, measured, page: light(ground(document.body)) };
})()`;
