/**
 * Whether alerts fire, as Prometheus' Alertmanager knows them, by its API v2.
 *
 * Owns what counts: every alert, also one that is silenced or inhibited. Whoever holds a game day silences what would wake people;
 * that something was seen does not depend on it. See
 * https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml, `GET /alerts`.
 */
import { z } from 'zod';
import { askJson } from '../admission/ask-json.ts';
import type { Credentials } from '../probes/secret.ts';

/** Where alerts are known. */
export interface AlertSource {
  /**
   * Every alert that fires, by name, and since when, the earliest of the name, in milliseconds since the Unix epoch; where those are more than
   * can be read, only those of these names. Rejects where that cannot be told.
   */
  firing(names: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, number>>;
}

const alerts = z.array(
  z.object({ startsAt: z.iso.datetime({ offset: true }), labels: z.record(z.string(), z.string()) }),
);

/** Asks the Alertmanager at `url`. */
export function alertSource({ url, ...credentials }: { readonly url: string } & Credentials): AlertSource {
  const ask = async (signal: AbortSignal, filter?: string): Promise<ReadonlyMap<string, number>> => {
    const asked = new URL(`${url.replace(/\/$/, '')}/api/v2/alerts`);
    if (filter !== undefined) asked.searchParams.append('filter', filter);
    const since = new Map<string, number>();
    for (const { startsAt, labels } of await askJson(asked, credentials, {}, alerts, signal)) {
      const name = labels['alertname'] ?? '';
      const ms = Date.parse(startsAt);
      since.set(name, Math.min(ms, since.get(name) ?? ms));
    }
    return since;
  };
  return {
    firing: (names, signal) =>
      ask(signal).catch((failure: unknown) => {
        if (names.length === 0) throw failure;
        return ask(
          signal,
          `alertname=~${JSON.stringify(names.map((name) => name.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|'))}`,
        );
      }),
  };
}
