/**
 * Databases, caches and experiment templates as candidates.
 *
 * Owns what of a database is one target: a cluster is, and its instances are not. Who is not available is left out, unless a fault
 * of ours is on it.
 */
import type { ElastiCache } from '@aws-sdk/client-elasticache';
import { z } from 'zod';
import { isMissing } from '../aws/denied.ts';
import { accountIn, asked, listed, maybeTags, read, tagsSchema } from './aws-pages.ts';
import { isHeld, isWanted } from './aws-selector.ts';
import type { AwsPlace, AwsSelector, Found, Unreadable } from './aws-selector.ts';
import type { Labels } from '../../domain/policy.ts';

const PAGE = 100;
/** Replication groups whose tags are asked for at once. */
const AT_ONCE = 8;

// Where RDS says nothing of tags, nobody knows whom they protect: it lists none where there are none.
const clusterSchema = z
  .object({
    DBClusterIdentifier: z.string(),
    DbClusterResourceId: z.string(),
    DBClusterArn: z.string(),
    Status: z.string(),
    TagList: tagsSchema,
  })
  .transform((it) => ({
    id: it.DBClusterIdentifier,
    name: `cluster:${it.DBClusterIdentifier}`,
    uid: it.DbClusterResourceId,
    arn: it.DBClusterArn,
    status: it.Status,
    tags: it.TagList,
    isMember: false,
  }));

const databaseSchema = z
  .object({
    DBInstanceIdentifier: z.string(),
    DbiResourceId: z.string(),
    DBInstanceArn: z.string(),
    DBInstanceStatus: z.string(),
    DBClusterIdentifier: z.string().optional(),
    TagList: tagsSchema,
  })
  .transform((it) => ({
    id: it.DBInstanceIdentifier,
    name: `db:${it.DBInstanceIdentifier}`,
    uid: it.DbiResourceId,
    arn: it.DBInstanceArn,
    status: it.DBInstanceStatus,
    tags: it.TagList,
    isMember: Boolean(it.DBClusterIdentifier),
  }));

const cacheSchema = z.object({
  ReplicationGroupId: z.string(),
  Status: z.string(),
  ARN: z.string(),
  ReplicationGroupCreateTime: z.date(),
});

const templateSchema = z.object({ id: z.string(), tags: z.record(z.string(), z.string()).default({}) });

/** Whom `wanted` names among the databases of a region. */
export async function databaseCandidates(wanted: AwsSelector, place: AwsPlace): Promise<(Found | Unreadable)[]> {
  const { clients, signal: abortSignal } = place;
  const rds = await clients.rds();
  const clusters = listed('rds:DescribeDBClusters', clients.region, async (Marker) => {
    const page = await rds.describeDBClusters({ MaxRecords: PAGE, Marker }, { abortSignal });
    return { items: page.DBClusters, next: page.Marker };
  });
  const databases = listed('rds:DescribeDBInstances', clients.region, async (Marker) => {
    const page = await rds.describeDBInstances({ MaxRecords: PAGE, Marker }, { abortSignal });
    return { items: page.DBInstances, next: page.Marker };
  });
  const found: (Found | Unreadable)[] = [];
  const add = (database: z.output<typeof clusterSchema> | Unreadable): void => {
    if ('unreadable' in database) return void found.push(database);
    const { id, name, uid, arn, status, tags: labels, isMember } = database;
    if (isMember || status === 'deleting' || !isWanted(wanted, [id, name], labels)) return;
    found.push({
      target: { region: clients.region, kind: 'database', name, uid },
      facts: { labels, ...accountIn(arn) },
      reason: unavailable(status, labels),
    });
  };
  for await (const item of clusters) add(read(clusterSchema, item, 'DBClusterIdentifier'));
  for await (const item of databases) add(read(databaseSchema, item, 'DBInstanceIdentifier'));
  return found;
}

/** Whom `wanted` names among the replication groups of a region. */
export async function cacheCandidates(wanted: AwsSelector, place: AwsPlace): Promise<(Found | Unreadable)[]> {
  const { clients, signal: abortSignal } = place;
  const { region } = clients;
  const client = await clients.elastiCache();
  const items = listed('elasticache:DescribeReplicationGroups', region, async (Marker) => {
    const page = await client.describeReplicationGroups({ MaxRecords: PAGE, Marker }, { abortSignal });
    return { items: page.ReplicationGroups, next: page.Marker };
  });
  const found: (Found | Unreadable)[] = [];
  const groups: z.output<typeof cacheSchema>[] = [];
  for await (const item of items) {
    const group = read(cacheSchema, item, 'ReplicationGroupId');
    if ('unreadable' in group) found.push(group);
    else if (group.Status !== 'deleting' && isWanted({ ...wanted, tags: {} }, [group.ReplicationGroupId], {}))
      groups.push(group);
  }
  // They are not in the list. Who has gone meanwhile is no candidate.
  for (let i = 0; i < groups.length; i += AT_ONCE) {
    const some = groups.slice(i, i + AT_ONCE);
    const tags = await Promise.all(
      some.map(({ ARN }) => asked('elasticache:ListTagsForResource', region, () => tagsAt(ARN, client, abortSignal))),
    );
    for (const [j, { ReplicationGroupId: name, Status, ARN, ReplicationGroupCreateTime }] of some.entries()) {
      const labels = tags[j];
      if (labels === undefined || !isWanted(wanted, [name], labels)) continue;
      found.push({
        target: { region, kind: 'cache', name, uid: ReplicationGroupCreateTime.toISOString() },
        facts: { labels, ...accountIn(ARN) },
        reason: unavailable(Status, labels),
      });
    }
  }
  return found;
}

/** The tags of a replication group; undefined where it is gone. One that is being changed does not say. */
async function tagsAt(arn: string, client: ElastiCache, abortSignal: AbortSignal): Promise<Labels | undefined> {
  try {
    const { TagList } = await client.listTagsForResource({ ResourceName: arn }, { abortSignal });
    return maybeTags.parse(TagList);
  } catch (error) {
    if (isMissing(error)) return undefined;
    if (error instanceof Error && error.name.startsWith('InvalidReplicationGroupState')) return undefined;
    throw error;
  }
}

/** Whom `wanted` names among the experiment templates of FIS in a region. */
export async function templateCandidates(wanted: AwsSelector, place: AwsPlace): Promise<(Found | Unreadable)[]> {
  const { clients, signal: abortSignal } = place;
  const fis = await clients.fis();
  const items = listed('fis:ListExperimentTemplates', clients.region, async (nextToken) => {
    const from = nextToken === undefined ? {} : { nextToken };
    const page = await fis.listExperimentTemplates({ maxResults: PAGE, ...from }, { abortSignal });
    return { items: page.experimentTemplates, next: page.nextToken };
  });
  const found: (Found | Unreadable)[] = [];
  for await (const item of items) {
    const template = read(templateSchema, item, 'id');
    if ('unreadable' in template) found.push(template);
    else if (isWanted(wanted, [template.id], template.tags))
      found.push({
        target: { region: clients.region, kind: 'template', name: template.id },
        facts: { labels: template.tags },
      });
  }
  return found;
}

function unavailable(status: string, tags: Labels): string | undefined {
  return status === 'available' || isHeld(tags) ? undefined : 'not available';
}
