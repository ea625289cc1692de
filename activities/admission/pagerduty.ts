/**
 * Incidents as PagerDuty knows them, by its REST API v2.
 *
 * Owns what counts: an incident that is triggered or acknowledged, of the services asked for. More than one page is an
 * incident all the same, so only the first is read.
 * See https://developer.pagerduty.com/api-reference, `GET /incidents`.
 */
import { z } from 'zod';
import { httpSettings, readSecret, secretRef } from '../probes/secret.ts';
import { askJson } from './ask-json.ts';
import type { IncidentSource } from './incidents.ts';

export const pagerdutySettings = z.strictObject({
  url: httpSettings.url.default('https://api.pagerduty.com'),
  tokenFrom: secretRef.describe('An API key that may read incidents.'),
  services: z.array(z.string().min(1)).default([]).describe('Ids of services. None: every service.'),
});

const incidents = z.object({
  incidents: z.array(z.object({ incident_number: z.number(), title: z.string(), status: z.string() })),
});

/** The most incidents of one answer that PagerDuty offers. */
const PAGE = 100;

/** Asks PagerDuty. */
export function pagerduty({ url, tokenFrom, services }: z.infer<typeof pagerdutySettings>): IncidentSource {
  const asked = new URL(`${url.replace(/\/$/, '')}/incidents`);
  for (const [key, value] of [
    ['statuses[]', 'triggered'],
    ['statuses[]', 'acknowledged'],
    ...services.map((service) => ['service_ids[]', service] as const),
    // Otherwise an incident that has been open for more than a month is none.
    ['date_range', 'all'],
    ['limit', `${PAGE}`],
  ] as const)
    asked.searchParams.append(key, value);
  return {
    name: 'PagerDuty',
    async active(signal) {
      const headers = {
        accept: 'application/vnd.pagerduty+json;version=2',
        authorization: `Token token=${await readSecret(tokenFrom)}`,
      };
      const found = await askJson(asked, {}, headers, incidents, signal);
      return found.incidents.map(({ incident_number, title, status }) => `#${incident_number} is ${status}: ${title}`);
    },
  };
}
