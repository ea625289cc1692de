/**
 * The agents of an account's instances, which is this machine: what AWS Systems Manager is told to run is run for real, each instance
 * with a folder of its own, and in namespaces of its own where a test says so.
 *
 * Owns what Systems Manager answers in the place of moto, which runs nothing. What was put on is ended when an instance goes, and with
 * the test; where that is killed, it ends by itself. Must never know what a command does.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import { until } from '../until.ts';
import type { Account } from './account.ts';
import { Instance, linesOf } from './on-instance.ts';
import { refusal } from './shim.ts';
import type { Answer, Call } from './shim.ts';

/** One command on one instance. */
interface Invocation {
  readonly id: string;
  readonly instance: string;
  status: string;
  output: string;
}

/** How an instance's agent is. */
interface Agent {
  readonly instance: Instance;
  /** As Systems Manager says: `Online`, `ConnectionLost`. */
  ping: string;
  /** Whether commands wait. */
  isAway: boolean;
  /** What waits for it to come back. */
  readonly waiting: (() => void)[];
}

const TRIES = 3;

const opened = new WeakMap<Account, Agents>();

export class Agents {
  readonly #agents = new Map<string, Agent>();
  readonly #invocations: Invocation[] = [];

  private constructor({ shim }: Account) {
    shim.before('ssm:SendCommand', (call) => this.#send(call));
    shim.before('ssm:ListCommandInvocations', (call) => this.#list(call));
    shim.before('ssm:DescribeInstanceInformation', (call) => this.#describe(call));
    shim.before('ssm:CancelCommand', (call) => this.#cancel(call));
  }

  /** Those of an account; the same ones, whoever asks. */
  static of(account: Account): Agents {
    const known = opened.get(account) ?? new Agents(account);
    opened.set(account, known);
    return known;
  }

  /** Gives an instance an agent; `enter` leads into its namespaces. */
  add(id: string, enter: readonly string[] = []): void {
    this.#agents.set(id, { instance: new Instance(enter), ping: 'Online', isAway: false, waiting: [] });
  }

  /** What runs there: the pids of everything that has its folder in its environment. */
  processes(id: string): number[] {
    const mark = `SQUALL_RUN=${this.#agent(id).instance.state}`;
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && linesOf(`/proc/${name}/environ`, '\0').includes(mark))
      .map(Number);
  }

  /** The instance is cut off from Systems Manager, which may not know it yet; what runs there goes on. */
  cutOff(id: string, isKnown = true): void {
    const agent = this.#agent(id);
    agent.isAway = true;
    if (isKnown) agent.ping = 'ConnectionLost';
  }

  /** It is back, and is handed what has waited. */
  back(id: string): void {
    const agent = this.#agent(id);
    agent.ping = 'Online';
    agent.isAway = false;
    for (const go of agent.waiting.splice(0)) go();
  }

  /** Everything there is at an end, as when an instance is stopped or terminated: nothing is left of it. */
  async end(id: string): Promise<void> {
    const agent = this.#agents.get(id);
    if (agent === undefined) return;
    this.cutOff(id);
    await until(() => {
      const left = this.processes(id);
      for (const pid of left) kill(pid);
      return left.length === 0;
    }, 'no process is left');
    this.#agents.delete(id);
    rmSync(agent.instance.folder, { recursive: true, force: true });
  }

  async close(ids: readonly string[]): Promise<void> {
    for (const id of ids) await this.end(id);
  }

  #agent(id: string): Agent {
    return this.#agents.get(id) ?? assert.fail(`${id} has no agent`);
  }

  #send(call: Call): Answer {
    const { InstanceIds, Parameters } = call.params as {
      InstanceIds: string[];
      Parameters: { commands: string[]; executionTimeout: string[] };
    };
    const strange = InstanceIds.filter((id) => !this.#agents.has(id));
    if (strange.length > 0)
      return refusal(call, 'InvalidInstanceId', `Instances [[${strange.join(', ')}]] not in a valid state for account`);
    const id = randomUUID();
    for (const instance of InstanceIds) {
      const invocation = { id, instance, status: 'Pending', output: '' };
      this.#invocations.push(invocation);
      const agent = this.#agent(instance);
      const go = (): void => void this.#run(invocation, agent, Parameters.commands);
      if (agent.isAway) agent.waiting.push(go);
      else go();
    }
    return json({ Command: { CommandId: id, Status: 'Pending', InstanceIds } });
  }

  async #run(invocation: Invocation, { instance }: Agent, commands: readonly string[]): Promise<void> {
    if (invocation.status !== 'Pending') return;
    invocation.status = 'InProgress';
    for (let tries = 0; tries < TRIES && isUnderWay(invocation) && this.#agents.has(invocation.instance); tries += 1) {
      // A machine that starts many processes at once may find a script busy that was only just written.
      const printed = await instance.print(commands, invocation.instance).catch(() => undefined);
      if (printed === undefined || !isUnderWay(invocation)) continue;
      invocation.output = printed;
      invocation.status = 'Success';
    }
    if (isUnderWay(invocation)) invocation.status = 'Failed';
  }

  #list(call: Call): Answer {
    const found = this.#invocations.filter(({ id }) => id === call.params['CommandId']);
    return json({
      CommandInvocations: found.map(({ id, instance, status, output }) => ({
        CommandId: id,
        InstanceId: instance,
        Status: status,
        StatusDetails: status,
        CommandPlugins: [{ Name: 'aws:runShellScript', Status: status, Output: output }],
      })),
    });
  }

  #describe(call: Call): Answer {
    const [{ Values = [] } = {}] = (call.params['Filters'] ?? []) as { Values?: string[] }[];
    return json({
      InstanceInformationList: Values.flatMap((id) => {
        const agent = this.#agents.get(id);
        return agent === undefined ? [] : [{ InstanceId: id, PingStatus: agent.ping, PlatformType: 'Linux' }];
      }),
    });
  }

  #cancel(call: Call): Answer {
    const { CommandId, InstanceIds = [] } = call.params as { CommandId: string; InstanceIds?: string[] };
    for (const one of this.#invocations)
      if (one.id === CommandId && InstanceIds.includes(one.instance) && one.status === 'Pending')
        one.status = 'Cancelled';
    return json({});
  }
}

function isUnderWay({ status }: Invocation): boolean {
  return status === 'InProgress';
}

function json(body: unknown): Answer {
  return { status: 200, headers: { 'content-type': 'application/x-amz-json-1.1' }, body: JSON.stringify(body) };
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}
