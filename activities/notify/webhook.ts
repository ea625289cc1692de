/**
 * A webhook of one's own: a CloudEvent 1.0, signed.
 *
 * Owns the envelope and the signature: HMAC-SHA256 over the time, a full stop and the body, so that neither a forged nor a
 * replayed message is taken for ours. See https://github.com/cloudevents/spec (structured mode) and docs/notify.md.
 */
import { createHmac } from 'node:crypto';
import { z } from 'zod';
import { httpSettings, readSecret, secretRef } from '../probes/secret.ts';
import type { Destination } from './destination.ts';
import { having, jsonHeaders, secretUrl, send } from './send.ts';
import type { Wording } from './wording.ts';

export const webhookSettings = {
  url: httpSettings.url.optional().describe('Where it is sent to, by POST.'),
  urlFrom: secretRef.optional().describe('The same, where the address is itself a secret.'),
  secretFrom: secretRef.describe('The key that messages are signed with.'),
  tokenFrom: httpSettings.tokenFrom,
  headersFrom: httpSettings.headersFrom,
};

/** Posts CloudEvents of `installation`. */
export function webhook(
  settings: z.infer<z.ZodObject<typeof webhookSettings>>,
  wording: Wording,
  installation: string,
): Pick<Destination, 'deliver'> {
  const { url, urlFrom, secretFrom, ...credentials } = settings;
  return {
    async deliver({ notice, idempotencyKey, signal }) {
      const links = Object.fromEntries(wording.links(notice).map(({ to, url }) => [to, url]));
      const body = JSON.stringify({
        specversion: '1.0',
        id: idempotencyKey,
        source: `/squall/${encodeURIComponent(installation)}`,
        type: `squall.run.${notice.event}`,
        subject: notice.run,
        time: new Date(notice.atMs).toISOString(),
        datacontenttype: 'application/json',
        data: { text: wording.text(notice), ...links, ...notice.facts },
      });
      const signedAtS = Math.floor(Date.now() / 1000);
      const headers = {
        ...(await jsonHeaders(credentials)),
        'content-type': 'application/cloudevents+json; charset=utf-8',
        'idempotency-key': idempotencyKey,
        'squall-signature': signatureOf(await having(() => readSecret(secretFrom)), signedAtS, body),
      };
      const to = urlFrom === undefined ? new URL(url ?? '') : await secretUrl(urlFrom);
      await send(to, { body, headers, signal });
      return {};
    },
  };
}

/** `t=<seconds since the epoch>,v1=<HMAC-SHA256 of "<seconds>.<body>", in hex>`. */
function signatureOf(key: string, atS: number, body: string): string {
  return `t=${atS},v1=${createHmac('sha256', key).update(`${atS}.${body}`).digest('hex')}`;
}
