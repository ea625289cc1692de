/**
 * The `notify:` section of `squall.yaml`: whom the control worker tells of runs, and of what.
 *
 * Owns its schema. Addresses that are secrets themselves come by reference, like tokens.
 */
import { z } from 'zod';
import { ALERTING, alertmanagerSettings } from '../activities/notify/alertmanager.ts';
import { grafanaSettings } from '../activities/notify/grafana.ts';
import { slackSettings } from '../activities/notify/slack.ts';
import { teamsSettings } from '../activities/notify/teams.ts';
import { webhookSettings } from '../activities/notify/webhook.ts';
import { chartUrlSchema, reportUrlSchema, textsSchema } from '../activities/notify/wording.ts';
import { name } from '../documents/written.ts';
import { NOTICE_EVENTS } from '../domain/notice.ts';

const on = z
  .array(z.enum(NOTICE_EVENTS))
  .min(1)
  .default([...NOTICE_EVENTS])
  .describe('What it is told. Default: everything.');
const text = textsSchema;

const destination = z.discriminatedUnion(
  'type',
  [
    z.strictObject({ type: z.literal('slack'), on, text, ...slackSettings }),
    z.strictObject({ type: z.literal('teams'), on, text, ...teamsSettings }),
    z
      .strictObject({ type: z.literal('webhook'), on, text, ...webhookSettings })
      .refine(({ url, urlFrom }) => (url === undefined) !== (urlFrom === undefined), 'expected either url or urlFrom'),
    z.strictObject({
      type: z.literal('alertmanager'),
      on: z
        .array(z.enum(ALERTING))
        .min(1)
        .default(['aborted', 'stuck'])
        .describe('What fires; it ends with the run. Default: aborted, stuck.'),
      text,
      ...alertmanagerSettings,
    }),
    z.strictObject({ type: z.literal('grafana'), text, ...grafanaSettings }),
  ],
  'expected type: slack, teams, webhook, alertmanager, grafana',
);

/** The section. */
export const notifySchema = z.strictObject({
  reportUrl: reportUrlSchema.optional(),
  chartUrl: chartUrlSchema.optional(),
  to: z
    .record(name('a destination'), destination)
    .refine((to) => Object.keys(to).length <= 20, 'expected at most 20 destinations')
    .describe('Destinations, by names of your own.'),
});

/** The section, parsed. */
export type NotifySettings = z.output<typeof notifySchema>;
