/**
 * The ladder of a control worker, from its configuration.
 *
 * Composition only. A probe that is named and not there is refused here, before anything is served.
 */
import { resolve } from 'node:path';
import type { Client } from '@temporalio/client';
import { alertmanager } from '../activities/admission/alertmanager.ts';
import { fileCalendar, urlCalendar } from '../activities/admission/calendar.ts';
import { budgetGuard } from '../activities/admission/budget.ts';
import { coolDownGuard } from '../activities/admission/cool-down.ts';
import type { Guard } from '../activities/admission/guard.ts';
import { healthyGuard, readingGuard } from '../activities/admission/healthy.ts';
import { httpIncidents } from '../activities/admission/http-incidents.ts';
import { incidentsGuard } from '../activities/admission/incidents.ts';
import { ladderOf } from '../activities/admission/ladder.ts';
import type { Lever } from '../activities/admission/lever.ts';
import { pagerduty } from '../activities/admission/pagerduty.ts';
import { approvalGuard, policyGuard } from '../activities/admission/policy.ts';
import { stopGuard } from '../activities/admission/stop.ts';
import { alertSource } from '../activities/game-day/alerts.ts';
import type { AlertSource } from '../activities/game-day/alerts.ts';
import { windowGuard } from '../activities/admission/window.ts';
import type { Calendar, Window } from '../activities/admission/window.ts';
import type { JournalStore } from '../activities/journal/store.ts';
import type { OpenProbes } from '../activities/probes/registry.ts';
import type { SteadyStateCheck } from '../domain/experiment.ts';
import type { Policy } from '../domain/policy.ts';
import { misfit } from '../domain/quantity.ts';
import type { Quantity } from '../domain/quantity.ts';
import { formatQuantity } from '../domain/units.ts';
import type { AdmissionSettings } from './admission-settings.ts';
import { InvalidConfig } from './config.ts';
import type { Config } from './config.ts';

/** Every guard, in order. Throws {@link InvalidConfig} where one names a probe that there is not. */
export function openLadder(
  config: Pick<Config, 'admission' | 'folder'>,
  probes: OpenProbes,
  client: Client,
  levers: readonly Lever[],
  policy: Policy,
  store: JournalStore,
): readonly Guard[] {
  const settings = config.admission;
  const named = settings ? [...healthyOf(settings), ...capacityOf(settings)].map(({ probe }) => probe) : [];
  const missing = named.find((probe) => !probes.has(probe));
  if (missing !== undefined)
    throw new InvalidConfig(
      `admission: found probe ${missing}, expected one of this configuration's: ${[...probes.keys()].join(', ')}`,
    );
  const [wrong] = settings ? misfits(settings, probes) : [];
  if (wrong !== undefined) throw new InvalidConfig(`admission: ${wrong}`);
  return ladderOf({
    stop: stopGuard(client, levers, policy),
    policy: policyGuard(policy),
    approval: approvalGuard(store),
    budget: budgetGuard(client, policy.budget),
    window: windowGuard(windowsOf(settings, config.folder), Date.now),
    coolDown: coolDownGuard(client, settings?.coolDown ?? 0, store),
    incidents: unlessNone(settings?.incidents, (sources) => incidentsGuard(sources.map(sourceOf))),
    healthy: unlessNone(settings?.healthy, (checks) => healthyGuard(probes, checks)),
    capacity: unlessNone(settings?.capacity, (spare) => capacityGuard(probes, spare)),
  });
}

/** Where game days learn whether an alert fires: each Alertmanager that knows of incidents, and of it all alerts. */
export function alertSourcesOf({ admission }: Pick<Config, 'admission'>): readonly AlertSource[] {
  const sources = admission?.incidents ?? 'none';
  if (sources === 'none') return [];
  return sources.flatMap((source) => ('alertmanager' in source ? [alertSource(source.alertmanager)] : []));
}

function unlessNone<Said extends object>(
  said: Said | 'none' | undefined,
  guard: (said: Said) => Guard,
): Guard | 'none' | undefined {
  return typeof said === 'object' ? guard(said) : said;
}

function healthyOf({ healthy }: AdmissionSettings): readonly SteadyStateCheck[] {
  return healthy === 'none' ? [] : healthy;
}

function capacityOf({ capacity }: AdmissionSettings): readonly Spare[] {
  return capacity === 'none' ? [] : [capacity];
}

/** What is asked of a probe that measures something else, in words. */
function misfits(settings: AdmissionSettings, probes: OpenProbes): string[] {
  const asked = healthyOf(settings).flatMap(({ probe, tolerance }) => {
    const limits = tolerance.kind === 'range' ? [tolerance.min, tolerance.max] : [];
    return limits.flatMap((limit) => (limit === undefined ? [] : [{ probe, limit }]));
  });
  const spare = capacityOf(settings).map(({ probe, min }) => ({ probe, limit: ratio(min) }));
  return [...asked, ...spare].flatMap(({ probe, limit }) => {
    const dimension = probes.get(probe)?.dimension;
    const wrong = dimension === undefined ? undefined : misfit(limit, dimension);
    return wrong === undefined ? [] : [`probe ${probe} ${wrong}`];
  });
}

function ratio(value: number): Quantity {
  return { value, dimension: 'ratio', text: formatQuantity(value, 'ratio') };
}

type Source = Exclude<AdmissionSettings['incidents'], 'none'>[number];
type Spare = Exclude<AdmissionSettings['capacity'], 'none'>;

function sourceOf(source: Source): ReturnType<typeof alertmanager> {
  if ('alertmanager' in source) return alertmanager(source.alertmanager);
  return 'pagerduty' in source ? pagerduty(source.pagerduty) : httpIncidents(source.http);
}

function capacityGuard(probes: OpenProbes, { probe, min }: Spare): Guard {
  return readingGuard('capacity', probes, ({ experiment }) => {
    const least = ratio(Math.max(min, experiment.preconditions?.capacityMin ?? 0));
    return [{ probe, group: 'system', tolerance: { kind: 'range', min: least } }];
  });
}

function windowsOf(settings: AdmissionSettings | undefined, folder: string): ReadonlyMap<string, Window> {
  const calendarOf = (calendar: AdmissionSettings['windows'][string]['freezes'][number]): Calendar =>
    'file' in calendar ? fileCalendar(resolve(folder, calendar.file)) : urlCalendar(calendar);
  return new Map(
    Object.entries(settings?.windows ?? {}).map(([name, { timeZone, open, holidays, freezes }]): [string, Window] => [
      name,
      { timeZone, open, holidays: new Set(holidays), freezes: freezes.map(calendarOf) },
    ]),
  );
}
