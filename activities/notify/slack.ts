/**
 * Slack, and what understands its incoming webhooks (Mattermost, Rocket.Chat, Discord's `/slack`).
 *
 * Owns the message's shape. A fact must never become markup: it could call a whole channel.
 * See https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks.
 */
import { z } from 'zod';
import { secretRef } from '../probes/secret.ts';
import type { Destination } from './destination.ts';
import { jsonHeaders, secretUrl, send } from './send.ts';
import type { Wording } from './wording.ts';

export const slackSettings = { urlFrom: secretRef.describe('The address of the incoming webhook, which is a secret.') };

/** Posts messages of two blocks: the text; the run and its links. */
export function slack(
  { urlFrom }: z.infer<z.ZodObject<typeof slackSettings>>,
  wording: Wording,
): Pick<Destination, 'deliver'> {
  return {
    async deliver({ notice, signal }) {
      const text = wording.text(notice, escaped);
      const links = wording.links(notice).map(({ to, url }) => `<${escaped(url)}|${to}>`);
      const about = [`run ${escaped(notice.run)}`, ...links].join(' · ');
      const blocks = [
        { type: 'section', text: { type: 'mrkdwn', text } },
        { type: 'context', elements: [{ type: 'mrkdwn', text: about }] },
      ];
      const url = await secretUrl(urlFrom);
      await send(url, { body: JSON.stringify({ text, blocks }), headers: await jsonHeaders(), signal });
      return {};
    },
  };
}

/** Slack's three control characters. Its other markup makes a text bold at most; a mention needs an angle bracket. */
function escaped(fact: string): string {
  return fact.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
