/**
 * Grafana: a run as a region on people's own dashboards.
 *
 * Owns the annotation: made at the start, and given its end at the end. Its id is remembered in between; where there is
 * none, the whole region is made at the end.
 * See https://grafana.com/docs/grafana/latest/developers/http_api/annotations/.
 */
import { z } from 'zod';
import type { Notice } from '../../domain/notice.ts';
import { httpSettings } from '../probes/secret.ts';
import { Undelivered } from './destination.ts';
import type { Destination } from './destination.ts';
import { jsonHeaders, send } from './send.ts';
import type { Wording } from './wording.ts';

export const grafanaSettings = {
  ...httpSettings,
  dashboard: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,40}$/, 'expected the UID of a dashboard')
    .optional()
    .describe('The UID of the one dashboard that shows it. None: every dashboard that asks for its tags.'),
};

const made = z.object({ id: z.int().positive() });

/** Makes and ends annotations. */
export function grafana(
  { url, dashboard, ...credentials }: z.infer<z.ZodObject<typeof grafanaSettings>>,
  wording: Wording,
): Pick<Destination, 'deliver'> {
  const annotations = `${url.replace(/\/$/, '')}/api/annotations`;
  return {
    async deliver({ notice, kept, signal }) {
      const ends = notice.event === 'closed' ? { timeEnd: notice.atMs } : {};
      const said = { text: textOf(notice, wording), tags: tagsOf(notice), ...ends };
      const headers = await jsonHeaders(credentials);
      const id = kept['annotation'];
      // Whoever starts a workflow may say anything was kept; a path of its own is never asked.
      if (typeof id === 'number' && made.safeParse({ id }).success) {
        const body = JSON.stringify(said);
        await send(new URL(`${annotations}/${id}`), { method: 'PATCH', body, headers, signal });
        return {};
      }
      const place = dashboard === undefined ? {} : { dashboardUID: dashboard };
      const body = JSON.stringify({ ...place, time: notice.startedAtMs, ...said });
      const answer = await send(new URL(annotations), { body, headers, signal });
      return { annotation: idIn(answer.body) };
    },
  };
}

function idIn(body: string): number {
  try {
    return made.parse(JSON.parse(body)).id;
  } catch {
    // Asked again, it would only make another.
    throw new Undelivered('its answer has no id of the annotation', true);
  }
}

/** Grafana shows this as HTML, which it cleans. */
function textOf(notice: Notice, wording: Wording): string {
  const links = wording.links(notice).map(({ to, url }) => `<br><a href="${escaped(url)}">${to}</a>`);
  return `${wording.text(notice, escaped)}${links.join('')}`;
}

function tagsOf({ run, facts }: Notice): string[] {
  const { experiment, site, fault, status, verdict } = facts;
  const named = Object.entries({ experiment, site, fault, status, verdict });
  return ['squall', `run:${run}`, ...named.flatMap(([name, fact]) => (fact === undefined ? [] : [`${name}:${fact}`]))];
}

function escaped(fact: string): string {
  return fact.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
