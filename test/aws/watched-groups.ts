/** Auto Scaling groups of which somebody has suspended something, and what is to be seen of them, and of their instances, past the shim. */
import assert from 'node:assert/strict';
import { awsTargetId } from '../../activities/faults/aws/target.ts';
import type { TargetId } from '../../domain/fault.ts';
import type { Account } from './account.ts';
import type { Group } from './account/machines.ts';
import { groupTags, stateOf, suspendedOf, tagsOf } from './labs/members.ts';

/** What somebody else has suspended. */
const BEFORE = ['AZRebalance', 'AlarmNotification'];

export class WatchedGroups {
  /** What is suspended while one of their instances is stopped. */
  readonly meanwhile = [...BEFORE, 'HealthCheck', 'ReplaceUnhealthy'];
  /** The same, as it is written down. */
  readonly ours = 'HealthCheck ReplaceUnhealthy';
  readonly #account: Account;

  constructor(account: Account) {
    this.#account = account;
  }

  async make(size = 3): Promise<Group> {
    const group = await this.#account.group({ size });
    const autoScaling = await this.#account.observe.autoScaling();
    await autoScaling.suspendProcesses({ AutoScalingGroupName: group.name, ScalingProcesses: BEFORE });
    return group;
  }

  targetOf(instance: string): TargetId {
    return awsTargetId({ region: this.#account.region, kind: 'instance', name: instance });
  }

  suspended({ name }: Group): Promise<string[]> {
    return suspendedOf(name, this.#account.observe);
  }

  tags({ name }: Group): Promise<Record<string, string>> {
    return groupTags(name, this.#account.observe);
  }

  async isAsBefore(group: Group): Promise<void> {
    assert.deepEqual(await this.suspended(group), BEFORE);
    assert.deepEqual(await this.tags(group), {});
  }

  /** It runs, and nothing is left of a fault that held it, or of the group that was held for it. */
  async runs(instance: string): Promise<void> {
    assert.equal(await stateOf(instance, this.#account.observe), 'running');
    const keys = Object.keys(await tagsOf(instance, this.#account.observe));
    const left = keys.filter((key) => key.startsWith('squall:') && !key.startsWith('squall:ended-'));
    assert.deepEqual(left, []);
  }
}
