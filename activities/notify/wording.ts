/**
 * Wording: a notice in words, and the links to its run's report and chart.
 *
 * Owns the small templates, `{name}` for what is known of a notice, and the default ones. What comes from outside is
 * escaped for whoever shows it; what a template's author wrote is not.
 */
import { z } from 'zod';
import { FACTS, NOTICE_EVENTS } from '../../domain/notice.ts';
import type { Notice, NoticeEvent } from '../../domain/notice.ts';

/** The longest text that is told, in characters: what Slack takes in a block, with some to spare. */
const TEXT_MAX = 2_900;
const TEMPLATE_MAX = 1_000;
const NAMES = /\{([^{}]*)\}/g;

/** Texts by event, where they differ from {@link DEFAULTS}. */
export type Texts = Readonly<Partial<Record<NoticeEvent, string>>>;

const template = (known: readonly string[]) =>
  z
    .string()
    .min(1)
    .max(TEMPLATE_MAX)
    .superRefine((text, context) => {
      for (const [, name = ''] of text.matchAll(NAMES))
        if (!known.includes(name))
          context.addIssue({
            code: 'custom',
            message: `expected only names that are known, not {${name}}: ${known.join(', ')}`,
          });
    });

/** Texts by event. */
export const textsSchema = z
  .strictObject(
    Object.fromEntries(NOTICE_EVENTS.map((event) => [event, template(FACTS).exactOptional()])) as Record<
      NoticeEvent,
      z.ZodExactOptional<ReturnType<typeof template>>
    >,
  )
  .default({})
  .describe('Texts of your own by event, with {names} of what is known.');

const address = (known: readonly string[]) =>
  template(known).refine(
    (text) => /^https?:\/\/[^{}/?#@]+([/?#]|$)/.test(text),
    'expected an http or https URL whose host is written out',
  );

/** Where a run's report is. */
export const reportUrlSchema = address(['run', 'experiment']).describe(
  'Where you put the reports: https://reports.example.com/{run}.html',
);

/** Where the run is charted while it lasts. */
export const chartUrlSchema = address(['run', 'experiment', 'site', 'from', 'to']).describe(
  'A dashboard, at the times of the run in milliseconds: https://grafana.example.com/d/shop?from={from}&to={to}',
);

/** Where more is to be seen. */
export interface Addresses {
  readonly reportUrl?: string | undefined;
  readonly chartUrl?: string | undefined;
}

/** One place where more is to be seen, and what is there. */
export interface Link {
  readonly to: 'chart' | 'report';
  readonly url: string;
}

const DEFAULTS: Readonly<Record<NoticeEvent, string>> = {
  started: '{experiment} has begun: {fault} at {site}, started by {by}',
  stage: '{experiment}: stage {stage} of {stages} holds, targets under fault: {targets} ({radius})',
  aborted: '{experiment} is ABORTED, {mode}: {evidence}',
  stuck: '{experiment} is STUCK, a person is needed: {evidence}',
  recovered: '{experiment}: {evidence}',
  refused: '{experiment} is refused by {check}: {evidence}',
  closed: '{experiment} is over, {status}, {verdict}: {evidence}',
};

/** What a provider says of a notice. */
export interface Wording {
  /** One text, every fact in it passed through `escape`. */
  text(notice: Notice, escape?: (fact: string) => string): string;
  /** Those that are configured. */
  links(notice: Notice): readonly Link[];
}

/** The wording of one destination. */
export function wordingOf(texts: Texts, { reportUrl, chartUrl }: Addresses = {}): Wording {
  return {
    text: ({ event, facts }, escape = (fact) => fact) =>
      cut(filled(texts[event] ?? DEFAULTS[event], facts, (fact) => escape(fact))),
    links: ({ facts, startedAtMs, atMs }) => {
      const known = { ...facts, from: `${startedAtMs}`, to: `${atMs}` };
      const link = (to: Link['to'], url: string | undefined): Link[] =>
        url === undefined ? [] : [{ to, url: filled(url, known, encodeURIComponent) }];
      return [...link('chart', chartUrl), ...link('report', reportUrl)];
    },
  };
}

function filled(text: string, facts: Readonly<Record<string, string>>, escape: (fact: string) => string): string {
  // What is not known of this run is said to be so, rather than left out of a sentence.
  return text.replaceAll(NAMES, (_, name: string) => escape(facts[name] ?? 'unknown'));
}

function cut(text: string): string {
  return text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX - 1)}…` : text;
}
