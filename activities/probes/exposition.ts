/**
 * The Prometheus text format, version 0.0.4, parsed strictly.
 *
 * Owns turning a scrape's text into series by metric name. A line that is not of the format spoils the whole scrape, as it
 * does for Prometheus: half a page of numbers is worse than none. Bounded in lines; the fetch bounds the bytes.
 */

/** The most lines of one page. */
export const LINES_MAX = 50_000;

/** One series' value at the time of the scrape. */
export interface ExposedSeries {
  readonly labels: ReadonlyMap<string, string>;
  /** As exposed: may be NaN or infinite. */
  readonly value: number;
}

/** A page: series by the name of their metric. A name that is only declared has no series. */
export type Exposition = ReadonlyMap<string, readonly ExposedSeries[]>;

const METRIC = /([a-zA-Z_:][a-zA-Z0-9_:]*)[ \t]*/y;
const LABEL = /[ \t]*([a-zA-Z_][a-zA-Z0-9_]*)[ \t]*=[ \t]*"((?:[^"\\\n]|\\.)*)"[ \t]*(,?)[ \t]*/y;
// After the value: a timestamp, and an exemplar as OpenMetrics has them.
const VALUE = /[ \t]*([^ \t]+)(?:[ \t]+-?\d+(?:\.\d+)?)?[ \t]*(?:# .*)?$/y;
const NUMBER = /^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|Inf(?:inity)?|NaN)$/i;
const DECLARED = /^#[ \t]+(?:TYPE|HELP)[ \t]+([a-zA-Z_:][a-zA-Z0-9_:]*)/;

/** Parses a whole page; throws an error that names the line. */
export function parseExposition(text: string): Exposition {
  const page = new Map<string, ExposedSeries[]>();
  const seriesOf = (name: string): ExposedSeries[] => {
    const known = page.get(name) ?? [];
    page.set(name, known);
    return known;
  };
  let number = 0;
  for (let from = 0; from < text.length;) {
    const newline = text.indexOf('\n', from);
    const end = newline === -1 ? text.length : newline;
    const line = text.slice(from, text[end - 1] === '\r' ? end - 1 : end);
    from = end + 1;
    number += 1;
    if (number > LINES_MAX) throw new Error(`the page has more than ${LINES_MAX} lines`);
    if (line.trim() === '') continue;
    if (line.startsWith('#')) {
      const declared = DECLARED.exec(line)?.[1];
      if (declared !== undefined) seriesOf(declared);
      continue;
    }
    const { name, series } = parseLine(line, number);
    seriesOf(name).push(series);
  }
  return page;
}

function parseLine(line: string, number: number): { readonly name: string; readonly series: ExposedSeries } {
  const wrong = (): Error => new Error(`line ${number} is not a metric in Prometheus' text format`);
  METRIC.lastIndex = 0;
  const name = METRIC.exec(line)?.[1];
  if (name === undefined) throw wrong();
  let at = METRIC.lastIndex;
  const labels = new Map<string, string>();
  if (line[at] === '{') {
    at = parseLabels(line, at + 1, labels);
    if (at === -1) throw wrong();
  }
  VALUE.lastIndex = at;
  const value = VALUE.exec(line)?.[1];
  if (value === undefined || !NUMBER.test(value)) throw wrong();
  return { name, series: { labels, value: numberOf(value) } };
}

/** Reads labels up to the closing brace; the index after it, or -1. */
function parseLabels(line: string, from: number, labels: Map<string, string>): number {
  let at = from;
  let mayGoOn = true;
  for (;;) {
    while (line[at] === ' ' || line[at] === '\t') at += 1;
    if (line[at] === '}') return at + 1;
    LABEL.lastIndex = at;
    const match: RegExpExecArray | null = mayGoOn ? LABEL.exec(line) : null;
    const label = match?.[1];
    if (match === null || label === undefined || labels.has(label)) return -1;
    labels.set(
      label,
      (match[2] ?? '').replaceAll(/\\([\\"n])/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped)),
    );
    mayGoOn = match[3] === ',';
    at = LABEL.lastIndex;
  }
}

function numberOf(text: string): number {
  const infinite = /^([+-]?)inf(?:inity)?$/i.exec(text);
  if (infinite) return infinite[1] === '-' ? -Infinity : Infinity;
  return /^[+-]?nan$/i.test(text) ? NaN : Number(text);
}
