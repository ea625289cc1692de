/**
 * Experiments of AWS Fault Injection Service: found, followed, and told in words.
 *
 * Owns which states are an end. A state that is not known is none: the experiment may be at work.
 */
import type { Experiment, ExperimentSummary } from '@aws-sdk/client-fis';
import type { RegionClients } from '../../aws/cloud.ts';

/** At 100 a page; AWS keeps an experiment for 120 days: https://docs.aws.amazon.com/fis/latest/userguide/experiments.html */
const PAGES_MAX = 100;
const PAGE = 100;
/** Resolved targets that are counted. */
const COUNTED_PAGES_MAX = 10;
/** Actions, targets and alarms that are named; what FIS says of each, in characters. */
const NAMED_MAX = 8;
const SAID_MAX = 160;

/** What FIS gives to who looks after one experiment. */
type Fis = Awaited<ReturnType<RegionClients['fis']>>;

/** Every experiment that FIS still knows. Throws where there are more than can be looked through. */
export async function* experiments(fis: Fis): AsyncGenerator<ExperimentSummary & { readonly id: string }> {
  let nextToken: string | undefined;
  for (let pages = 0; pages < PAGES_MAX; pages += 1) {
    const page = await fis.listExperiments({ maxResults: PAGE, ...(nextToken ? { nextToken } : {}) });
    for (const one of page.experiments ?? []) if (one.id !== undefined) yield { ...one, id: one.id };
    nextToken = page.nextToken;
    if (!nextToken) return;
  }
  throw new Error(`FIS lists more than ${PAGES_MAX * PAGE} experiments: nobody can say which of them are Squall’s`);
}

/** Whether nothing of it is at work any more. */
export function isFinal(one: Pick<ExperimentSummary, 'state'>): boolean {
  return ['completed', 'stopped', 'failed', 'cancelled'].includes(one.state?.status ?? '');
}

/** What has become of it: its state, why, which stop conditions it had where one of them ended it, and what its actions did. */
export function stateWords({ id = '?', state, stopConditions = [], actions = {} }: Experiment): string {
  const how = { completed: 'has ended by itself', stopped: 'was stopped', failed: 'has failed' };
  const status = state?.status ?? 'in no state';
  const ended = how[status as keyof typeof how] ?? `is ${status}`;
  const alarms = /stop condition/i.test(state?.reason ?? '') ? [` (${conditionWords(stopConditions)})`] : [];
  const did = actionWords(actions);
  return `experiment ${id} ${ended}${said(state?.reason)}${alarms.join('')}${did === '' ? '' : `; ${did}`}`;
}

/** `cut: running, stop: failed: no such role`. */
function actionWords(actions: NonNullable<Experiment['actions']>): string {
  const words = Object.entries(actions).map(([name, { state }]) => {
    const status = state?.status ?? 'in no state';
    return `${name}: ${status}${/failed|skipped|cancelled/.test(status) ? said(state?.reason) : ''}`;
  });
  return some(words);
}

/** By what an alarm is called; `none` where FIS is to end it for nothing. */
function conditionWords(conditions: NonNullable<Experiment['stopConditions']>): string {
  const alarms = conditions.flatMap(({ source, value }) =>
    source === 'none' ? [] : [value?.split(':alarm:').at(-1) ?? '?'],
  );
  return alarms.length === 0 ? 'no stop condition' : `stop conditions: ${some(alarms)}`;
}

/** How it goes: what it is done to, by which actions, and what ends it. */
export async function progressWords(fis: Fis, experiment: Experiment): Promise<string> {
  const targets = some([...(await targetCounts(fis, experiment.id))].map(([name, count]) => `${count} ${name}`));
  return `experiment ${experiment.id ?? '?'} of ${targets || 'no target'}; ${actionWords(experiment.actions ?? {})}; ${conditionWords(experiment.stopConditions ?? [])}`;
}

/** How many resources each target has come to, by its name; of very many, `1000 or more`. */
async function targetCounts(fis: Fis, experimentId = ''): Promise<ReadonlyMap<string, string>> {
  const counts = new Map<string, number>();
  let nextToken: string | undefined;
  for (let pages = 0; pages < COUNTED_PAGES_MAX; pages += 1) {
    const asked = { experimentId, maxResults: PAGE, ...(nextToken ? { nextToken } : {}) };
    const page = await fis.listExperimentResolvedTargets(asked);
    for (const { targetName = '?' } of page.resolvedTargets ?? [])
      counts.set(targetName, (counts.get(targetName) ?? 0) + 1);
    nextToken = page.nextToken;
    if (!nextToken) break;
  }
  return new Map([...counts].map(([name, count]) => [name, `${count}${nextToken ? ' or more' : ''}`]));
}

function some(words: readonly string[]): string {
  const more = words.length - NAMED_MAX;
  return [...words.slice(0, NAMED_MAX), ...(more > 0 ? [`and ${more} more`] : [])].join(', ');
}

/** What FIS says, as the end of a sentence. */
function said(reason: string | undefined): string {
  const words = reason?.trim().replace(/\.$/, '') ?? '';
  return words === '' ? '' : `: ${words.slice(0, SAID_MAX)}`;
}
