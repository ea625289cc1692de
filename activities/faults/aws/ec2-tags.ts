/**
 * Tags of what EC2 has: instances, subnets, network ACLs.
 *
 * Owns the two requests. The same patch of many resources is one of each.
 */
import type { EC2 } from '@aws-sdk/client-ec2';
import { onceTogether } from './once-together.ts';
import { halves } from './tagged.ts';
import type { TagPatch } from './tag-slot.ts';

/** Writes tags of one resource, by its id. */
export function ec2Tags(ec2: () => Promise<EC2>): (id: string, patch: TagPatch) => Promise<void> {
  return onceTogether<TagPatch>(async (ids, patch) => {
    const { set, removed } = halves(patch);
    const client = await ec2();
    if (set.length > 0) await client.createTags({ Resources: [...ids], Tags: [...set] });
    // Without a value a tag goes whatever it says.
    if (removed.length > 0) await client.deleteTags({ Resources: [...ids], Tags: removed.map((Key) => ({ Key })) });
  });
}
