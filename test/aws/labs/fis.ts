/**
 * Templates of FIS that run, for the conformance of `aws/fis`.
 *
 * Owns what somebody else does to an experiment: its alarms, its actions, or whoever stops it. moto has nobody who does.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { CreateExperimentTemplateRequest } from '@aws-sdk/client-fis';
import type { Lab } from '../../../activities/faults/conformance.ts';
import { awsTargetId } from '../../../activities/faults/aws/target.ts';
import type { Account } from '../account.ts';
import type { Answer } from '../shim.ts';

const ALARM = 'arn:aws:cloudwatch:eu-west-1:123456789012:alarm:errors';

/** States that somebody else has given an experiment, and how often each was looked at. */
export class Experiments {
  readonly #account: Account;
  readonly #given = new Map<string, State>();

  constructor(account: Account) {
    this.#account = account;
    for (const action of ['GetExperiment', 'ListExperiments'])
      account.shim.after(`fis:${action}`, (_call, answer) => this.#retold(answer));
  }

  /** A template; its id. */
  async template(change: Partial<CreateExperimentTemplateRequest> = {}): Promise<string> {
    const { experimentTemplate } = await (
      await this.#account.observe.fis()
    ).createExperimentTemplate({
      clientToken: randomUUID(),
      description: 'a lab',
      roleArn: 'arn:aws:iam::123456789012:role/fis',
      stopConditions: [{ source: 'aws:cloudwatch:alarm', value: ALARM }],
      targets: {
        web: {
          resourceType: 'aws:ec2:instance',
          resourceArns: [1, 2].map((n) => `arn:aws:ec2:eu-west-1:123456789012:instance/i-${n}`),
          selectionMode: 'ALL',
        },
      },
      actions: { wait: { actionId: 'aws:fis:wait', parameters: { duration: 'PT5M' } } },
      tags: { Name: 'lab' },
      ...change,
    });
    return experimentTemplate?.id ?? assert.fail('no template');
  }

  /** Experiments of a template that nobody has stopped, as moto knows them. */
  async running(template: string): Promise<string[]> {
    const { experiments = [] } = await (await this.#account.observe.fis()).listExperiments({ maxResults: 100 });
    return experiments
      .filter(({ experimentTemplateId }) => experimentTemplateId === template)
      .filter(({ state }) => ['pending', 'initiating', 'running'].includes(state?.status ?? ''))
      .map(({ id = '' }) => id);
  }

  /** From now on FIS says this of an experiment. */
  be(id: string, status: string, reason: string): void {
    this.#given.set(id, { status, reason });
  }

  #retold(answer: Answer): Answer {
    if (answer.status !== 200) return answer;
    const said = JSON.parse(answer.body) as { experiment?: Said; experiments?: Said[] };
    for (const one of [said.experiment, ...(said.experiments ?? [])]) if (one !== undefined) this.#retell(one);
    return { ...answer, body: JSON.stringify(said) };
  }

  #retell(one: Said): void {
    const state = this.#given.get(one.id);
    if (state === undefined) return;
    one.state = state;
    for (const action of Object.values(one.actions ?? {})) action.state = { ...state, reason: 'as its experiment' };
  }
}

interface State {
  readonly status: string;
  readonly reason: string;
}

interface Said {
  readonly id: string;
  state: State;
  readonly actions?: Readonly<Record<string, { state: State }>>;
}

export function openFisLab(account: Account): Lab {
  const experiments = new Experiments(account);
  return {
    driver: new URL('../../../activities/faults/aws/fis.ts', import.meta.url),
    params: {},
    settings: { aws: account.settings },
    shortTtlMs: 5_000,
    async target() {
      const name = await experiments.template();
      return {
        id: awsTargetId({ region: account.region, kind: 'template', name }),
        harmed: async () => (await experiments.running(name)).length > 0,
        remove: async () => {
          await (await account.observe.fis()).deleteExperimentTemplate({ id: name });
        },
      };
    },
  };
}
