/**
 * Templates of AWS Fault Injection Service, as resources with a slot in their tags.
 *
 * Owns what is read of them. Where a template was deleted while an experiment of it goes on, that experiment, which has the same tags,
 * stands in for it: what it does must be stopped all the same.
 */
import type { ExperimentTemplate } from '@aws-sdk/client-fis';
import type { RegionClients } from '../../aws/cloud.ts';
import { isMissing } from '../../aws/denied.ts';
import { pause } from '../../pause.ts';
import { experiments, isFinal } from './fis-experiments.ts';
import { FAULT } from './tag-slot.ts';
import type { TagPatch, Tags } from './tag-slot.ts';
import { halves } from './tagged.ts';
import type { TaggedKind, TaggedRegion } from './tagged.ts';

/** AWS allows 500 templates in a region unless asked for more; a page has 100. */
const PAGES_MAX = 50;
const PAGE = 100;
/** An experiment that was started a moment ago may not be listed yet: where its template is gone, it is looked for again after this time. */
const LOOKS = 2;
const AGAIN_MS = 1_500;

/** A template as it was read. */
export interface LiveTemplate {
  readonly id: string;
  readonly tags: Tags;
  readonly template: ExperimentTemplate;
}

export const templates: TaggedKind<LiveTemplate> = { kind: 'template', open: openTemplates };

function openTemplates(clients: RegionClients): TaggedRegion<LiveTemplate> {
  const { region } = clients;
  const fis = (): ReturnType<RegionClients['fis']> => clients.fis();
  /** Where the tags of each are, by its id, as of the last look at it. */
  const arns = new Map<string, string>();
  const read = async (name: string): Promise<LiveTemplate | undefined> => {
    try {
      const { experimentTemplate: template = {} } = await (await fis()).getExperimentTemplate({ id: name });
      arns.set(name, arnOf(region, template.roleArn, `experiment-template/${name}`));
      return { id: name, tags: template.tags ?? {}, template };
    } catch (error) {
      if (!isMissing(error)) throw error;
      return orphaned(name);
    }
  };
  const orphaned = async (name: string): Promise<LiveTemplate | undefined> => {
    for (let looks = 0; looks < LOOKS; looks += 1) {
      if (looks > 0) await pause(AGAIN_MS, new AbortController().signal);
      for await (const one of experiments(await fis())) {
        if (one.experimentTemplateId !== name || isFinal(one) || one.tags?.[FAULT] === undefined) continue;
        const { experiment } = await (await fis()).getExperiment({ id: one.id });
        arns.set(name, arnOf(region, experiment?.roleArn, `experiment/${one.id}`));
        return { id: name, tags: one.tags, template: {} };
      }
    }
    return undefined;
  };
  return {
    read: ({ name }) => read(name),
    async write({ name }, patch) {
      if (!arns.has(name)) await read(name);
      await written(fis, arns.get(name), patch);
    },
    async *marked() {
      const known = new Set<string>();
      for await (const live of listed(fis)) {
        known.add(live.id);
        if (Object.keys(live.tags).some((key) => key.startsWith('squall:')))
          yield { target: { region, kind: 'template', name: live.id }, live };
      }
      for await (const one of experiments(await fis())) {
        const { experimentTemplateId: name = '', tags = {} } = one;
        if (!known.has(name) && !isFinal(one) && tags[FAULT] !== undefined)
          yield { target: { region, kind: 'template', name }, live: { id: name, tags, template: {} } };
      }
    },
  };
}

async function* listed(fis: RegionClients['fis']): AsyncGenerator<LiveTemplate> {
  let nextToken: string | undefined;
  for (let pages = 0; pages < PAGES_MAX; pages += 1) {
    const asked = { maxResults: PAGE, ...(nextToken ? { nextToken } : {}) };
    const page = await (await fis()).listExperimentTemplates(asked);
    for (const { id, tags = {} } of page.experimentTemplates ?? [])
      if (id !== undefined) yield { id, tags, template: {} };
    nextToken = page.nextToken;
    if (!nextToken) return;
  }
  throw new Error(`FIS lists more than ${PAGES_MAX * PAGE} templates: nobody can say which of them Squall has used`);
}

async function written(fis: RegionClients['fis'], resourceArn: string | undefined, patch: TagPatch): Promise<void> {
  const { set, removed } = halves(patch);
  const client = await fis();
  const tags = Object.fromEntries(set.map(({ Key, Value }) => [Key, Value]));
  if (set.length > 0) await client.tagResource({ resourceArn, tags });
  if (removed.length > 0) await client.untagResource({ resourceArn, tagKeys: [...removed] });
}

/** Tags are written by ARN, which this SDK does not hand out. The role of a template is always one of its own account. */
function arnOf(region: string, roleArn: string | undefined, resource: string): string {
  const [, partition, , , account] = roleArn?.split(':') ?? [];
  if (!partition || !account)
    throw new Error(`FIS does not say which role ${resource} has: its tags cannot be written`);
  return `arn:${partition}:fis:${region}:${account}:${resource}`;
}
