/**
 * Prometheus' Alertmanager: an alert a run, for the routing that people have already.
 *
 * Owns the alerts' names and labels, which are what they are known by, and when they end: all of a run's with its end.
 * See https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml, `POST /alerts`.
 */
import { z } from 'zod';
import { RUN_ABORTED_ALERT, RUN_OPEN_ALERT } from '../admission/alertmanager.ts';
import type { Notice } from '../../domain/notice.ts';
import { httpSettings } from '../probes/secret.ts';
import type { Destination, Kept } from './destination.ts';
import { jsonHeaders, send } from './send.ts';
import type { Wording } from './wording.ts';

/** An alert ends by itself after this long, in milliseconds: nobody may be there to end it. */
const FIRES_MS = 7 * 24 * 3_600_000;

const ALERTS = {
  started: { alertname: RUN_OPEN_ALERT, severity: 'info' },
  aborted: { alertname: RUN_ABORTED_ALERT, severity: 'warning' },
  stuck: { alertname: 'ChaosRunStuck', severity: 'critical' },
} as const;

/** What can fire. */
export const ALERTING = ['started', 'aborted', 'stuck'] as const;

export const alertmanagerSettings = { ...httpSettings };

/** Posts alerts. Which fired, and since when, is remembered until they are ended. */
export function alertmanager(
  { url, ...credentials }: z.infer<z.ZodObject<typeof alertmanagerSettings>>,
  wording: Wording,
): Pick<Destination, 'deliver'> {
  const to = new URL(`${url.replace(/\/$/, '')}/api/v2/alerts`);
  return {
    async deliver({ notice, kept, signal }) {
      const { event, atMs } = notice;
      const fires = event in ALERTS ? ALERTS[event as keyof typeof ALERTS].alertname : undefined;
      const since: Kept = fires === undefined ? kept : { [fires]: kept[fires] ?? atMs };
      const alerts = Object.values(ALERTS)
        .filter(({ alertname }) => alertname in since)
        .map(({ alertname, severity }) => {
          const links = wording.links(notice);
          return {
            labels: { alertname, severity, ...labelsOf(notice) },
            annotations: {
              summary: wording.text(notice),
              ...Object.fromEntries(links.map(({ to, url }) => [to, url])),
            },
            startsAt: new Date(since[alertname] ?? atMs).toISOString(),
            endsAt: new Date(fires === undefined ? atMs : atMs + FIRES_MS).toISOString(),
            // The first is there while the run lasts.
            ...(links[0] ? { generatorURL: links[0].url } : {}),
          };
        });
      // Nothing has fired, so nothing ends.
      if (alerts.length > 0)
        await send(to, { body: JSON.stringify(alerts), headers: await jsonHeaders(credentials), signal });
      return fires === undefined ? {} : since;
    },
  };
}

/** The same in every notice of a run. */
function labelsOf({ run, facts }: Notice): Record<string, string> {
  const { experiment = '', site = '', fault = '' } = facts;
  return { run, experiment, site, fault };
}
