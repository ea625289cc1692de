/**
 * The `admission:` section of `squall.yaml`: what the control worker asks before a run, and before each of its stages.
 *
 * Owns its schema. `healthy`, `incidents` and `capacity` are required of every run. Whoever does without one says `none`, so
 * that none is lost by forgetting it: without the section every run is refused.
 */
import { z } from 'zod';
import { alertmanagerSettings } from '../activities/admission/alertmanager.ts';
import { httpIncidentSettings } from '../activities/admission/http-incidents.ts';
import { pagerdutySettings } from '../activities/admission/pagerduty.ts';
import { DAYS } from '../activities/admission/window.ts';
import { httpSettings, secretRef } from '../activities/probes/secret.ts';
import { check } from '../documents/steady-state-schema.ts';
import { isTimeZone, name, share } from '../documents/written.ts';
import { writtenDuration } from '../domain/written-duration.ts';

const bounds = z
  .array(check)
  .min(1)
  .max(20)
  .refine((checks) => checks.every(({ tolerance }) => tolerance.kind === 'range'), {
    error: 'expected min, max or between: nobody takes a baseline before admission',
  });

const source = z.union(
  [
    z.strictObject({ alertmanager: alertmanagerSettings }),
    z.strictObject({ pagerduty: pagerdutySettings }),
    z.strictObject({ http: httpIncidentSettings }),
  ],
  'expected one of: alertmanager, pagerduty, http',
);

/** For a required guard that is done without. A pattern and no literal, so that whoever wrote something else hears what is wrong in it. */
function noneOr(what: string) {
  const expected = `expected ${what}, or none to do without`;
  return z
    .string(expected)
    .regex(/^none$/, expected)
    .transform(() => 'none' as const);
}

const HOURS = 'expected hours such as 09:00-17:00, the earlier first';
const hours = z.string(HOURS).transform((written, context): [string, string] => {
  const [, from, to] = /^((?:[01]\d|2[0-3]):[0-5]\d)-((?:[01]\d|2[0-3]):[0-5]\d|24:00)$/.exec(written) ?? [];
  if (from !== undefined && to !== undefined && from < to) return [from, to];
  context.addIssue({ code: 'custom', message: HOURS });
  return z.NEVER;
});

const SPAN = `expected a day or days: ${DAYS.join(', ')}, mon-fri`;
/** `mon` or `mon-fri`, as ISO days of the week. */
const span = z.string().regex(new RegExp(`^(${DAYS.join('|')})(-(${DAYS.join('|')}))?$`), SPAN);

function daysOf(written: string): number[] {
  const [first = '', last = first] = written.split('-');
  const [from, to] = [first, last].map((day) => DAYS.indexOf(day as (typeof DAYS)[number]) + 1) as [number, number];
  return Array.from({ length: ((to - from + 7) % 7) + 1 }, (_, i) => ((from + i - 1) % 7) + 1);
}

const EITHER = 'expected either file, url or urlFrom';
const calendar = z.union(
  [
    z.strictObject({ file: z.string().min(1).describe('An iCalendar file, relative to this one.') }),
    z
      .strictObject({
        ...httpSettings,
        url: httpSettings.url.optional(),
        urlFrom: secretRef.optional().describe('Where the address is, where it is itself a secret.'),
      })
      .refine(({ url, urlFrom }) => (url === undefined) !== (urlFrom === undefined), EITHER),
  ],
  EITHER,
);

const window = z.strictObject({
  timeZone: z
    .string()
    .refine(isTimeZone, 'expected an IANA time zone such as Europe/Zurich')
    .describe('Whose wall clock the hours are on, daylight saving included.'),
  open: z
    .record(span, z.union([hours.transform((pair) => [pair]), z.array(hours).min(1)], HOURS))
    .refine((days) => Object.keys(days).length > 0, 'expected at least one day')
    .transform((days) => {
      const open = new Map<number, (readonly [string, string])[]>();
      for (const [written, pairs] of Object.entries(days))
        for (const day of daysOf(written)) open.set(day, [...(open.get(day) ?? []), ...pairs]);
      return open;
    })
    .describe('By day: mon-fri: 09:00-17:00.'),
  holidays: z.array(z.iso.date('expected a date such as 2026-12-25')).default([]),
  freezes: z.array(calendar).max(10).default([]).describe('iCalendars whose events are change freezes.'),
});

/** The section. */
export const admissionSchema = z.strictObject({
  healthy: z
    .union([noneOr('a list of probes and bounds'), bounds])
    .prefault([{ probe: 'error-rate', max: '1%' }])
    .describe('Probes within bounds, or none. Default: error-rate, at most 1%.'),
  incidents: z
    .union([noneOr('a list of sources'), z.array(source).min(1).max(10)])
    .describe('Where incidents are known, or none.'),
  capacity: z
    .union([
      noneOr('a mapping of probe and min'),
      z.strictObject({ probe: name('a probe'), min: share.prefault('30%') }),
    ])
    .describe('A probe that reads the share of capacity that is spare, and the least of it, or none. Default: 30%.'),
  windows: z.record(name('a window'), window).default({}).describe('Windows that experiments may ask for.'),
  coolDown: writtenDuration.optional().describe('Time between two runs of the same experiment.'),
});

/** The section, parsed. */
export type AdmissionSettings = z.output<typeof admissionSchema>;
