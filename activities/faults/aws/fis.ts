/**
 * `aws/fis`: a template of AWS Fault Injection Service runs as a fault.
 *
 * The slot is on the template, so that there is one experiment of it at a time; the experiment has the same tags from the request that
 * starts it. FIS answers the same experiment whenever it is asked again with the token of the same fault. What an action has done
 * is taken back by FIS, where that can be.
 */
import { createHash } from 'node:crypto';
import type { Experiment, ExperimentTemplate } from '@aws-sdk/client-fis';
import { z } from 'zod';
import type { Fault, TargetId } from '../../../domain/fault.ts';
import { pause } from '../../pause.ts';
import { slownessMs } from '../../targets/aws-settings.ts';
import { ENDING_ACTIONS } from './fis-actions.ts';
import { experiments, isFinal, progressWords, stateWords } from './fis-experiments.ts';
import { OWNED_BY, ownTags } from './own-tags.ts';
import { isTaggedBy, readTagSlot } from './tag-slot.ts';
import type { Tags } from './tag-slot.ts';
import { taggedFault } from './tagged-fault.ts';
import type { Progress } from './tagged-fault.ts';
import type { Looking } from './tagged-site.ts';
import { parseAwsTarget } from './target.ts';
import { templates } from './templates.ts';
import type { LiveTemplate } from './templates.ts';

const params = z.strictObject({
  withoutStopConditions: z
    .boolean()
    .default(false)
    .describe(
      'Whether a template may run that has no stop condition of its own, by which FIS ends it when everything of Squall is dead.',
    ),
  withoutRollback: z
    .boolean()
    .default(false)
    .describe(
      'Whether a template may run with actions that FIS cannot take back, or of which nobody knows that it can, such as aws:ec2:terminate-instances or aws:ssm:send-command: a policy has to let what is irreversible.',
    ),
});
type Params = z.infer<typeof params>;

/** Looks at an experiment that begins; all of them take as long as one request may. */
const FOLLOWED = 8;

const undoRecord = z.object({
  /** The experiment's id, once it is known. */
  experiment: z.string().optional(),
});
type Undo = z.infer<typeof undoRecord>;

/** What actions do to take themselves back, such as starting instances again, in milliseconds. */
const REVERT_MS = 600_000;

export const driver = taggedFault<Params, LiveTemplate, Undo>({
  kind: 'aws/fis',
  summary: 'An experiment of a template of AWS Fault Injection Service is started, followed, and stopped.',
  params,
  revertMs: REVERT_MS,
  irreversible: ({ withoutRollback }) => withoutRollback,
  resource: templates,
  permissions: [
    {
      needs: 'to look at the templates and experiments of AWS Fault Injection Service',
      actions: [
        {
          actions: [
            'fis:GetExperiment',
            'fis:GetExperimentTemplate',
            'fis:ListExperimentResolvedTargets',
            'fis:ListExperimentTemplates',
            'fis:ListExperiments',
          ],
        },
      ],
    },
    {
      needs: 'to start, tag and stop experiments of a template',
      actions: [
        { actions: ['fis:StartExperiment'], resources: ['fis:experiment-template/*'], harms: true },
        {
          actions: ['fis:StartExperiment', 'fis:TagResource'],
          resources: ['fis:experiment/*'],
          of: 'new',
          harms: true,
        },
        { actions: ['fis:TagResource', 'fis:UntagResource'], resources: ['fis:experiment-template/*'] },
        {
          actions: ['fis:StopExperiment', 'fis:TagResource', 'fis:UntagResource'],
          resources: ['fis:experiment/*'],
          of: 'ours',
        },
      ],
    },
  ],
  undo: 'the experiment is stopped, and FIS completes what its actions do to take themselves back',
  undoRecord,
  async unfit(targets, params, looking) {
    const found = await Promise.all(targets.map((target) => refusalOf(target, params, looking)));
    return new Map(
      targets.flatMap((target, i): [TargetId, string][] => (found[i] === undefined ? [] : [[target, found[i]]])),
    );
  },
  async record({ id, template }, { params }, looking) {
    return (refusal(template, params) ?? (await running(id, looking))) || { undo: {} };
  },
  async act({ id, tags }, undo, fault, acting) {
    let { experiment } = undo;
    if (experiment === undefined) {
      const fis = await acting.once.fis();
      const asked = { experimentTemplateId: id, clientToken: tokenOf(fault), tags: tagsFor(tags, acting) };
      experiment = (await fis.startExperiment(asked)).experiment?.id;
      if (experiment === undefined) return;
      await acting.keep({ experiment });
    }
    await follow(experiment, acting);
  },
  async isOn(_live, { experiment }, _fault, looking) {
    const found = experiment === undefined ? undefined : await experimentOf(experiment, looking);
    if (found === undefined) return false;
    return isGoing(found) || stateWords(found);
  },
  async told(_live, { experiment }, _fault, looking) {
    const found = experiment === undefined ? undefined : await experimentOf(experiment, looking);
    return found && progressWords(await looking.clients.fis(), found);
  },
  heal,
  tidy,
});

async function refusalOf(target: TargetId, params: Params, looking: Looking): Promise<string | undefined> {
  const { region, name } = parseAwsTarget(target, ['template']);
  const there = looking.in(region);
  const live = await templates.open(there.clients).read({ region, kind: 'template', name });
  return live && (refusal(live.template, params) ?? (await running(name, there)));
}

/** Why no experiment of it may be started, as far as the template itself says. */
function refusal(template: ExperimentTemplate, { withoutStopConditions, withoutRollback }: Params): string | undefined {
  const { stopConditions = [], experimentOptions, targetAccountConfigurationsCount = 0, actions = {} } = template;
  if (experimentOptions?.accountTargeting === 'multi-account' || targetAccountConfigurationsCount > 0)
    return 'it targets other accounts, where nobody of this site could look';
  if (!withoutStopConditions && !stopConditions.some(({ source }) => source !== undefined && source !== 'none'))
    return 'it has no stop condition, by which FIS would end it when everything of Squall is dead: give it one, or say `withoutStopConditions: true`';
  if (Object.keys(actions).length === 0) return 'it has no action';
  const lasting = Object.values(actions).filter(isLasting);
  if (!withoutRollback && lasting.length > 0)
    return `FIS is not known to take back ${[...new Set(lasting.map(({ actionId }) => actionId))].slice(0, 5).join(', ')}: say \`withoutRollback: true\` if that may be`;
  return undefined;
}

/** Whether nobody knows that an action ends, or is taken back by FIS. */
function isLasting({
  actionId = '',
  parameters = {},
}: {
  actionId?: string;
  parameters?: Record<string, string>;
}): boolean {
  if (actionId === 'aws:ec2:stop-instances') return !parameters['startInstancesAfterDuration'];
  return !ENDING_ACTIONS.has(actionId);
}

/** What is running of a template, whoever has started it. */
async function running(template: string, { clients }: Looking): Promise<string | undefined> {
  for await (const one of experiments(await clients.fis()))
    if (one.experimentTemplateId === template && !isFinal(one))
      return `an experiment of it, ${one.id}, is ${one.state?.status ?? 'in no state'}`;
  return undefined;
}

/** Stops what was started for a fault that holds its template no more: it came after everybody had looked. */
async function tidy(looking: Looking): Promise<void> {
  const { region } = looking.clients;
  const there = templates.open(looking.clients);
  for await (const one of experiments(await looking.clients.fis())) {
    const { id, tags = {}, experimentTemplateId: name = '' } = one;
    if (isFinal(one) || tags[OWNED_BY] !== looking.installation) continue;
    const live = await there.read({ region, kind: 'template', name });
    const holder = live && readTagSlot(live.tags, name).record;
    if (holder?.id !== readTagSlot(tags, `experiment ${id}`).record?.id)
      await (await looking.once.fis()).stopExperiment({ id });
  }
}

function tokenOf({ installation, id }: Fault<Params>): string {
  return createHash('sha256').update(`${installation} ${id}`).digest('hex');
}

/** The record as the template has it, and whose the experiment is; fences are the template's own. */
function tagsFor(tags: Tags, { installation }: Looking): Record<string, string> {
  const record = Object.entries(tags).filter(([key]) => /^squall:(?:fault|expires|original)/.test(key));
  const own = ownTags(installation).map(({ Key = '', Value = '' }): [string, string] => [Key, Value]);
  return Object.fromEntries([...record, ...own]);
}

async function experimentOf(id: string, { clients }: Looking): Promise<Experiment | undefined> {
  return (await (await clients.fis()).getExperiment({ id })).experiment;
}

/**
 * Sees it run, so that what it is done to can be told; it is on before that. Rejects where it has ended, for want of targets or for whatever
 * FIS says: it is never started again.
 */
async function follow(id: string, looking: Looking): Promise<void> {
  for (let looks = 0; looks < FOLLOWED; looks += 1) {
    const found = await experimentOf(id, looking);
    if (found !== undefined && isFinal(found)) throw new Error(stateWords(found));
    if (found?.state?.status === 'running') return;
    await pause(slownessMs(looking.settings) / FOLLOWED, new AbortController().signal);
  }
}

function isGoing({ state }: Experiment): boolean {
  return ['pending', 'initiating', 'running'].includes(state?.status ?? '');
}

/** Stops what the fault has started, whether or not it came to be written down. */
async function heal(
  live: LiveTemplate,
  { experiment }: Undo,
  fault: Fault<Params>,
  looking: Looking,
): Promise<Progress> {
  const ids = new Set(experiment === undefined ? [] : [experiment]);
  for await (const { id, experimentTemplateId, tags = {} } of experiments(await looking.clients.fis()))
    if (experimentTemplateId === live.id && isTaggedBy(readTagSlot(tags, `experiment ${id}`), fault)) ids.add(id);
  const words: string[] = [];
  for (const id of ids) {
    const found = (await experimentOf(id, looking)) ?? {};
    if (!isFinal(found)) {
      if (found.state?.status !== 'stopping') await (await looking.once.fis()).stopExperiment({ id });
      return { done: false, detail: `experiment ${id} is being stopped` };
    }
    const lasting = Object.values(found.actions ?? {}).filter(isLasting);
    words.push(
      `${stateWords(found)}${lasting.length === 0 ? '' : '; not all of its actions are known to be taken back'}`,
    );
  }
  return { done: true, ...(words.length === 0 ? {} : { detail: words.join('; ') }) };
}
