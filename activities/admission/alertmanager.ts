/**
 * Incidents as Prometheus' Alertmanager knows them, by its API v2.
 *
 * Owns what counts: an alert that fires, that nobody has silenced and no other inhibits, and that has the labels asked for.
 * See https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml, `GET /alerts`.
 */
import { z } from 'zod';
import { httpSettings } from '../probes/secret.ts';
import { askJson } from './ask-json.ts';
import type { IncidentSource } from './incidents.ts';

/** The alert by which Squall says that a run is open (`notify:`). */
export const RUN_OPEN_ALERT = 'ChaosRunOpen';
/** The one by which it says that a run was aborted. */
export const RUN_ABORTED_ALERT = 'ChaosRunAborted';
/**
 * The alerts that tell of a run, its own or by the rules of `deploy/alerts.yml`, and are no incident: otherwise one abort would
 * be everybody's. A run that is stuck is one, since its fault may still be on.
 */
export const RUN_ALERTS: readonly string[] = [
  RUN_OPEN_ALERT,
  RUN_ABORTED_ALERT,
  'SquallRunAborted',
  'SquallRunDeviated',
];

export const alertmanagerSettings = z.strictObject({
  ...httpSettings,
  matching: z
    .array(z.string().min(1))
    .default([])
    .describe('Matchers, all of which an alert must meet: severity="critical", team=~"shop|pay". None: every alert.'),
});

const alerts = z.array(
  z.object({
    labels: z.record(z.string(), z.string()),
    startsAt: z.string(),
    status: z.object({ state: z.enum(['active', 'suppressed', 'unprocessed']) }),
  }),
);

/** Asks the Alertmanager at `url`. */
export function alertmanager({ url, matching, ...credentials }: z.infer<typeof alertmanagerSettings>): IncidentSource {
  const asked = new URL(`${url.replace(/\/$/, '')}/api/v2/alerts`);
  for (const [key, value] of [
    ['active', 'true'],
    // What has not been sorted yet may be what is looked for.
    ['unprocessed', 'true'],
    ['silenced', 'false'],
    ['inhibited', 'false'],
    ...RUN_ALERTS.map((name) => ['filter', `alertname!="${name}"`] as const),
    ...matching.map((matcher) => ['filter', matcher] as const),
  ] as const)
    asked.searchParams.append(key, value);
  return {
    name: `Alertmanager at ${asked.host}`,
    async active(signal) {
      const found = await askJson(asked, credentials, {}, alerts, signal);
      return found
        .filter(({ status }) => status.state !== 'suppressed')
        .map(({ labels, startsAt }) => `${labels['alertname'] ?? 'an alert'} fires since ${startsAt}`);
    },
  };
}
