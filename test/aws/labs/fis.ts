/**
 * Templates of FIS that run, for the conformance of `aws/fis`.
 *
 * Owns what an experiment's states are. moto's are over as soon as somebody looks, so that they are kept where they begin, and told as
 * AWS tells them: one that was started initiates, and then runs; one that is to stop is stopped a little later.
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
  readonly #given = new Map<string, { readonly status: string; readonly reason: string }>();
  readonly #looks = new Map<string, number>();

  private constructor(account: Account) {
    this.#account = account;
    for (const action of ['GetExperiment', 'ListExperiments', 'StopExperiment', 'StartExperiment'])
      account.shim.after(`fis:${action}`, (_call, answer) => this.#retold(answer));
  }

  static async open(account: Account): Promise<Experiments> {
    const { ok } = await fetch(`${account.moto.url}/moto-api/state-manager/set-transition`, {
      method: 'POST',
      body: JSON.stringify({
        model_name: 'fis::experiment',
        transition: { progression: 'manual', times: 1_000_000_000 },
      }),
    });
    assert.ok(ok, 'moto does not keep experiments where they begin');
    return new Experiments(account);
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

  /** Experiments of a template that moto has started and nobody has stopped. */
  async running(template: string): Promise<string[]> {
    const { experiments = [] } = await (await this.#account.observe.fis()).listExperiments({ maxResults: 100 });
    return experiments
      .filter(({ experimentTemplateId, state }) => experimentTemplateId === template && state?.status === 'pending')
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
    one.state = this.#given.get(one.id) ?? this.#stateOf(one);
    for (const action of Object.values(one.actions ?? {}))
      action.state = { status: one.state.status, reason: `as its experiment` };
  }

  #stateOf({ id, state }: Said): Said['state'] {
    const key = `${id} ${state.status}`;
    const looks = (this.#looks.get(key) ?? 0) + 1;
    this.#looks.set(key, looks);
    if (state.status === 'pending')
      return looks > 2
        ? { status: 'running', reason: 'Experiment is running.' }
        : { status: 'initiating', reason: 'Experiment is initiating.' };
    if (state.status === 'stopping' && looks > 2) return { status: 'stopped', reason: 'Experiment was stopped.' };
    return state;
  }
}

interface Said {
  readonly id: string;
  state: { status: string; reason: string };
  readonly actions?: Readonly<Record<string, { state: { status: string; reason: string } }>>;
}

export async function openFisLab(account: Account): Promise<Lab> {
  const experiments = await Experiments.open(account);
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
