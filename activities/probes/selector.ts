/**
 * Selectors: which series of a metric are meant, in Prometheus' own notation.
 *
 * Owns parsing `name{label="x",code=~"5.."}` and matching it against labels. Must never run a query: a selector is a name
 * and matchers, nothing else.
 */

/** The longest selector and the longest regular expression in one, in characters. */
const SELECTOR_MAX = 1000;

/** A parsed selector. */
export interface Selector {
  readonly name: string;
  readonly matchers: readonly Matcher[];
  /** As it was written. */
  readonly text: string;
}

/** One condition on a label; an absent label matches as the empty string. */
export interface Matcher {
  readonly label: string;
  readonly operator: '=' | '!=' | '=~' | '!~';
  readonly value: string;
  /** Anchored at both ends; only for the regular operators. */
  readonly pattern?: RegExp;
}

const NAME = /[a-zA-Z_:][a-zA-Z0-9_:]*/y;
const LABEL = /\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*"((?:[^"\\\n]|\\.)*)"\s*/y;

/** Parses `text`; throws an error that says what was expected and where. */
export function parseSelector(text: string): Selector {
  const source = text.trim();
  if (source.length > SELECTOR_MAX) throw new Error(`expected a selector of at most ${SELECTOR_MAX} characters`);
  NAME.lastIndex = 0;
  const name = NAME.exec(source)?.[0];
  if (name === undefined) throw new Error('expected the name of a metric, as in http_requests_total{code="500"}');
  const rest = source.slice(name.length).trim();
  if (rest === '') return { name, matchers: [], text: source };
  if (!rest.startsWith('{') || !rest.endsWith('}'))
    throw new Error(`expected {…} after ${name}, found ${rest.slice(0, 20)}`);
  return { name, matchers: parseMatchers(rest.slice(1, -1)), text: source };
}

/** Whether `text` is a selector and nothing more. */
export function isSelector(text: string): boolean {
  try {
    parseSelector(text);
    return true;
  } catch {
    return false;
  }
}

/** Whether every matcher accepts these labels. */
export function matches({ matchers }: Selector, labels: ReadonlyMap<string, string>): boolean {
  return matchers.every(({ label, operator, value, pattern }) => {
    const found = labels.get(label) ?? '';
    switch (operator) {
      case '=':
        return found === value;
      case '!=':
        return found !== value;
      case '=~':
        return pattern?.test(found) === true;
      case '!~':
        return pattern?.test(found) === false;
    }
  });
}

function parseMatchers(source: string): Matcher[] {
  const matchers: Matcher[] = [];
  let at = 0;
  while (at < source.length && source.slice(at).trim() !== '') {
    LABEL.lastIndex = at;
    const match = LABEL.exec(source);
    if (match === null) throw new Error(`expected label="value", found ${source.slice(at, at + 20)}`);
    matchers.push(matcherOf(match[1] ?? '', match[2] as Matcher['operator'], unescape(match[3] ?? '')));
    at = LABEL.lastIndex;
    if (at < source.length) {
      if (source[at] !== ',') throw new Error(`expected a comma, found ${source.slice(at, at + 20)}`);
      at += 1;
    }
  }
  return matchers;
}

function matcherOf(label: string, operator: Matcher['operator'], value: string): Matcher {
  if (operator === '=' || operator === '!=') return { label, operator, value };
  try {
    return { label, operator, value, pattern: new RegExp(`^(?:${value})$`, 's') };
  } catch {
    throw new Error(`expected a regular expression, found ${value}`);
  }
}

function unescape(value: string): string {
  return value.replaceAll(/\\(.)/gs, (_, escaped: string) =>
    escaped === 'n' ? '\n' : escaped === '"' || escaped === '\\' ? escaped : `\\${escaped}`,
  );
}
