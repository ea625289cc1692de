/**
 * Whether alerts fire, as Prometheus' Alertmanager knows them, by its API v2.
 *
 * Owns what counts: any alert of the name, also one that is silenced or inhibited. Whoever holds a game day silences what would wake people;
 * that something was seen does not depend on it. See
 * https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml, `GET /alerts`.
 */
import { z } from 'zod';
import { askJson } from '../admission/ask-json.ts';
import type { Credentials } from '../probes/secret.ts';

/** Where alerts are known. */
export interface AlertSource {
  /**
   * Since when alerts of this name fire, the earliest, in milliseconds since the Unix epoch; undefined where none does. Rejects where
   * that cannot be told.
   */
  firesSinceMs(alert: string, signal: AbortSignal): Promise<number | undefined>;
}

const alerts = z.array(z.object({ startsAt: z.iso.datetime({ offset: true }) }));

/** Asks the Alertmanager at `url`. */
export function alertSource({ url, ...credentials }: { readonly url: string } & Credentials): AlertSource {
  return {
    async firesSinceMs(alert, signal) {
      const asked = new URL(`${url.replace(/\/$/, '')}/api/v2/alerts`);
      asked.searchParams.append('filter', `alertname=${JSON.stringify(alert)}`);
      const found = await askJson(asked, credentials, {}, alerts, signal);
      const since = found.map(({ startsAt }) => Date.parse(startsAt));
      return since.length === 0 ? undefined : Math.min(...since);
    },
  };
}
