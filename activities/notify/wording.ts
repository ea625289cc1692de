/**
 * Wording: a notice in words, and the link to its run's report.
 *
 * Owns the small templates, `{name}` for what is known of a notice, and the default ones. What comes from outside is
 * escaped for whoever shows it; what a template's author wrote is not.
 */
import { z } from 'zod';
import { FACTS, NOTICE_EVENTS } from '../../domain/notice.ts';
import type { Facts, Notice, NoticeEvent } from '../../domain/notice.ts';

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

/** Where a run's report is. */
export const reportUrlSchema = template(['run', 'experiment'])
  .refine(
    (text) => /^https?:\/\/[^{}/?#@]+([/?#]|$)/.test(text),
    'expected an http or https URL whose host is written out',
  )
  .describe('Where you put the reports: https://reports.example.com/{run}.html');

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
  reportUrl(notice: Notice): string | undefined;
}

/** The wording of one destination. */
export function wordingOf(texts: Texts, reportUrl?: string): Wording {
  return {
    text: ({ event, facts }, escape = (fact) => fact) =>
      cut(filled(texts[event] ?? DEFAULTS[event], facts, (fact) => escape(fact))),
    reportUrl: ({ facts }) => (reportUrl === undefined ? undefined : filled(reportUrl, facts, encodeURIComponent)),
  };
}

function filled(text: string, facts: Facts, escape: (fact: string) => string): string {
  // What is not known of this run is said to be so, rather than left out of a sentence.
  return text.replaceAll(NAMES, (_, name: string) => escape((facts as Record<string, string>)[name] ?? 'unknown'));
}

function cut(text: string): string {
  return text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX - 1)}…` : text;
}
