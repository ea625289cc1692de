/**
 * docker-compose.yml, and the image it is about, as the tests read them.
 *
 * Owns the parsing. A key that is not listed here is refused, so that nothing is added to the file that no test knows of.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DockerfileParser } from 'dockerfile-ast';
import { parse } from 'yaml';
import { z } from 'zod';
import { ROOT } from '../readme/blocks.ts';

const words = z.array(z.string()).default([]);

const serviceSchema = z.strictObject({
  image: z.string(),
  build: z.strictObject({ context: z.string(), dockerfile: z.string() }).optional(),
  pull_policy: z.literal('build').optional(),
  profiles: words,
  user: z.string().optional(),
  pid: z.string().optional(),
  init: z.boolean().default(false),
  entrypoint: z.array(z.string()).optional(),
  command: words,
  environment: z.record(z.string(), z.string()).default({}),
  ports: words,
  volumes: words,
  secrets: words,
  tmpfs: words,
  read_only: z.boolean().default(false),
  cap_drop: words,
  security_opt: words,
  restart: z.enum(['unless-stopped', 'no']),
  stop_grace_period: z.string().optional(),
  logging: z.strictObject({ driver: z.string() }),
  depends_on: z
    .record(z.string(), z.strictObject({ condition: z.enum(['service_healthy', 'service_completed_successfully']) }))
    .default({}),
  healthcheck: z
    .strictObject({
      test: z.array(z.string()),
      interval: z.string(),
      timeout: z.string(),
      retries: z.number(),
      start_period: z.string(),
    })
    .optional(),
});

/** One service, with what it leaves out. */
export type Service = z.infer<typeof serviceSchema>;

const composeSchema = z.looseObject({
  name: z.string(),
  services: z.record(z.string(), serviceSchema),
  volumes: z.record(z.string(), z.null()),
  secrets: z.record(z.string(), z.strictObject({ file: z.string() })),
});

/** docker-compose.yml. */
export const COMPOSE = composeSchema.parse(
  parse(readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8'), { merge: true }),
);

/** The service of this name. */
export function serviceOf(name: string): Service {
  const service = COMPOSE.services[name];
  if (service === undefined) throw new Error(`docker-compose.yml has no service ${name}`);
  return service;
}

/** Where a mount is from: a named volume, or a file of the repository. */
export interface Mount {
  readonly source: string;
  readonly target: string;
  readonly isNamed: boolean;
  readonly readOnly: boolean;
}

/** The mounts of a service, as written in the short form. */
export function mountsOf({ volumes }: Service): readonly Mount[] {
  return volumes.map((written) => {
    const [source = '', target = '', mode = 'rw'] = written.split(':');
    return { source, target, isNamed: !source.startsWith('.'), readOnly: mode === 'ro' };
  });
}

/** One instruction of deploy/Dockerfile; its words without flags and line continuations. */
export interface Instruction {
  readonly keyword: string;
  readonly words: readonly string[];
}

/** deploy/Dockerfile. */
export const DOCKERFILE: readonly Instruction[] = DockerfileParser.parse(
  readFileSync(join(ROOT, 'deploy', 'Dockerfile'), 'utf8'),
)
  .getInstructions()
  .map((instruction) => ({
    keyword: instruction.getKeyword(),
    words: instruction.getArguments().map((argument) => argument.getValue()),
  }));
