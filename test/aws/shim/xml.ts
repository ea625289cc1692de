/** AWS's answers in XML, as far as a shim rewrites them: lists of items. */

/**
 * Every `<item>` that is directly in a `<list>` is what `change` makes of it; dropped where that is undefined. Lists of one name must
 * not be within each other.
 */
export function mapItems(
  xml: string,
  list: string,
  change: (item: string) => string | undefined,
  tag = 'item',
): string {
  return xml.replaceAll(new RegExp(`(<${list}(?:\\s[^>]*)?>)(.*?)(</${list}>)`, 'gs'), (_, open, inner, close) => {
    let changed = '';
    let end = 0;
    for (const [from, to] of itemsOf(String(inner), tag)) {
      changed += String(inner).slice(end, from) + (change(String(inner).slice(from, to)) ?? '');
      end = to;
    }
    return `${open}${changed}${String(inner).slice(end)}${close}`;
  });
}

/** What `<name>` says in an item itself, not in one that is within it. */
export function own(item: string, name: string): string | undefined {
  const start = item.indexOf('>') + 1;
  let outside = '';
  let end = start;
  for (const [from, to] of itemsOf(item.slice(start), 'item')) {
    outside += item.slice(end, start + from);
    end = start + to;
  }
  return new RegExp(`<${name}>([^<]*)<`).exec(outside + item.slice(end))?.[1];
}

/** Where each item that is within no other begins and ends. */
function itemsOf(xml: string, tag: string): [from: number, to: number][] {
  const found: [number, number][] = [];
  let depth = 0;
  let from = 0;
  for (const match of xml.matchAll(new RegExp(`<(/?)${tag}(?:\\s[^>]*?)?(/?)>`, 'g'))) {
    const [text, closes, empty] = match;
    if (empty === '/') {
      if (depth === 0) found.push([match.index, match.index + text.length]);
    } else if (closes === '/') {
      depth -= 1;
      if (depth === 0) found.push([from, match.index + text.length]);
    } else {
      if (depth === 0) from = match.index;
      depth += 1;
    }
  }
  return found;
}
