/**
 * Microsoft Teams: an incoming webhook, or the Workflow that took its place.
 *
 * Owns the card's shape: an Adaptive Card in a message. Texts are runs of rich text, in which nothing is Markdown.
 * See https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using.
 */
import { z } from 'zod';
import { secretRef } from '../probes/secret.ts';
import { Undelivered } from './destination.ts';
import type { Destination } from './destination.ts';
import { jsonHeaders, secretUrl, send } from './send.ts';
import type { Wording } from './wording.ts';

export const teamsSettings = { urlFrom: secretRef.describe('The address of the webhook, which is a secret.') };

const TITLES = { chart: 'Chart', report: 'Report' } as const;

/** Posts cards. */
export function teams(
  { urlFrom }: z.infer<z.ZodObject<typeof teamsSettings>>,
  wording: Wording,
): Pick<Destination, 'deliver'> {
  return {
    async deliver({ notice, signal }) {
      const run = (text: string, more = {}): unknown => ({
        type: 'RichTextBlock',
        inlines: [{ type: 'TextRun', text, ...more }],
      });
      const content = {
        $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
        type: 'AdaptiveCard',
        version: '1.4',
        body: [run(wording.text(notice)), run(`run ${notice.run}`, { isSubtle: true })],
        actions: wording.links(notice).map(({ to, url }) => ({ type: 'Action.OpenUrl', title: TITLES[to], url })),
      };
      const attachments = [{ contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null, content }];
      const url = await secretUrl(urlFrom);
      const body = JSON.stringify({ type: 'message', attachments });
      const answer = await send(url, { body, headers: await jsonHeaders(), signal });
      // An incoming webhook that is asked too often answers 200, and says so in its text.
      if (/webhook message delivery failed/i.test(answer.body))
        throw new Undelivered('it says that it did not deliver');
      return {};
    },
  };
}
