/** What this repository asks of its manifests, without a cluster: `deploy.test.ts` applies them to one. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import pkg from '../../package.json' with { type: 'json' };
import { DRAIN_MS } from '../../domain/timing.ts';
import { readConfig } from '../../workers/config.ts';
import { STOP_MS } from '../../workers/sweeper.ts';
import { eventsOf, squall } from '../cli/squall.ts';
import { ROOT } from '../readme/blocks.ts';

const HERE = join(ROOT, 'deploy', 'kubernetes');

const bounds = z.strictObject({ requests: z.record(z.string(), z.string()), limits: z.record(z.string(), z.string()) });
/** What is not listed here is refused, so that no container gets what no test knows of. */
const podSchema = z.strictObject({
  serviceAccountName: z.string(),
  enableServiceLinks: z.literal(false),
  restartPolicy: z.literal('Never').optional(),
  terminationGracePeriodSeconds: z.number().optional(),
  securityContext: z.strictObject({
    runAsNonRoot: z.literal(true),
    runAsUser: z.literal(1000),
    runAsGroup: z.literal(1000),
    fsGroup: z.literal(1000),
    seccompProfile: z.strictObject({ type: z.literal('RuntimeDefault') }),
  }),
  containers: z.tuple([
    z.strictObject({
      name: z.literal('squall'),
      image: z.literal('squall'),
      args: z.array(z.string()),
      env: z.array(z.looseObject({ name: z.string(), value: z.string().optional() })),
      envFrom: z.array(z.unknown()).optional(),
      ports: z.array(z.unknown()).optional(),
      readinessProbe: z.unknown().optional(),
      resources: bounds,
      securityContext: z.strictObject({
        allowPrivilegeEscalation: z.literal(false),
        readOnlyRootFilesystem: z.literal(true),
        capabilities: z.strictObject({ drop: z.tuple([z.literal('ALL')]) }),
      }),
      volumeMounts: z.array(
        z.strictObject({ name: z.string(), mountPath: z.string(), readOnly: z.boolean().optional() }),
      ),
    }),
  ]),
  volumes: z.array(z.looseObject({ name: z.string() })),
});
const ruleSchema = z.object({
  apiGroups: z.array(z.string()),
  resources: z.array(z.string()),
  verbs: z.array(z.string()),
});
const documentSchema = z.looseObject({
  kind: z.string(),
  metadata: z.looseObject({ name: z.string() }).optional(),
});
type Document = z.infer<typeof documentSchema>;

const FILES = globSync('**/*.yaml', { cwd: HERE }).filter((file) => !file.endsWith('squall.yaml'));
const read = (file: string): string => readFileSync(join(HERE, file), 'utf8');
const documentsOf = (file: string): Document[] =>
  parseAllDocuments(read(file)).map((document) => documentSchema.parse(document.toJS()));
const ALL = FILES.flatMap((file) => documentsOf(file).map((document) => ({ file, document })));
const named = (kind: string, name: string): Document =>
  ALL.find(({ document }) => document.kind === kind && document.metadata?.name === name)?.document ??
  assert.fail(`no ${kind} ${name}`);

/** The pods that are made of a manifest. */
function podOf({ kind, spec }: Document): z.infer<typeof podSchema> | undefined {
  const template = z.object({ template: z.object({ spec: podSchema }) });
  if (kind === 'Deployment') return template.parse(spec).template.spec;
  if (kind !== 'CronJob') return undefined;
  return z.object({ jobTemplate: z.object({ spec: template }) }).parse(spec).jobTemplate.spec.template.spec;
}

describe('the roles of deploy/kubernetes', () => {
  const files = FILES.filter((file) => file.startsWith('roles/') && !/kustomization|probes/.test(file));
  const command = /^# bin\/squall (faults (.*) --permissions --role (\S+))$/m;

  it('are what their first line prints', async () => {
    for (const file of files) {
      const [, args = ''] = command.exec(read(file)) ?? assert.fail(file);
      const { code, out } = await squall(args.split(' '));
      assert.equal(code, 0, file);
      assert.equal(read(file).split('\n').slice(1).join('\n'), out, `${file} is another: run its first line again`);
    }
  });

  it('are for every fault of a cluster that there is, each once', async () => {
    const { out } = await squall(['faults', '--json']);
    const kinds = eventsOf(out).map(({ kind }) => String(kind));
    const granted = files.flatMap((file) => command.exec(read(file))?.[2]?.split(' ') ?? []);
    const inCluster = kinds.filter((kind) => kind.startsWith('kubernetes/'));
    assert.deepEqual(
      granted.toSorted(),
      inCluster.toSorted(),
      'add it to the first line of the role that it belongs to',
    );
  });

  it('of probes only look', () => {
    const { rules } = z.object({ rules: z.array(ruleSchema) }).parse(named('ClusterRole', 'squall-probes'));
    assert.deepEqual(new Set(rules.flatMap(({ verbs }) => verbs)), new Set(['get', 'list']));
    assert.ok(!rules.some(({ resources }) => resources.some((resource) => /secrets|configmaps|\//.test(resource))));
  });

  it('are bound to the site worker alone, where it is said; nobody is bound to read secrets', () => {
    const bindings = ALL.filter(({ document }) => /Binding$/.test(document.kind));
    for (const { file, document } of bindings) {
      const { roleRef, subjects } = z
        .object({ roleRef: z.object({ kind: z.string(), name: z.string() }), subjects: z.array(z.unknown()) })
        .parse(document);
      assert.equal(roleRef.kind, 'ClusterRole');
      assert.notEqual(roleRef.name, 'squall-config-change');
      assert.ok(named('ClusterRole', roleRef.name));
      assert.deepEqual(subjects, [{ kind: 'ServiceAccount', name: 'squall-site', namespace: 'squall' }], file);
      assert.ok(!file.startsWith('base/'), 'what may be touched is opt-in');
    }
    assert.ok(bindings.length >= 5);
    const account = named('ServiceAccount', 'squall-control');
    assert.equal(account['automountServiceAccountToken'], false);
  });
});

describe('the manifests of deploy/kubernetes', () => {
  it('each is in a kustomization, and what is named there is there', () => {
    for (const file of FILES.filter((name) => name.endsWith('kustomization.yaml'))) {
      const { resources, components } = z
        .object({ resources: z.array(z.string()).default([]), components: z.array(z.string()).default([]) })
        .parse(documentsOf(file)[0]);
      for (const path of [...resources, ...components]) assert.ok(existsSync(join(HERE, dirname(file), path)), path);
      const beside = globSync('*.yaml', { cwd: join(HERE, dirname(file)) });
      const listed = [...resources, 'kustomization.yaml', 'squall.yaml'];
      assert.deepEqual(
        beside.filter((name) => !listed.includes(name)),
        [],
        file,
      );
    }
  });

  it('pin the image to the version of this repository, and have no other', () => {
    const images = FILES.flatMap((file) => {
      const parsed = z.object({ images: z.array(z.object({ name: z.string(), newTag: z.string() })) });
      return documentsOf(file).flatMap((document) => parsed.safeParse(document).data?.images ?? []);
    });
    assert.deepEqual(
      images,
      images.map(() => ({ name: 'squall', newTag: pkg.version })),
    );
    const texts = globSync('**/*', { cwd: HERE }).filter((file) => /\.(yaml|md)$/.test(file));
    const tags = texts.flatMap((file) => [...read(file).matchAll(/registry\.example\/\w+:([\w.]+)/g)]);
    assert.ok(tags.length > 0);
    for (const [text, tag] of tags) assert.equal(tag, pkg.version, text);
  });

  it('have no pod with a right that it does not need, and no secret', () => {
    const pods = ALL.map(({ document }) => podOf(document)).filter((pod) => pod !== undefined);
    assert.equal(pods.length, 3);
    for (const { containers, volumes } of pods) {
      const [{ volumeMounts, env }] = containers;
      assert.deepEqual(volumeMounts.map(({ name }) => name).toSorted(), volumes.map(({ name }) => name).toSorted());
      assert.ok(env.some(({ name, value }) => name === 'SQUALL_CONFIG' && value === '/etc/squall/squall.yaml'));
    }
    assert.deepEqual(
      ALL.filter(({ document }) => document.kind === 'Secret'),
      [],
    );
  });

  it('give a site worker longer to stop than the longest revert and a sweep take', () => {
    const { terminationGracePeriodSeconds = 0 } = podOf(named('Deployment', 'squall-site')) ?? {};
    assert.ok(terminationGracePeriodSeconds * 1_000 > DRAIN_MS + STOP_MS);
  });

  it('have configurations that a worker takes, and an address for Temporal', async () => {
    const configs = globSync('**/squall.yaml', { cwd: HERE });
    assert.equal(configs.length, 2);
    for (const file of configs) {
      const { sites, journal } = await readConfig(join(HERE, file));
      assert.deepEqual([Object.keys(sites), journal], [['cluster'], '/var/lib/squall/journal']);
      assert.match(
        read(join(dirname(file), 'temporal.env')),
        /^TEMPORAL_ADDRESS=\S+:7233\nTEMPORAL_NAMESPACE=\S+\n#.*\nSQUALL_SITE=cluster$/m,
      );
    }
  });
});
