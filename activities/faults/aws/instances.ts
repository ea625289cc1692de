/**
 * Instances, as resources with a slot in their tags.
 *
 * Owns what is read of them. One that is terminated is gone: its tags go too, after a while.
 */
import type { EC2, Instance } from '@aws-sdk/client-ec2';
import type { RegionClients } from '../../aws/cloud.ts';
import { wordsOf } from '../../aws/denied.ts';
import { ec2Tags } from './ec2-tags.ts';
import { readTogether, tagsOf } from './tagged.ts';
import type { TaggedKind, TaggedRegion } from './tagged.ts';
import type { Tags } from './tag-slot.ts';

/** An instance as it was read. */
export interface LiveInstance {
  readonly id: string;
  readonly tags: Tags;
  /** `pending`, `running`, `stopping` or `stopped`. */
  readonly state: string;
  /** Why it is as it is, in EC2's words: `Client.InternalError: …`; undefined where it says nothing of that. */
  readonly reason: string | undefined;
  /** Such as `t3.micro`. */
  readonly type: string | undefined;
  /** `ebs` or `instance-store`. */
  readonly rootDevice: string | undefined;
  /** `spot` or `scheduled`; undefined of an on-demand instance. */
  readonly lifecycle: string | undefined;
  readonly zone: string | undefined;
  readonly subnet: string | undefined;
  readonly vpc: string | undefined;
  readonly interfaces: readonly LiveInterface[];
}

/** A network interface, with its security groups. */
export interface LiveInterface {
  readonly id: string;
  readonly groups: readonly { readonly id: string; readonly name: string }[];
}

/** The Auto Scaling group of an instance, by the tag that AWS itself keeps; undefined where it is in none. */
export function groupOf({ tags }: Pick<LiveInstance, 'tags'>): string | undefined {
  return tags['aws:autoscaling:groupName'];
}

export const instances: TaggedKind<LiveInstance> = { kind: 'instance', open: openInstances };

function openInstances({ region, ec2 }: RegionClients): TaggedRegion<LiveInstance> {
  const read = readTogether(async (names) => {
    const found = new Map<string, LiveInstance>();
    const filters = [{ Name: 'instance-id', Values: [...names] }];
    for await (const live of describedInstances(await ec2(), filters)) found.set(live.id, live);
    return found;
  });
  const write = ec2Tags(ec2);
  return {
    read: ({ name }) => read(name),
    write: ({ name }, patch) => write(name, patch),
    async *marked() {
      const filters = [{ Name: 'tag-key', Values: ['squall:*'] }];
      for await (const live of describedInstances(await ec2(), filters))
        yield { target: { region, kind: 'instance', name: live.id }, live };
    },
  };
}

/** Living instances. By a filter, not by their ids: of an id that is not there a whole request would fail. */
export async function* describedInstances(
  ec2: EC2,
  filters: readonly { readonly Name: string; readonly Values: string[] }[],
): AsyncGenerator<LiveInstance> {
  let token: string | undefined;
  do {
    const page = await ec2.describeInstances({ Filters: [...filters], MaxResults: 1_000, NextToken: token });
    for (const { Instances = [] } of page.Reservations ?? [])
      for (const instance of Instances) {
        const live = parsed(instance);
        if (live !== undefined) yield live;
      }
    token = page.NextToken;
  } while (token);
}

function parsed(instance: Instance): LiveInstance | undefined {
  const { InstanceId: id, State, NetworkInterfaces = [] } = instance;
  const state = State?.Name;
  if (id === undefined || state === undefined || state === 'terminated' || state === 'shutting-down') return undefined;
  return {
    id,
    tags: tagsOf(instance.Tags),
    state,
    reason: reasonOf(instance),
    type: instance.InstanceType,
    rootDevice: instance.RootDeviceType,
    lifecycle: instance.InstanceLifecycle,
    zone: instance.Placement?.AvailabilityZone,
    subnet: instance.SubnetId,
    vpc: instance.VpcId,
    interfaces: NetworkInterfaces.map(({ NetworkInterfaceId = '', Groups = [] }) => ({
      id: NetworkInterfaceId,
      groups: Groups.map(({ GroupId = '', GroupName = '' }) => ({ id: GroupId, name: GroupName })),
    })),
  };
}

function reasonOf({ StateReason: { Code: name, Message: message } = {} }: Instance): string | undefined {
  return name ? wordsOf({ name, message }) : undefined;
}
